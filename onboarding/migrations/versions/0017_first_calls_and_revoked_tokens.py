"""Note when a client secret was used first and last, and which access tokens their clients have revoked."""

import sqlalchemy as sa
from alembic import op

from onboarding.db import UTCDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("clients", sa.Column("first_used_at", UTCDateTime(), nullable=True))
    op.add_column("clients", sa.Column("silence_asked_at", UTCDateTime(), nullable=True))
    op.add_column("secrets", sa.Column("last_used_at", UTCDateTime(), nullable=True))
    op.create_table(
        "revoked_tokens",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revoked_tokens")),
    )
    op.create_index("ix_revoked_tokens_expires_at", "revoked_tokens", ["expires_at"])


def downgrade() -> None:
    op.drop_table("revoked_tokens")
    with op.batch_alter_table("secrets", schema=None) as batch_op:
        batch_op.drop_column("last_used_at")
    with op.batch_alter_table("clients", schema=None) as batch_op:
        batch_op.drop_column("silence_asked_at")
        batch_op.drop_column("first_used_at")
