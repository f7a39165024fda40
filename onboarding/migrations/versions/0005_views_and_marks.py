"""Views under a name, and what operators say about causes."""

import sqlalchemy as sa
from alembic import op

from onboarding.db import UTCDateTime, now

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "saved_views",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("created_at", UTCDateTime(), server_default=now(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["operators.id"],
            name=op.f("fk_saved_views_owner_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_views")),
        sa.UniqueConstraint("owner_id", "name", name=op.f("uq_saved_views_owner_id_name")),
    )
    op.create_table(
        "cause_marks",
        sa.Column("task", sa.String(length=40), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("release", sa.String(length=40), nullable=True),
        sa.Column("until", UTCDateTime(), nullable=True),
        sa.Column("marked_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint(
            "status IN ('acknowledged', 'fixed', 'ignored', 'open')",
            name=op.f("ck_cause_marks_status"),
        ),
        sa.CheckConstraint(
            "(status = 'fixed') = (release IS NOT NULL)",
            name=op.f("ck_cause_marks_fixed_in_a_release"),
        ),
        sa.CheckConstraint(
            "(status = 'ignored') = (until IS NOT NULL)",
            name=op.f("ck_cause_marks_ignored_until_a_day"),
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["operators.id"],
            name=op.f("fk_cause_marks_owner_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("task", "code", name=op.f("pk_cause_marks")),
    )
    op.create_index(op.f("ix_cause_marks_owner_id"), "cause_marks", ["owner_id"])
    marks = sa.text("action = 'cause.mark'")
    op.create_index(
        "ix_audit_marks", "audit", ["number"], postgresql_where=marks, sqlite_where=marks
    )


def downgrade() -> None:
    op.drop_index("ix_audit_marks", table_name="audit")
    op.drop_table("cause_marks")
    op.drop_table("saved_views")
