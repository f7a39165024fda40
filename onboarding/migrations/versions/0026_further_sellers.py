"""Seller accounts that a client may act for besides the one of its onboarding, and how they are asked."""

import sqlalchemy as sa
from alembic import op

from onboarding.db import UTCDateTime, now

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_ALIVE = sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "seller_invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("onboarding_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.String(40), nullable=False),
        sa.Column("created_at", UTCDateTime(), server_default=now(), nullable=False),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.Column("ended_because", sa.String(16), nullable=True),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ended_because IS NULL)",
            name=op.f("ck_seller_invitations_ended_has_a_reason"),
        ),
        sa.CheckConstraint(
            "ended_because IN ('accepted', 'withdrawn', 'revoked')",
            name=op.f("ck_seller_invitations_ended_because"),
        ),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboardings.id"], name=op.f("fk_seller_invitations_onboarding_id")
        ),
        sa.ForeignKeyConstraint(
            ["client_id"], ["clients.id"], name=op.f("fk_seller_invitations_client_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seller_invitations")),
    )
    op.create_index(
        "ix_seller_invitations_open",
        "seller_invitations",
        ["onboarding_id"],
        postgresql_where=_ALIVE,
        sqlite_where=_ALIVE,
    )
    op.create_table(
        "further_links",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("onboarding_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.String(40), nullable=False),
        sa.Column("invitation_id", sa.Uuid(), nullable=False),
        sa.Column("seller_id", sa.String(40), nullable=False),
        sa.Column("shop_name", sa.String(120), nullable=False),
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("created_at", UTCDateTime(), server_default=now(), nullable=False),
        sa.Column("confirmed_at", UTCDateTime(), nullable=True),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboardings.id"], name=op.f("fk_further_links_onboarding_id")
        ),
        sa.ForeignKeyConstraint(
            ["client_id"], ["clients.id"], name=op.f("fk_further_links_client_id")
        ),
        sa.ForeignKeyConstraint(
            ["invitation_id"],
            ["seller_invitations.id"],
            name=op.f("fk_further_links_invitation_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_further_links")),
        sa.UniqueConstraint("invitation_id", name=op.f("uq_further_links_invitation_id")),
    )
    op.create_index("ix_further_links_onboarding_id", "further_links", ["onboarding_id"])
    op.create_index("ix_further_links_seller_id", "further_links", ["seller_id"])
    op.create_index("ix_further_links_seller_account", "further_links", ["issuer", "subject"])
    op.create_index(
        "uq_further_links_alive",
        "further_links",
        ["client_id", "seller_id"],
        unique=True,
        postgresql_where=_ALIVE,
        sqlite_where=_ALIVE,
    )
    with op.batch_alter_table("pending_sign_ins", schema=None) as batch_op:
        batch_op.add_column(sa.Column("invitation_id", sa.Uuid(), nullable=True))
        batch_op.create_foreign_key(
            op.f("fk_pending_sign_ins_invitation_id"),
            "seller_invitations",
            ["invitation_id"],
            ["id"],
            ondelete="CASCADE",
        )


def downgrade() -> None:
    """The version before knows of one seller account a client: the others are linked no more."""
    with op.batch_alter_table("pending_sign_ins", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("fk_pending_sign_ins_invitation_id"), type_="foreignkey")
        batch_op.drop_column("invitation_id")
    op.drop_table("further_links")
    op.drop_table("seller_invitations")
