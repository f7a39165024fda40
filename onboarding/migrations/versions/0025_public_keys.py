"""Let a public key stand in place of a client secret, and remember which assertions were used."""

import sqlalchemy as sa
from alembic import op

from onboarding.db import UTCDateTime

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("secrets", sa.Column("jwk", sa.String(length=1200), nullable=True))
    op.create_table(
        "used_assertions",
        sa.Column("id", sa.LargeBinary(length=32), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_used_assertions")),
    )
    op.create_index("ix_used_assertions_expires_at", "used_assertions", ["expires_at"])


def downgrade() -> None:
    """The version before knows of no public keys: whoever has one gets no access token there."""
    op.drop_table("used_assertions")
    op.drop_column("secrets", "jwk")
