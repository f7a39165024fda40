"""What stands in the way: incidents and repeated failures by their cause, and what is late, by state.

A cause is told by its key: where the onboarding stands, which event has promised the task, which
task, which code. No text of an error is in it, so that one outage is one line, and two causes are
never the same one.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    ScalarSelect,
    and_,
    func,
    literal,
    outerjoin,
    select,
    union_all,
)
from sqlalchemy.orm import Session

from onboarding import developers, figures, finding, queries
from onboarding.chart import NEXT_MOVE, STATES
from onboarding.models import Message, Onboarding, Transition

# Each message where it is met: with its onboarding, if it has one, and what has promised it.
MET: Final = outerjoin(
    outerjoin(Message, Onboarding, Onboarding.id == Message.onboarding_id),
    Transition,
    and_(
        Transition.onboarding_id == Message.onboarding_id,
        Transition.sequence == Message.sequence,
    ),
)
PLACE: Final = Onboarding.state, Transition.event
# Of a hundred.
_HALF: Final = 50
_MOST: Final = 95


@dataclass(frozen=True, slots=True)
class CauseName:
    """What a cause is called: task and code, wherever it is met or in one place only.

    A place is a state that onboardings stand in, and the event that has promised the task.
    """

    task: str
    code: str
    state: str = ""
    event: str = ""

    @property
    def everywhere(self) -> "CauseName":
        return CauseName(self.task, self.code)

    @property
    def has_place(self) -> bool:
        return bool(self.state or self.event)


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause: how many wait because of it, whether by themselves, and since when."""

    state: str | None
    event: str | None
    task: str
    code: str
    # Those that have failed for good, and those that will be tried again by themselves.
    failed: int
    resting: int
    first_at: datetime
    last_at: datetime

    @property
    def key(self) -> str:
        """Stable, and short enough to say."""
        return f"{self.state or '-'}.{self.event or '-'}.{self.task}.{self.code}"

    @property
    def name(self) -> CauseName:
        return CauseName(self.task, self.code, self.state or "", self.event or "")

    def is_of(self, name: CauseName) -> bool:
        """Whether it goes by this name: its own, or the one that it has everywhere."""
        return name in (self.name, self.name.everywhere)


@dataclass(frozen=True, slots=True)
class Population:
    """Who stands in a state: how many, how many for too long, and since when the oldest one does.

    Of these, some wait for a named developer. All numbers end at `finding.COUNTED_AT_MOST`.
    """

    state: str
    standing: int
    overdue: int
    oldest_at: datetime | None
    developers: int
    developers_late: int


@dataclass(frozen=True, slots=True)
class Ages:
    """Since when those in a state are there: half of them came later than one instant, 95 % than the other."""

    half_since: datetime
    most_since: datetime


@dataclass(frozen=True, slots=True)
class InState:
    """Those who stand in one state: how many, how many for too long, since when half and most are there."""

    state: str
    number: int
    late: int
    ages: Ages | None


def causes(session: Session) -> Sequence[Cause]:
    """Every cause of a failure that is not over, the most frequent first.

    What is unfinished is little, whatever the number of onboardings.
    """
    failed = func.count(Message.failed_at)
    rows = session.execute(
        select(
            *PLACE,
            Message.task,
            Message.cause,
            failed,
            func.count() - failed,
            func.min(Message.created_at),
            func.max(Message.created_at),
        )
        .select_from(MET)
        .where(Message.cause.is_not(None))
        .group_by(*PLACE, Message.task, Message.cause)
        .order_by(failed.desc(), func.count().desc(), Message.task, Message.cause)
    )
    return [Cause(*row) for row in rows]  # type: ignore[arg-type]  # none is without a code


def together(causes: Sequence[Cause]) -> Sequence[Cause]:
    """The same wherever the onboardings stand: an outage is one line."""
    kinds: dict[CauseName, list[Cause]] = {}
    for cause in causes:
        kinds.setdefault(cause.name.everywhere, []).append(cause)
    found = [
        Cause(
            None,
            None,
            name.task,
            name.code,
            sum(each.failed for each in of_it),
            sum(each.resting for each in of_it),
            min(each.first_at for each in of_it),
            max(each.last_at for each in of_it),
        )
        for name, of_it in kinds.items()
    ]
    return sorted(found, key=lambda cause: (-cause.failed, -cause.resting))


def population(session: Session) -> Sequence[Population]:
    """Every state in which somebody has a next move, in the chart's order.

    Nobody is counted beyond `finding.COUNTED_AT_MOST`: a page has no time for a million.
    """
    return [Population(*row) for row in session.execute(_population())]


@cache
def _population() -> CompoundSelect[*tuple[Any, ...]]:
    """Kept, because to put it together takes longer than to answer it."""
    return union_all(
        *(
            select(
                literal(state),
                _counted(Onboarding.state == state),
                _counted(*queries.is_late_in(state)),
                select(func.min(Onboarding.entered_at))
                .where(Onboarding.state == state)
                .scalar_subquery(),
                *_with_developers(state),
            )
            for state in NEXT_MOVE
        )
    )


def _with_developers(state: str) -> tuple[ColumnElement[int], ColumnElement[int]]:
    if state not in developers.THEIR_MOVE:
        return literal(0), literal(0)
    theirs = developers.has_the_move()
    return _counted(Onboarding.state == state, theirs), _counted(*queries.is_late_in(state), theirs)


def _counted(*conditions: ColumnElement[bool]) -> ScalarSelect[int]:
    some = select(literal(1)).where(*conditions).limit(finding.COUNTED_AT_MOST)
    return select(func.count()).select_from(some.subquery()).scalar_subquery()


def ages(session: Session, standing: Mapping[str, int]) -> dict[str, Ages]:
    """How long those in each state that waits have been there, by how many stand there.

    Nothing is sorted: the index has the instants in their order, and tells the one at a place by
    itself. Half of a state's part of it is read, and no row. To be asked in one snapshot.
    """
    asked = [state for state in NEXT_MOVE if standing.get(state)]
    if not asked:
        return {}
    places = [_since(state, standing[state], share) for state in asked for share in (_HALF, _MOST)]
    found = iter(session.execute(select(*places)).one())
    return {state: Ages(next(found), next(found)) for state in asked}


def in_each_state(session: Session) -> list[InState]:
    """Every state of the chart, however few stand there. To be asked in one snapshot."""
    counted = queries.counts(session)
    late: Counter[str] = Counter()
    for turn in figures.turns(session):
        late[turn.state] += turn.overdue
    since = ages(session, counted)
    return [
        InState(state, counted.get(state, 0), late[state], since.get(state)) for state in STATES
    ]


def _since(state: str, standing: int, share: int) -> ScalarSelect[datetime]:
    """The nearest rank, counted from the end that is nearer."""
    younger = -(-standing * share // 100)
    near = share <= _HALF
    order = Onboarding.entered_at.desc() if near else Onboarding.entered_at
    skipped = younger - 1 if near else standing - younger
    instants = select(Onboarding.entered_at).where(Onboarding.state == state)
    return instants.order_by(order).offset(skipped).limit(1).scalar_subquery()
