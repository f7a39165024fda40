"""Developers whom sellers name to receive a client secret."""

import sqlalchemy as sa
from alembic import op

from onboarding.db import UTCDateTime, now

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_ALIVE = sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "handovers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("onboarding_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("named_at", UTCDateTime(), server_default=now(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("proved_at", UTCDateTime(), nullable=True),
        sa.Column("issuer", sa.String(255), nullable=True),
        sa.Column("subject", sa.String(255), nullable=True),
        sa.Column("seller_id", sa.String(40), nullable=True),
        sa.Column("shop_name", sa.String(120), nullable=True),
        sa.Column("chosen_at", UTCDateTime(), nullable=True),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.Column("ended_because", sa.String(16), nullable=True),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ended_because IS NULL)",
            name=op.f("ck_handovers_ended_has_a_reason"),
        ),
        sa.CheckConstraint(
            "ended_because IN ('reassigned', 'withdrawn', 'revoked')",
            name=op.f("ck_handovers_ended_because"),
        ),
        sa.CheckConstraint(
            "session_id IS NULL OR proved_at IS NOT NULL",
            name=op.f("ck_handovers_proved_in_a_browser"),
        ),
        sa.CheckConstraint(
            "(chosen_at IS NULL) = (seller_id IS NULL)"
            " AND (chosen_at IS NULL) = (shop_name IS NULL)"
            " AND (chosen_at IS NULL) = (issuer IS NULL)"
            " AND (chosen_at IS NULL) = (subject IS NULL)",
            name=op.f("ck_handovers_account_is_whole"),
        ),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboardings.id"], name=op.f("fk_handovers_onboarding_id")
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["browser_sessions.id"],
            name=op.f("fk_handovers_session_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handovers")),
    )
    op.create_index("ix_handovers_onboarding_id", "handovers", ["onboarding_id"])
    op.create_index("ix_handovers_session_id", "handovers", ["session_id"])
    op.create_index(
        "uq_handovers_alive",
        "handovers",
        ["onboarding_id"],
        unique=True,
        postgresql_where=_ALIVE,
        sqlite_where=_ALIVE,
    )
    op.create_table(
        "developer_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("handover_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", UTCDateTime(), server_default=now(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("used_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["handover_id"],
            ["handovers.id"],
            name=op.f("fk_developer_codes_handover_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_developer_codes")),
    )
    op.create_index("ix_developer_codes_handover_id", "developer_codes", ["handover_id"])
    op.add_column("onboardings", sa.Column("handover_id", sa.Uuid(), nullable=True))


def downgrade() -> None:
    """The version before knows of no developers: the secret is the seller's to see again."""
    op.drop_column("onboardings", "handover_id")
    op.drop_table("developer_codes")
    op.drop_table("handovers")
