"""Runs of one action on many onboardings; more time for a person."""

import sqlalchemy as sa
from alembic import op

from onboarding.db import UTCDateTime, now

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("onboardings", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("extra_days", sa.Integer(), server_default=sa.text("0"), nullable=False)
        )
        batch_op.create_check_constraint(
            op.f("ck_onboardings_extra_days"), "extra_days BETWEEN 0 AND 90"
        )
    op.create_table(
        "runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("choice", sa.String(length=64), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=True),
        sa.Column("operator_id", sa.Uuid(), nullable=True),
        sa.Column("agreed_by", sa.String(length=200), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("why", sa.String(length=40), nullable=True),
        sa.Column("first", sa.Integer(), nullable=False),
        sa.Column("pace", sa.Integer(), nullable=False),
        sa.Column("stop_above", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(), server_default=now(), nullable=False),
        sa.Column("next_at", UTCDateTime(), nullable=True),
        sa.Column("resumed_at", UTCDateTime(), nullable=True),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.CheckConstraint("number >= 1", name=op.f("ck_runs_number")),
        sa.CheckConstraint(
            "status IN ('aborted', 'declined', 'done', 'paused', 'proposed', 'running')",
            name=op.f("ck_runs_status"),
        ),
        sa.CheckConstraint("first >= 0", name=op.f("ck_runs_first")),
        sa.CheckConstraint("pace >= 1", name=op.f("ck_runs_pace")),
        sa.CheckConstraint("stop_above BETWEEN 0 AND 100", name=op.f("ck_runs_stop_above")),
        sa.CheckConstraint("agreed_by <> actor", name=op.f("ck_runs_four_eyes")),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (status IN ('proposed', 'running', 'paused'))",
            name=op.f("ck_runs_ends"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
        sa.UniqueConstraint("number", name=op.f("uq_runs_number")),
    )
    due = sa.text("next_at IS NOT NULL")
    op.create_index(
        "ix_runs_next_at", "runs", ["next_at"], postgresql_where=due, sqlite_where=due
    )
    op.create_table(
        "run_items",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("onboarding_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("why", sa.String(length=120), nullable=True),
        sa.Column("at", UTCDateTime(), nullable=True),
        sa.CheckConstraint("position >= 1", name=op.f("ck_run_items_position")),
        sa.CheckConstraint(
            "outcome IN ('carried_out', 'done', 'failed', 'not_eligible', 'refused', 'waiting')",
            name=op.f("ck_run_items_outcome"),
        ),
        sa.CheckConstraint(
            "(at IS NULL) = (outcome IN ('waiting', 'not_eligible'))",
            name=op.f("ck_run_items_at"),
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.id"], name=op.f("fk_run_items_run_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboardings.id"], name=op.f("fk_run_items_onboarding_id")
        ),
        sa.PrimaryKeyConstraint("run_id", "position", name=op.f("pk_run_items")),
    )
    op.create_index(op.f("ix_run_items_onboarding_id"), "run_items", ["onboarding_id"])
    op.create_index("ix_run_items_outcome", "run_items", ["run_id", "outcome", "position"])


def downgrade() -> None:
    op.drop_table("run_items")
    op.drop_table("runs")
    with op.batch_alter_table("onboardings", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_onboardings_extra_days"), type_="check")
        batch_op.drop_column("extra_days")
