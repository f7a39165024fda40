"""Mark the marketplace's events that a later one has overtaken, and let one be dismissed.

What may go is found by an index of its own: until now, it was asked of every old event, at each
look, whether it was the latest of its fact.
"""

from typing import Final

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

from onboarding.db import UTCDateTime

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_MAY_GO: Final = sa.text("overtaken_at IS NOT NULL OR status IN ('dismissed', 'stale', 'unknown')")
_WAITS: Final = sa.text("status IN ('parked', 'unknown')")
_REGISTERED: Final = ("aggregator.registered",)
_ITS_STATUS: Final = ("aggregator.suspended", "aggregator.reinstated", "aggregator.unregistered")
# Types, and those whose events say all of it as well.
_OVERTAKEN_BY: Final = (
    (_ITS_STATUS, _REGISTERED + _ITS_STATUS),
    (_REGISTERED, _REGISTERED),
    (("seller.suspended", "seller.reinstated"),) * 2,
    (("client.disabled",),) * 2,
)


def upgrade() -> None:
    op.drop_index("ix_inbound_events_settled_at", table_name="inbound_events")
    op.drop_index("ix_inbound_events_waiting", table_name="inbound_events")
    with op.batch_alter_table("inbound_events", schema=None) as batch_op:
        _statuses(batch_op, "'applied', 'dismissed', 'parked', 'stale', 'unknown'", length=12)
        batch_op.add_column(sa.Column("overtaken_at", UTCDateTime(), nullable=True))
        batch_op.create_check_constraint(
            op.f("ck_inbound_events_overtaken"), "overtaken_at IS NULL OR status = 'applied'"
        )
    for types, by in _OVERTAKEN_BY:
        op.get_bind().execute(_MARK, {"types": types, "by": by})
    _index("ix_inbound_events_waiting", ["status", "id"], _WAITS)
    _index("ix_inbound_events_goes", [sa.text("coalesce(settled_at, received_at)")], _MAY_GO)


def downgrade() -> None:
    """The version before knows of nothing that was dismissed: there it came too late."""
    op.drop_index("ix_inbound_events_goes", table_name="inbound_events")
    op.drop_index("ix_inbound_events_waiting", table_name="inbound_events")
    op.execute("UPDATE inbound_events SET status = 'stale' WHERE status = 'dismissed'")
    with op.batch_alter_table("inbound_events", schema=None) as batch_op:
        batch_op.drop_constraint(op.f("ck_inbound_events_overtaken"), type_="check")
        batch_op.drop_column("overtaken_at")
        _statuses(batch_op, "'applied', 'parked', 'stale', 'unknown'", length=8)
    _index("ix_inbound_events_waiting", ["status", "id"], _WAITS)
    op.create_index("ix_inbound_events_settled_at", "inbound_events", ["settled_at"])


def _statuses(batch_op: BatchOperations, statuses: str, length: int) -> None:
    """PostgreSQL would write every rule of a column's in another way where its type changes."""
    for name in ("status", "settled"):
        batch_op.drop_constraint(op.f(f"ck_inbound_events_{name}"), type_="check")
    batch_op.alter_column("status", type_=sa.String(length=length), existing_nullable=False)
    batch_op.create_check_constraint(op.f("ck_inbound_events_status"), f"status IN ({statuses})")
    batch_op.create_check_constraint(
        op.f("ck_inbound_events_settled"), f"({_WAITS.text}) = (settled_at IS NULL)"
    )


def _index(name: str, columns: list[str | sa.TextClause], where: sa.TextClause) -> None:
    op.create_index(
        name, "inbound_events", columns, postgresql_where=where, sqlite_where=where
    )


# Each was overtaken when the next one in their order was settled: in one pass, however many there are.
_MARK: Final = sa.text(
    """
    UPDATE inbound_events SET overtaken_at = later.at
    FROM (
        SELECT id, lead(settled_at) OVER (PARTITION BY subject ORDER BY time, event_id, source) AS at
        FROM inbound_events WHERE status = 'applied' AND type IN :by
    ) AS later
    WHERE inbound_events.id = later.id AND later.at IS NOT NULL AND inbound_events.type IN :types
    """
).bindparams(sa.bindparam("types", expanding=True), sa.bindparam("by", expanding=True))
