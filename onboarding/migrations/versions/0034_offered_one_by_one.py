"""Offer each of the marketplace's events that waits by a message of its own, and mark what others left unmarked.

A version from before there were marks, that goes on for a while beside this one, marks nothing as
overtaken: what it leaves has `in_order` as it is by itself.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_UNORDERED: Final = sa.text("status = 'applied' AND NOT in_order")


def upgrade() -> None:
    in_order = sa.Column("in_order", sa.Boolean(), nullable=False, server_default=sa.false())
    op.add_column("inbound_events", in_order)
    op.add_column("inbound_events", sa.Column("message_id", sa.Uuid(), nullable=True))
    op.create_index(
        "ix_inbound_events_unordered",
        "inbound_events",
        ["id"],
        postgresql_where=_UNORDERED,
        sqlite_where=_UNORDERED,
    )


def downgrade() -> None:
    op.drop_index("ix_inbound_events_unordered", table_name="inbound_events")
    op.drop_column("inbound_events", "message_id")
    op.drop_column("inbound_events", "in_order")
