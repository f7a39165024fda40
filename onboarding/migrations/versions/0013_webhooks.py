"""Endpoints of calling systems, and what is sent to them."""

import sqlalchemy as sa
from alembic import op

from onboarding.db import UTCDateTime, now

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_UNFINISHED = sa.text("delivered_at IS NULL AND failed_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("system_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("event_types", sa.JSON(), nullable=False),
        sa.Column("description", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=300), nullable=False),
        sa.Column("signature", sa.String(length=8), nullable=False),
        sa.Column("key_number", sa.Integer(), nullable=False),
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("previous_key_id", sa.String(length=40), nullable=True),
        sa.Column("rotated_at", UTCDateTime(), nullable=True),
        sa.Column("created_at", UTCDateTime(), server_default=now(), nullable=False),
        sa.Column("disabled_at", UTCDateTime(), nullable=True),
        sa.Column("disabled_because", sa.String(length=40), nullable=True),
        sa.Column("noted_until", sa.String(length=70), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("rests_until", UTCDateTime(), nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("signature IN ('ed25519', 'hmac')", name=op.f("ck_webhooks_signature")),
        sa.CheckConstraint("key_number >= 1", name=op.f("ck_webhooks_key_number")),
        sa.CheckConstraint(
            "(rotated_at IS NULL) = (previous_key_id IS NULL)",
            name=op.f("ck_webhooks_rotated_from_a_key"),
        ),
        sa.CheckConstraint(
            "(disabled_at IS NULL) = (disabled_because IS NULL)",
            name=op.f("ck_webhooks_disabled_has_a_reason"),
        ),
        sa.CheckConstraint("failures >= 0", name=op.f("ck_webhooks_failures")),
        sa.ForeignKeyConstraint(
            ["system_id"], ["systems.id"], name=op.f("fk_webhooks_system_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
    )
    op.create_index(op.f("ix_webhooks_system_id"), "webhooks", ["system_id"])
    op.create_table(
        "deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("onboarding_id", sa.Uuid(), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=True),
        sa.Column("event_id", sa.String(length=60), nullable=False),
        sa.Column("type", sa.String(length=60), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", UTCDateTime(), server_default=now(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", UTCDateTime(), server_default=now(), nullable=False),
        sa.Column("delivered_at", UTCDateTime(), nullable=True),
        sa.Column("failed_at", UTCDateTime(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("cause", sa.String(length=40), nullable=True),
        sa.CheckConstraint(
            "(onboarding_id IS NULL) = (sequence IS NULL)",
            name=op.f("ck_deliveries_of_a_transition"),
        ),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_deliveries_attempts")),
        sa.CheckConstraint(
            "delivered_at IS NULL OR failed_at IS NULL", name=op.f("ck_deliveries_one_end")
        ),
        sa.CheckConstraint(
            "failed_at IS NULL OR cause IS NOT NULL", name=op.f("ck_deliveries_failed_has_a_cause")
        ),
        sa.ForeignKeyConstraint(
            ["webhook_id"],
            ["webhooks.id"],
            name=op.f("fk_deliveries_webhook_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboardings.id"], name=op.f("fk_deliveries_onboarding_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint(
            "webhook_id", "event_id", name="uq_deliveries_webhook_id_event_id"
        ),
    )
    op.create_index("ix_deliveries_onboarding_id", "deliveries", ["onboarding_id"])
    _index("ix_deliveries_unfinished", ["webhook_id", "next_at"])
    _index("ix_deliveries_in_turn", ["webhook_id", "onboarding_id", "sequence"])


def downgrade() -> None:
    op.drop_table("deliveries")
    op.drop_table("webhooks")


def _index(name: str, columns: list[str]) -> None:
    """Of what is unfinished only."""
    op.create_index(
        name, "deliveries", columns, postgresql_where=_UNFINISHED, sqlite_where=_UNFINISHED
    )
