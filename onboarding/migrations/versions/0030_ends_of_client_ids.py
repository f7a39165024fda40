"""A client ID is found by its last four characters, which people read out."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_ENDING: Final = (
    "replace(replace(replace(upper(substr(id, length(id) - 3)), 'O', '0'), 'I', '1'), 'L', '1')"
)


def upgrade() -> None:
    op.create_index("ix_clients_ending", "clients", [sa.text(_ENDING)])


def downgrade() -> None:
    op.drop_index("ix_clients_ending", table_name="clients")
