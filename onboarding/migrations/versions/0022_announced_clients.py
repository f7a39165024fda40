"""Note which clients another authorization server was told of, and how they are managed there."""

import sqlalchemy as sa
from alembic import op

from onboarding.db import UTCDateTime, now

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "announced_clients",
        sa.Column("client_id", sa.String(length=40), nullable=False),
        sa.Column("created_at", UTCDateTime(), server_default=now(), nullable=False),
        sa.Column("uri", sa.String(length=2000), nullable=True),
        sa.Column("key_id", sa.String(length=16), nullable=True),
        sa.Column("token", sa.LargeBinary(length=8192), nullable=True),
        sa.CheckConstraint(
            "(uri IS NULL) = (token IS NULL) AND (uri IS NULL) = (key_id IS NULL)",
            name=op.f("ck_announced_clients_managed_by_a_token"),
        ),
        sa.ForeignKeyConstraint(
            ["client_id"], ["clients.id"], name=op.f("fk_announced_clients_client_id")
        ),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_announced_clients")),
    )


def downgrade() -> None:
    op.drop_table("announced_clients")
