"""How a run is carried out: a slice at a time, each onboarding in a transaction of its own.

The clock promises a slice when it is time; a worker takes it. Each item is taken once, whoever is
killed: what was done to an onboarding is committed together with the item's outcome.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import exists, func, select, update
from sqlalchemy.orm import Session

from onboarding import actions, db, outbox, runs
from onboarding.actions import Order
from onboarding.errors import NotEligible, Refusal
from onboarding.models import Message, Run, RunItem
from onboarding.operators import Who
from onboarding.sealing import Keyring

# Seconds between two slices, at the most usual pace; and items in one slice at most.
_EVERY: Final = 2.0
_SLICE_AT_MOST: Final = 200
# How long after the last item somebody looks what came of its tasks.
SETTLES_WITHIN: Final = timedelta(minutes=10)
# Fewer than these say nothing about a share.
_ENOUGH: Final = 5


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of a run: which items, since when, and how many seconds of its pace they take."""

    run_id: UUID
    positions: tuple[int, ...]
    began_at: datetime
    lasts: float


def any_due(session: Session) -> bool:
    """Whether it is time for a slice of some run. It takes no lock: most looks find none."""
    return bool(session.scalar(select(exists().where(Run.next_at <= db.now()))))


def promise_slices(session: Session, limit: int = 20) -> int:
    """Have workers carry on with runs whose time has come; returns how many."""
    due = session.scalars(
        select(Run)
        .where(Run.next_at <= db.now())
        .order_by(Run.next_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for run in due:
        _promise(session, run)
    return len(due)


def next_slice(session: Session, run_id: UUID) -> Slice:
    """What is to be done now; nothing where it rests or is over.

    What came of those before is looked at first: too many failures, and no more are begun.
    """
    run = _judged(session, run_id)
    number, lasts = _size(session, run)
    waiting = select(RunItem.position).where(RunItem.run_id == run_id, RunItem.outcome == "waiting")
    positions = session.scalars(waiting.order_by(RunItem.position).limit(number)).all()
    return Slice(run_id, tuple(positions), db.clock(session), lasts)


def carry_out(session: Session, ring: Keyring, run_id: UUID, position: int) -> None:
    """Do it to one onboarding, if it is still to be done. Raises any Refusal."""
    run = session.get_one(Run, run_id)
    item = _taken(session, run_id, position)
    if run.status != "running" or item is None:
        return
    seen = (item.onboarding_id, item.sequence)
    action = actions.of(run.action)
    actions.carry_out_one(session, ring, action, _order(run), seen, run=run.number)
    item.outcome, item.at = "carried_out", db.clock(session)


def refuse(session: Session, ring: Keyring, run_id: UUID, position: int, error: Refusal) -> None:
    """Its turn came, and it could not be done: write down why."""
    run = session.get_one(Run, run_id)
    item = _taken(session, run_id, position)
    if item is None:
        return
    item.outcome, item.at = "refused", db.clock(session)
    item.why = error.why if isinstance(error, NotEligible) else error.code
    order = _order(run)
    actions.refused(session, ring, order.who, run.action, item.onboarding_id, run.reason, error)


def break_off(session: Session, run_id: UUID, position: int) -> None:
    """Nobody has foreseen what happened: it counts as a failure, and the others go on."""
    item = _taken(session, run_id, position)
    if item is not None:
        item.outcome, item.why, item.at = "failed", "task_failed", db.clock(session)


def go_on(session: Session, done: Slice) -> None:
    """After a slice: rest, end, or say when the next one is due."""
    run = _judged(session, done.run_id)
    counts, now = runs.tally(session, run.id), db.clock(session)
    if run.status == "running" and counts["waiting"]:
        run.next_at = max(now, done.began_at + timedelta(seconds=done.lasts))
        if run.next_at == now:
            _promise(session, run)
    else:
        again = _is_settling(session, run, counts, now)
        run.next_at = now + timedelta(seconds=_EVERY) if again else None


def _judged(session: Session, run_id: UUID) -> Run:
    """The run, locked; it rests, or is over, where that follows from what came of its items."""
    run = _locked(session, run_id)
    _settle(session, run_id)
    if run.status == "running":
        _judge(session, run, runs.tally(session, run_id), db.clock(session))
    return run


def _settle(session: Session, run_id: UUID) -> None:
    """What came of the tasks of those that were carried out: all are done, or one has failed for good."""
    carried_out = RunItem.run_id == run_id, RunItem.outcome == "carried_out"
    its_own = Message.onboarding_id == RunItem.onboarding_id
    # An earlier incident is none of its business.
    failed = its_own, Message.failed_at >= RunItem.at
    cause = select(func.min(Message.cause)).where(*failed).scalar_subquery()
    session.execute(
        update(RunItem)
        .where(*carried_out, exists().where(*failed))
        .values(outcome="failed", why=cause)
        .execution_options(synchronize_session=False)
    )
    under_way = its_own, Message.failed_at.is_(None)
    session.execute(
        update(RunItem)
        .where(*carried_out, ~exists().where(*under_way))
        .values(outcome="done")
        .execution_options(synchronize_session=False)
    )


def _judge(session: Session, run: Run, counts: Counter[str], now: datetime) -> None:
    """Whether it rests from here, or is over."""
    tried = counts["carried_out"] + counts["done"] + counts["failed"]
    recent = runs.tally(session, run.id, since=run.resumed_at)
    if _fails_too_often(run, recent, counts["waiting"]):
        run.status, run.why = "paused", "failures"
    elif run.first and run.resumed_at is None and counts["waiting"] and tried >= run.first:
        run.status, run.why = "paused", "first"
    elif not counts["waiting"] and not _is_settling(session, run, counts, now):
        run.status, run.ended_at = "done", now


def _fails_too_often(run: Run, recent: Counter[str], waiting: int) -> bool:
    settled = recent["done"] + recent["failed"]
    enough = min(_ENOUGH, run.first or _ENOUGH)
    share = 100 * recent["failed"] > run.stop_above * settled
    return bool(waiting) and settled >= enough and share


def _is_settling(session: Session, run: Run, counts: Counter[str], now: datetime) -> bool:
    """Whether it is known before long what came of the last ones."""
    if not counts["carried_out"]:
        return False
    last = session.scalar(
        select(func.max(RunItem.at)).where(
            RunItem.run_id == run.id, RunItem.outcome == "carried_out"
        )
    )
    return last is not None and now < last + SETTLES_WITHIN


def _size(session: Session, run: Run) -> tuple[int, float]:
    """How many items are next, and how many seconds of the run's pace they take."""
    if run.status != "running":
        return 0, 0.0
    number = min(max(1, int(run.pace * _EVERY / 60)), _SLICE_AT_MOST)
    if run.first and run.resumed_at is None:
        counts = runs.tally(session, run.id)
        tried = counts["carried_out"] + counts["done"] + counts["failed"]
        number = min(number, max(run.first - tried, 0))
    return number, number * 60 / run.pace


def _promise(session: Session, run: Run) -> None:
    outbox.promise(session, "run_slice", {"run": run.id.hex})
    run.next_at = None


def _order(run: Run) -> Order:
    return Order(Who(run.actor, "", run.role, run.operator_id), run.reason, run.choice)


def _taken(session: Session, run_id: UUID, position: int) -> RunItem | None:
    """The item, if it is still to be done and nobody else is at it."""
    return session.scalars(
        select(RunItem)
        .where(RunItem.run_id == run_id, RunItem.position == position, RunItem.outcome == "waiting")
        .with_for_update(skip_locked=True)
    ).one_or_none()


def _locked(session: Session, run_id: UUID) -> Run:
    return session.scalars(
        select(Run)
        .where(Run.id == run_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
