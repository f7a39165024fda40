"""Let a new client secret be made while the old one goes on, for some days after the new one has arrived."""

import sqlalchemy as sa
from alembic import op

from onboarding.db import UTCDateTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_CURRENT = sa.text(
    "ended_at IS NULL AND ends_at IS NULL AND (overlap_days IS NULL OR acknowledged_at IS NOT NULL)"
)
_COMING = sa.text("ended_at IS NULL AND overlap_days IS NOT NULL AND acknowledged_at IS NULL")
_ENDING = sa.text("ended_at IS NULL AND ends_at IS NOT NULL")
_LIVE = sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.add_column("clients", sa.Column("secret_asked_at", UTCDateTime(), nullable=True))
    op.drop_index("uq_secrets_alive", table_name="secrets")
    with op.batch_alter_table("secrets", schema=None) as batch_op:
        batch_op.add_column(sa.Column("overlap_days", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("ends_at", UTCDateTime(), nullable=True))
        batch_op.create_check_constraint(
            op.f("ck_secrets_overlap_days"), "overlap_days BETWEEN 0 AND 7"
        )
        batch_op.create_check_constraint(
            op.f("ck_secrets_saved_before_replaced"),
            "ends_at IS NULL OR acknowledged_at IS NOT NULL",
        )
    _index("uq_secrets_alive", _CURRENT)
    _index("uq_secrets_coming", _COMING)
    _index("uq_secrets_ending", _ENDING)


def downgrade() -> None:
    """The version before knows of one living secret: what is replaced, or to replace one, ends."""
    op.execute(
        "DELETE FROM sealed_secrets WHERE EXISTS (SELECT 1 FROM secrets WHERE"
        " secrets.client_id = sealed_secrets.client_id AND"
        " secrets.version = sealed_secrets.version AND secrets.overlap_days IS NOT NULL)"
    )
    op.execute(
        "UPDATE secrets SET ended_at = CURRENT_TIMESTAMP, ended_because = 'replaced' WHERE"
        f" ({_COMING.text}) OR ({_ENDING.text})"
    )
    for name in ("uq_secrets_ending", "uq_secrets_coming", "uq_secrets_alive"):
        op.drop_index(name, table_name="secrets")
    with op.batch_alter_table("secrets", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_secrets_saved_before_replaced"), type_="check")
        batch_op.drop_constraint(op.f("ck_secrets_overlap_days"), type_="check")
        batch_op.drop_column("ends_at")
        batch_op.drop_column("overlap_days")
    _index("uq_secrets_alive", _LIVE)
    with op.batch_alter_table("clients", schema=None) as batch_op:
        batch_op.drop_column("secret_asked_at")


def _index(name: str, where: sa.TextClause) -> None:
    op.create_index(
        name, "secrets", ["client_id"], unique=True, postgresql_where=where, sqlite_where=where
    )
