"""What an operator sees in full for a while; since when an endpoint fails, and when it was tried last."""

import sqlalchemy as sa
from alembic import op

from onboarding.db import UTCDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_FAILED = sa.text("failed_at IS NOT NULL")


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
    op.add_column("saved_views", sa.Column("deleted_at", UTCDateTime(), nullable=True))
    _endpoints()


def downgrade() -> None:
    op.drop_index("ix_deliveries_failed", "deliveries")
    op.drop_index("ix_deliveries_newest", "deliveries")
    op.drop_column("deliveries", "tried_at")
    with op.batch_alter_table("webhooks") as batch_op:
        batch_op.drop_constraint(op.f("ck_webhooks_failing_since_when"), type_="check")
        batch_op.drop_column("failing_since")
    op.drop_column("saved_views", "deleted_at")
    op.drop_table("unmaskings")


def _endpoints() -> None:
    """What is known of them: an attempt that failed left no time, and the rest after it comes next."""
    op.add_column("webhooks", sa.Column("failing_since", UTCDateTime(), nullable=True))
    op.execute(
        "UPDATE webhooks SET failing_since = COALESCE(disabled_at, rests_until, created_at)"
        " WHERE failures > 0"
    )
    with op.batch_alter_table("webhooks") as batch_op:
        batch_op.create_check_constraint(
            op.f("ck_webhooks_failing_since_when"), "(failures = 0) = (failing_since IS NULL)"
        )
    op.add_column("deliveries", sa.Column("tried_at", UTCDateTime(), nullable=True))
    op.execute(
        "UPDATE deliveries SET tried_at = COALESCE(delivered_at, failed_at, created_at)"
        " WHERE status IS NOT NULL OR cause IS NOT NULL"
    )
    op.create_index("ix_deliveries_newest", "deliveries", ["webhook_id", "id"])
    op.create_index(
        "ix_deliveries_failed",
        "deliveries",
        ["webhook_id", "id"],
        postgresql_where=_FAILED,
        sqlite_where=_FAILED,
    )
