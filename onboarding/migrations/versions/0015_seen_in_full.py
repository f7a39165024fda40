"""What an operator sees in full for a while."""

import sqlalchemy as sa
from alembic import op

from onboarding.db import UTCDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "unmaskings",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("onboarding_id", sa.Uuid(), nullable=False),
        sa.Column("field", sa.String(length=20), nullable=False),
        sa.Column("until", UTCDateTime(), nullable=False),
        sa.CheckConstraint(
            "field IN ('connection_name', 'contact_email', 'seller_id', 'shop_name')",
            name=op.f("ck_unmaskings_field"),
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["operator_sessions.id"],
            name=op.f("fk_unmaskings_session_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["onboarding_id"],
            ["onboardings.id"],
            name=op.f("fk_unmaskings_onboarding_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "session_id", "onboarding_id", "field", name=op.f("pk_unmaskings")
        ),
    )
    op.create_index(op.f("ix_unmaskings_until"), "unmaskings", ["until"])


def downgrade() -> None:
    op.drop_table("unmaskings")
