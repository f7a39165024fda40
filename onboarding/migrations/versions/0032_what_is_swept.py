"""Find by an index what the clock removes: it looks every ten minutes, and most of what is there stays."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

_ENDED: Final = sa.text("delivered_at IS NOT NULL OR failed_at IS NOT NULL")
_SWEPT: Final = ("operator_sessions", "pending_sign_ins", "unproved_letters")


def upgrade() -> None:
    op.create_index(
        "ix_deliveries_ended",
        "deliveries",
        ["created_at"],
        postgresql_where=_ENDED,
        sqlite_where=_ENDED,
    )
    for table in _SWEPT:
        op.create_index(f"ix_{table}_created_at", table, ["created_at"])


def downgrade() -> None:
    for table in _SWEPT:
        op.drop_index(f"ix_{table}_created_at", table_name=table)
    op.drop_index("ix_deliveries_ended", table_name="deliveries")
