"""Find events of the marketplace's that were settled long ago: the clock forgets them."""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_inbound_events_settled_at", "inbound_events", ["settled_at"])


def downgrade() -> None:
    op.drop_index("ix_inbound_events_settled_at", table_name="inbound_events")
