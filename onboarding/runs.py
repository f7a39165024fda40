"""One action on many onboardings: looked at, and begun on a frozen set.

`running` carries it out, `steering` pauses and ends it. What takes something back is a proposal at first: a second person has to
agree. A proposal about a single onboarding is a run of one.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from onboarding import actions, audit, db, filters, finding, holding, previews, standing
from onboarding.actions import Action, Order
from onboarding.audit import Attempt
from onboarding.errors import Invalid, NotEligible, NotFound, Refusal
from onboarding.filters import Filter
from onboarding.ids import new_id
from onboarding.models import Run, RunItem
from onboarding.operators import Who
from onboarding.previews import Preview
from onboarding.sealing import Keyring
from onboarding.settings import Settings
from onboarding.standing import Standing
from onboarding.words import N_

# More are done in another run.
AT_MOST: Final = 10_000
# Where nobody says otherwise: so many and then a rest, so many a minute, and the percentage of
# failures above which it rests.
FIRST, PACE, STOP_ABOVE = 5, 600, 20
PACE_AT_MOST: Final = 6000
_NONE: Final = N_("There is none that it can be done to")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What will become of one: why it cannot be done, or None, and the letter that it brings."""

    id: UUID
    sequence: int
    reference: str
    state: str
    locale: str
    why_not: str | None
    letter: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """How it is carried out: so many first, so many a minute, resting above so many percent failures."""

    first: int = FIRST
    pace: int = PACE
    stop_above: int = STOP_ABOVE

    def __post_init__(self) -> None:
        """Raises Invalid."""
        bounds = {"first": (0, AT_MOST), "pace": (1, PACE_AT_MOST), "stop_above": (0, 100)}
        wrong = {
            name: f"A number from {least} to {most}."
            for name, (least, most) in bounds.items()
            if not least <= getattr(self, name) <= most
        }
        if wrong:
            raise Invalid(wrong)


# For a proposal about one.
ALONE: Final = Plan(first=0)


def look(session: Session, who: Who, name: str, choice: str, wanted: Filter) -> list[Verdict]:
    """What an action would do to each onboarding of a view, newest first. Nothing is written.

    Raises RoleNeeded, NotFound for an action that there is not, or Invalid for the choice.
    """
    action = actions.of(name)
    who.require(action.permission)
    order = Order(who, choice=actions.choose(session, action, choice))
    ids = finding.ids(session, wanted, AT_MOST)
    return [_verdict(action, order, each) for each in standing.of_many(session, ids)]


def preview(
    session: Session, who: Who, name: str, choice: str, wanted: Filter, seen: Sequence[Verdict]
) -> Preview:
    """What was looked at, to be begun with. Raises NotEligible where there is nothing to do."""
    if not any(each.why_not is None for each in seen):
        raise NotEligible(_NONE)
    items = tuple((each.id, each.sequence) for each in seen)
    query, now = wanted.query(), db.clock(session)
    return previews.make(name, who.id, now, items, query=query, choice=choice)


def needs_another(settings: Settings, action: str, *, many: bool) -> bool:
    """Whether a second person must agree to it."""
    named = {each.strip() for each in settings.four_eyes.split(",")}
    risky = actions.of(action).permission == "decide"
    return action in named or (many and risky and "bulk" in named)


def begin(
    session: Session,
    ring: Keyring,
    who: Who,
    chosen: Preview,
    reason: str,
    plan: Plan,
    *,
    proposed: bool,
) -> Run:
    """Write down what was looked at, to be carried out; or proposed, to be agreed to.

    What has moved on since it was looked at is left alone, and what is archived is left out. Raises any
    Refusal; NotEligible where none is there any more.
    """
    action = actions.of(chosen.action)
    who.require(action.permission)
    choice = actions.choose(session, action, chosen.choice)
    order = Order(who, actions.checked(reason), choice)
    holding.one_by_one(session, Run.__tablename__)
    run = _run(session, order, chosen, plan, proposed=proposed)
    session.add(run)
    # Its items refer to it.
    session.flush()
    rows = [row | {"run_id": run.id} for row in _items(session, action, order, chosen)]
    if not rows:
        raise NotEligible(_NONE)
    session.execute(insert(RunItem), rows)
    done = Counter(row["outcome"] for row in rows)
    tell(session, ring, who, run, "propose" if proposed else "begin", order.reason, done, chosen.id)
    return run


