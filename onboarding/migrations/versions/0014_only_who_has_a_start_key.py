"""Keep those onboardings in the index of start keys that have one: each move of the others wrote an entry."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_NAME = "uq_onboardings_start_key"
_KEYED = sa.text("start_key IS NOT NULL")


def upgrade() -> None:
    with op.batch_alter_table("onboardings", schema=None) as batch_op:
        batch_op.drop_constraint(_NAME, type_="unique")
    op.create_index(
        _NAME,
        "onboardings",
        ["start_key"],
        unique=True,
        postgresql_where=_KEYED,
        sqlite_where=_KEYED,
    )


def downgrade() -> None:
    op.drop_index(_NAME, table_name="onboardings")
    with op.batch_alter_table("onboardings", schema=None) as batch_op:
        batch_op.create_unique_constraint(_NAME, ["start_key"])
