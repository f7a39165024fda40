"""Operators' e-mail addresses, as their sign-in gives them; who is told when a saved view holds more than so many."""

import sqlalchemy as sa
from alembic import op

from onboarding.db import UTCDateTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("operators") as batch_op:
        batch_op.add_column(sa.Column("email", sa.String(length=254), nullable=True))
        batch_op.add_column(sa.Column("email_given_at", UTCDateTime(), nullable=True))
        batch_op.create_check_constraint(
            op.f("ck_operators_email_given_when"), "(email IS NULL) = (email_given_at IS NULL)"
        )
    op.create_table(
        "view_alerts",
        sa.Column("view_id", sa.Uuid(), nullable=False),
        sa.Column("operator_id", sa.Uuid(), nullable=False),
        sa.Column("above", sa.Integer(), nullable=False),
        sa.Column("locale", sa.String(length=5), nullable=False),
        sa.Column("armed", sa.Boolean(), nullable=False),
        sa.Column("told_at", UTCDateTime(), nullable=True),
        sa.Column("look_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint("above BETWEEN 0 AND 9999", name=op.f("ck_view_alerts_above")),
        sa.CheckConstraint("locale IN ('en', 'fr')", name=op.f("ck_view_alerts_locale")),
        sa.ForeignKeyConstraint(
            ["view_id"],
            ["saved_views.id"],
            name=op.f("fk_view_alerts_view_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["operator_id"],
            ["operators.id"],
            name=op.f("fk_view_alerts_operator_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("view_id", "operator_id", name=op.f("pk_view_alerts")),
    )
    op.create_index(op.f("ix_view_alerts_operator_id"), "view_alerts", ["operator_id"])
    op.create_index(op.f("ix_view_alerts_look_at"), "view_alerts", ["look_at"])


def downgrade() -> None:
    op.drop_table("view_alerts")
    with op.batch_alter_table("operators") as batch_op:
        batch_op.drop_constraint(op.f("ck_operators_email_given_when"), type_="check")
        batch_op.drop_column("email_given_at")
        batch_op.drop_column("email")
