"""Attempts that failed are kept when their message is gone."""

import sqlalchemy as sa
from alembic import op

from onboarding.db import UTCDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "failed_attempts",
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("onboarding_id", sa.Uuid(), nullable=False),
        sa.Column("task", sa.String(length=40), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("cause", sa.String(length=40), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "attempt BETWEEN 1 AND max_attempts", name=op.f("ck_failed_attempts_attempt")
        ),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboardings.id"], name=op.f("fk_failed_attempts_onboarding_id")
        ),
        sa.PrimaryKeyConstraint("message_id", "attempt", name=op.f("pk_failed_attempts")),
    )
    op.create_index(op.f("ix_failed_attempts_onboarding_id"), "failed_attempts", ["onboarding_id"])


def downgrade() -> None:
    op.drop_table("failed_attempts")