def tell(
    session: Session,
    ring: Keyring,
    who: Who,
    run: Run,
    step: str,
    reason: str,
    counts: Mapping[str, int] | None = None,
    preview_id: UUID | None = None,
) -> None:
    """Into the trail; each onboarding has a row of its own once its turn comes."""
    details: dict[str, Any] = {"run": run.number, "action": run.action}
    if counts:
        details |= {"view": run.query, "choice": run.choice, "items": dict(counts)}
    audit.append(
        session,
        ring,
        Attempt(who.id, who.role, f"run.{step}", reason, "done", None, details, preview_id),
    )


def refused(session: Session, ring: Keyring, who: Who, reason: str, error: Refusal) -> None:
    """Write down that somebody tried to begin one, in a transaction of its own."""
    said, why = actions.cut(reason), {"why": error.code}
    audit.append(session, ring, Attempt(who.id, who.role, "run.begin", said, "refused", None, why))


def by_number(session: Session, number: int) -> Run:
    """One run. Raises NotFound."""
    run = session.scalars(select(Run).where(Run.number == number)).one_or_none()
    if run is None:
        raise NotFound("run")
    return run


def latest(session: Session, limit: int) -> Sequence[Run]:
    """Runs, newest first."""
    return session.scalars(select(Run).order_by(Run.number.desc()).limit(limit)).all()


def tally(session: Session, run_id: UUID, *, since: datetime | None = None) -> Counter[str]:
    """How many items came to which outcome; of those carried out since then, where that is asked."""
    query = select(RunItem.outcome, func.count()).where(RunItem.run_id == run_id)
    if since is not None:
        query = query.where(RunItem.at > since)
    rows = session.execute(query.group_by(RunItem.outcome))
    return Counter({row.outcome: row[1] for row in rows})


def items(
    session: Session, run_id: UUID, limit: int, *, outcome: str | None = None, after: int = 0
) -> Sequence[RunItem]:
    """Items in their order; `after` is the last position of the page before."""
    query = select(RunItem).where(RunItem.run_id == run_id, RunItem.position > after)
    if outcome:
        query = query.where(RunItem.outcome == outcome)
    return session.scalars(query.order_by(RunItem.position).limit(limit)).all()


def _verdict(action: Action, order: Order, stands: Standing) -> Verdict:
    one, why_not = stands.onboarding, action.why_not(stands, order)
    letter = None if why_not else action.letter(stands)
    return Verdict(one.id, one.sequence, one.reference, one.state, one.locale, why_not, letter)


def _run(session: Session, order: Order, chosen: Preview, plan: Plan, *, proposed: bool) -> Run:
    now, last = db.clock(session), session.scalar(select(func.max(Run.number)))
    return Run(
        id=new_id(),
        number=(last or 0) + 1,
        action=chosen.action,
        choice=order.choice,
        # What was searched for may be somebody's address or number.
        query=filters.parse(chosen.query).masked().query(),
        reason=order.reason,
        actor=order.who.id,
        role=order.who.role,
        operator_id=order.who.operator_id,
        status="proposed" if proposed else "running",
        first=plan.first,
        pace=plan.pace,
        stop_above=plan.stop_above,
        created_at=now,
        next_at=None if proposed else now,
    )


def _items(
    session: Session, action: Action, order: Order, chosen: Preview
) -> Iterator[dict[str, Any]]:
    """One for each that was looked at and is there: to be done, or why not."""
    seen, now = dict(chosen.items), db.clock(session)
    for position, stands in enumerate(standing.of_many(session, [*seen]), 1):
        one = stands.onboarding
        row = {"position": position, "onboarding_id": one.id, "sequence": seen[one.id]}
        if one.sequence != seen[one.id]:
            yield row | {"outcome": "refused", "why": "moved_on", "at": now}
        else:
            why_not = action.why_not(stands, order)
            outcome = "not_eligible" if why_not else "waiting"
            yield row | {"outcome": outcome, "why": why_not, "at": None}
