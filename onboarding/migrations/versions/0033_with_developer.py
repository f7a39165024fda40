"""Find by an index those whom a named developer must move: the console counts them each time it is shown."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_NAMED: Final = sa.text("handover_id IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        "ix_onboardings_with_developer",
        "onboardings",
        ["state", "entered_at"],
        postgresql_where=_NAMED,
        sqlite_where=_NAMED,
    )


def downgrade() -> None:
    op.drop_index("ix_onboardings_with_developer", table_name="onboardings")
