"""Let a client secret that was found elsewhere be dead at once, and be found by its checksum."""

import sqlalchemy as sa
from alembic import op

from onboarding.db import UTCDateTime

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_LIVES = sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.add_column("secrets", sa.Column("disclosed_at", UTCDateTime(), nullable=True))
    op.create_index(
        "ix_secrets_ending",
        "secrets",
        ["ending"],
        postgresql_where=_LIVES,
        sqlite_where=_LIVES,
    )


def downgrade() -> None:
    """The version before would let one that has leaked work again: such a client is disabled."""
    op.execute(
        "UPDATE clients SET disabled_at = CURRENT_TIMESTAMP WHERE disabled_at IS NULL AND EXISTS"
        " (SELECT 1 FROM secrets WHERE secrets.client_id = clients.id"
        " AND secrets.disclosed_at IS NOT NULL AND secrets.ended_at IS NULL)"
    )
    op.drop_index("ix_secrets_ending", table_name="secrets")
    op.drop_column("secrets", "disclosed_at")
