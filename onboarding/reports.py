"""How far onboardings get, and how long each state takes: figures of those started lately.

All of it is asked of those who were started within a window of days: an ID begins with the time at
which it was made, so their part of each table is found by its primary key, however many there are
besides. What is read is that part; what is given is a few rows that name nobody.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, Float, SQLColumnExpression, case, func, literal, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql import expression

from onboarding import db
from onboarding.chart import NEXT_MOVE
from onboarding.errors import Invalid
from onboarding.models import Client, Onboarding, Transition

# What figures may be told apart by.
SPLITS: Final = ("type", "aggregator", "language", "week")
DAYS: Final = 28
# A season. More than that is read by whoever copies the database.
DAYS_AT_MOST: Final = 92
# A process whose clock was behind has made IDs that look older.
_BEHIND: Final = timedelta(days=1)
# More groups than this nobody compares.
_GROUPS: Final = 50
_WEEK: Final = timedelta(days=7)

# Each step of the way, and the event that takes it.
STEPS: Final = {
    "started": "start",
    "type_chosen": "choose_type",
    "client_id_issued": "issue_id",
    "secret_revealed": "reveal_secret",
    "secret_acknowledged": "acknowledge_secret",
    "seller_linked": "link_seller",
    "confirmed": "verification_passed",
}
# How many steps there are on the way of a type that ends before the others.
_ENDS: Final[dict[str | None, int]] = {None: 1, "legacy_soap": 2, "credentials_only": 5}
# Where somebody is done, and is expected to call.
_DONE: Final = ("confirmed", "credentials_issued")


class Funnel(NamedTuple):
    """How many of a group have taken each step; None where their type does not have it."""

    group: str | None
    started: int
    type_chosen: int | None
    client_id_issued: int | None
    secret_revealed: int | None
    secret_acknowledged: int | None
    seller_linked: int | None
    confirmed: int | None
    # Those who are done and have credentials of their own; and of these, who has called with them.
    has_credentials: int | None
    first_call_seen: int | None


class Stay(NamedTuple):
    """How long a group has been in a state before it moved on: how often, and nearest ranks in seconds."""

    group: str | None
    state: str
    stays: int
    p50: float
    p90: float
    p99: float


def check(by: str, days: int) -> None:
    """Raises Invalid for what cannot be asked."""
    wrong = {}
    if by not in SPLITS:
        wrong["by"] = f"One of {', '.join(SPLITS)}."
    if not 1 <= days <= DAYS_AT_MOST:
        wrong["days"] = f"1 to {DAYS_AT_MOST}."
    if wrong:
        raise Invalid(wrong)


def funnel(session: Session, by: str = "type", days: int = DAYS) -> Sequence[Funnel]:
    """How far those got who were started in the last days, the largest group first.

    A step counts once, whenever it was taken, and by the type that one has today.
    """
    check(by, days)
    since = db.clock(session) - timedelta(days=days)
    group = _group(by, since, days)
    rows = session.execute(
        select(group, Transition.event, func.count(Transition.onboarding_id.distinct()))
        .join(Onboarding, Onboarding.id == Transition.onboarding_id)
        .where(*_lately(since), Transition.event.in_(STEPS.values()))
        .group_by(group, Transition.event)
    )
    found: dict[str | None, dict[str, int]] = {}
    for name, event, number in rows:
        found.setdefault(name, {})[event] = number
    called = _called(session, group, since)
    groups = [_funnel(by, name, taken, called) for name, taken in found.items()]
    return sorted(groups, key=lambda each: (-each.started, each.group or ""))[:_GROUPS]


def times(session: Session, by: str | None = None, days: int = DAYS) -> Sequence[Stay]:
    """How long each state took those who were started in the last days and have left it again.

    Whoever is still there is not counted: the console's chart has them.
    """
    check(by or SPLITS[0], days)
    since = db.clock(session) - timedelta(days=days)
    group: SQLColumnExpression[Any] = _group(by, since, days) if by else literal(None)
    left = aliased(Transition)
    length = seconds(Transition.at, left.at)
    kind = group, Transition.target
    stays = (
        select(
            group.label("kind"),
            Transition.target.label("state"),
            length.label("length"),
            func.row_number().over(partition_by=kind, order_by=length).label("place"),
            func.count().over(partition_by=kind).label("number"),
        )
        .join(Onboarding, Onboarding.id == Transition.onboarding_id)
        .join(
            left,
            (left.onboarding_id == Transition.onboarding_id)
            & (left.sequence == Transition.sequence + 1),
        )
        .where(*_lately(since), Transition.target.in_(NEXT_MOVE))
        .subquery()
    )
    ranks = [
        func.min(case((stays.c.place * 100 >= stays.c.number * share, stays.c.length)))
        for share in (50, 90, 99)
    ]
    rows = session.execute(
        select(stays.c.kind, stays.c.state, func.count(), *ranks).group_by(
            stays.c.kind, stays.c.state
        )
    )
    found = [Stay(*row) for row in rows]
    order = list(NEXT_MOVE)
    return sorted(found, key=lambda stay: (order.index(stay.state), stay.group or ""))


def _called(
    session: Session, group: SQLColumnExpression[Any], since: datetime
) -> dict[str | None, tuple[int, int]]:
    """How many of each group are done with credentials that work, and how many of these have called."""
    rows = session.execute(
        select(group, func.count(), func.count(Client.first_used_at))
        .join(Client, Client.onboarding_id == Onboarding.id)
        .where(
            Onboarding.id >= _first_id(since - _BEHIND),
            Onboarding.created_at >= since,
            Onboarding.state.in_(_DONE),
            Client.revoked_at.is_(None),
        )
        .group_by(group)
    )
    return {name: (done, used) for name, done, used in rows}


def _funnel(
    by: str, name: str | None, taken: dict[str, int], called: dict[str | None, tuple[int, int]]
) -> Funnel:
    has = _ENDS.get(name, len(STEPS)) if by == "type" else len(STEPS)
    steps = [taken.get(event, 0) if n < has else None for n, event in enumerate(STEPS.values())]
    calls = called.get(name, (0, 0)) if has > _ENDS["legacy_soap"] else (None, None)
    return Funnel(name, *steps, *calls)  # type: ignore[arg-type]  # the first one is always there


def _lately(since: datetime) -> tuple[ColumnElement[bool], ...]:
    """Started since then. The first two conditions find them, the last one is exact."""
    first = _first_id(since - _BEHIND)
    return Transition.onboarding_id >= first, Onboarding.id >= first, Onboarding.created_at >= since


def _first_id(at: datetime) -> UUID:
    """Less than every ID that was made since then (RFC 9562 §5.7)."""
    return UUID(int=int(at.timestamp() * 1000) << 80)


def _group(by: str, since: datetime, days: int) -> SQLColumnExpression[Any]:
    match by:
        case "aggregator":
            return Onboarding.aggregator_id
        case "language":
            return Onboarding.locale
        case "week":
            return _week(since, days)
    return Onboarding.connection_type


def _week(since: datetime, days: int) -> ColumnElement[Any]:
    """The day on which seven of the window begin; the last may be fewer."""
    begins = [since + n * _WEEK for n in range(-(-days // 7))]
    named = [
        (Onboarding.created_at >= at, literal(at.astimezone(UTC).date().isoformat()))
        for at in reversed(begins)
    ]
    return case(*named)


class seconds(expression.FunctionElement[float]):  # noqa: N801 - reads as a function of SQL
    """How many there are from one instant to another."""

    inherit_cache = True
    type = Float()

    def __init__(self, start: Any, end: Any) -> None:
        super().__init__(start, end)


@compiles(seconds, "postgresql")
def _seconds_postgresql(element: Any, compiler: Any, **options: Any) -> str:
    start, end = (compiler.process(each, **options) for each in element.clauses)
    return f"CAST(EXTRACT(EPOCH FROM {end} - {start}) AS DOUBLE PRECISION)"


@compiles(seconds, "sqlite")
def _seconds_sqlite(element: Any, compiler: Any, **options: Any) -> str:
    start, end = (compiler.process(each, **options) for each in element.clauses)
    return f"ROUND((julianday({end}) - julianday({start})) * 86400.0, 3)"
