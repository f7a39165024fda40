"""Which browser session follows which, and when somebody signed in there."""

import sqlalchemy as sa
from alembic import op

from onboarding.db import UTCDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_NAME = "fk_browser_sessions_succeeded_by"


def upgrade() -> None:
    with op.batch_alter_table("browser_sessions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("signed_in_at", UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column("succeeded_at", UTCDateTime(), nullable=True))
        batch_op.add_column(sa.Column("succeeded_by", sa.Uuid(), nullable=True))
        batch_op.create_foreign_key(
            op.f(_NAME), "browser_sessions", ["succeeded_by"], ["id"], ondelete="CASCADE"
        )
        batch_op.create_index(
            batch_op.f("ix_browser_sessions_succeeded_by"), ["succeeded_by"], unique=False
        )


def downgrade() -> None:
    with op.batch_alter_table("browser_sessions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_browser_sessions_succeeded_by"))
        batch_op.drop_constraint(op.f(_NAME), type_="foreignkey")
        batch_op.drop_column("succeeded_by")
        batch_op.drop_column("succeeded_at")
        batch_op.drop_column("signed_in_at")
