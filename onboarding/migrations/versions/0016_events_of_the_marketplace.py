"""What the marketplace's own systems tell us: sources, their keys and events; sellers and clients that may not act."""

import sqlalchemy as sa
from alembic import op

from onboarding.db import UTCDateTime, now

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_WAITS = sa.text("status IN ('parked', 'unknown')")


def upgrade() -> None:
    op.create_table(
        "sources",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("created_at", UTCDateTime(), server_default=now(), nullable=False),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_sources")),
    )
    op.create_table(
        "source_keys",
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("signature", sa.String(length=8), nullable=False),
        sa.Column("key_id", sa.String(length=40), nullable=True),
        sa.Column("public_key", sa.String(length=60), nullable=True),
        sa.Column("created_at", UTCDateTime(), server_default=now(), nullable=False),
        sa.Column("ends_at", UTCDateTime(), nullable=True),
        sa.CheckConstraint(
            "signature IN ('ed25519', 'hmac')", name=op.f("ck_source_keys_signature")
        ),
        sa.CheckConstraint("number >= 1", name=op.f("ck_source_keys_number")),
        sa.CheckConstraint(
            "(signature = 'hmac') = (key_id IS NOT NULL)", name=op.f("ck_source_keys_derived")
        ),
        sa.CheckConstraint(
            "(signature = 'ed25519') = (public_key IS NOT NULL)",
            name=op.f("ck_source_keys_public"),
        ),
        sa.ForeignKeyConstraint(["source"], ["sources.name"], name=op.f("fk_source_keys_source")),
        sa.PrimaryKeyConstraint("source", "number", name=op.f("pk_source_keys")),
    )
    _inbound_events()
    op.create_table(
        "suspended_sellers",
        sa.Column("seller_id", sa.String(length=40), nullable=False),
        sa.Column("since", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("seller_id", name=op.f("pk_suspended_sellers")),
    )
    op.add_column("clients", sa.Column("disabled_at", UTCDateTime(), nullable=True))


def downgrade() -> None:
    op.drop_column("clients", "disabled_at")
    for table in ("suspended_sellers", "inbound_events", "source_keys", "sources"):
        op.drop_table(table)


def _inbound_events() -> None:
    op.create_table(
        "inbound_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("event_id", sa.String(length=200), nullable=False),
        sa.Column("type", sa.String(length=120), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("time", UTCDateTime(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("received_at", UTCDateTime(), server_default=now(), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("settled_at", UTCDateTime(), nullable=True),
        sa.Column("effect", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "status IN ('applied', 'parked', 'stale', 'unknown')",
            name=op.f("ck_inbound_events_status"),
        ),
        sa.CheckConstraint(
            "(status IN ('parked', 'unknown')) = (settled_at IS NULL)",
            name=op.f("ck_inbound_events_settled"),
        ),
        sa.ForeignKeyConstraint(
            ["source"], ["sources.name"], name=op.f("fk_inbound_events_source")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_events")),
        sa.UniqueConstraint(
            "source", "event_id", name="uq_inbound_events_source_event_id"
        ),
    )
    op.create_index("ix_inbound_events_subject", "inbound_events", ["subject", "type", "time"])
    op.create_index(
        "ix_inbound_events_waiting",
        "inbound_events",
        ["status", "id"],
        postgresql_where=_WAITS,
        sqlite_where=_WAITS,
    )
