"""I5, I11 and I12: everybody is somebody's turn, deadlines are kept, and no work waits without an end."""

from datetime import timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, String, and_, case, cast, exists, func, or_, select
from sqlalchemy.orm import aliased

from onboarding import fences
from onboarding.chart import NEXT_MOVE
from onboarding.db import later
from onboarding.invariants.rules import NOW, Rows, Within, rule
from onboarding.models import Aggregator, Message, Onboarding, Run, RunItem, Transition
from onboarding.outbox_statements import LEASE

# Deadlines that nobody fires for this long, and messages that nobody publishes: nobody works.
DEADLINES_WAIT: Final = timedelta(minutes=1)
MESSAGES_WAIT: Final = timedelta(minutes=5)
# The longest wait before a next attempt, with room to spare; and what a lease may be off by.
DUE_WITHIN: Final = timedelta(days=1)
LEASE_IS_OFF_BY: Final = timedelta(minutes=1)

_WORKER = "Start `onboarding serve`, or `onboarding worker` where there is a broker."
_WAKE = (
    "Set wakes_at to the database's present time: the clock then finds the next deadline."
    " `onboarding show REF`"
)


@rule(
    "I5",
    Onboarding.id,
    what="is in {}, and no message, incident or deadline will ever move it",
    do="Move it by hand: `onboarding show REF` says how, else `onboarding fire REF start_over"
    " --reason limbo`.",
)
def somebody_will_move_it(within: Within) -> Rows:
    """Where it is our turn, there is a message to be carried out, or an incident for an operator."""
    ours = sorted(state for state, move in NEXT_MOVE.items() if not move.then)
    work = exists().where(Message.onboarding_id == Onboarding.id)
    return select(Onboarding.id, Onboarding.state).where(
        within(Onboarding.id),
        Onboarding.state.in_(ours),
        Onboarding.wakes_at.is_(None),
        ~work,
    )


@rule(
    "I5",
    Onboarding.id,
    what="waits in {} without a deadline",
    do=_WAKE,
)
def people_have_deadlines(within: Within) -> Rows:
    """Where it is a person's turn, the clock reminds and in the end decides."""
    timed = sorted(state for state, move in NEXT_MOVE.items() if move.then)
    return select(Onboarding.id, Onboarding.state).where(
        within(Onboarding.id), Onboarding.state.in_(timed), Onboarding.wakes_at.is_(None)
    )


@rule(
    "I5",
    Onboarding.id,
    what="waits for {}, which may be connected",
    do="Have it checked again: `onboarding fire REF recheck_aggregator --reason woken`.",
)
def parked_are_woken(within: Within) -> Rows:
    """Who waits for an aggregator is checked again once it is registered and uses REST."""
    by_id = Aggregator.id == Onboarding.aggregator_id
    by_name = and_(
        Onboarding.aggregator_id.is_(None),
        Aggregator.folded_name == Onboarding.aggregator_folded_name,
    )
    last = and_(
        Transition.onboarding_id == Onboarding.id, Transition.sequence == Onboarding.sequence
    )
    wake_up = exists().where(
        Message.task == "recheck_parked",
        Message.about["aggregator"].as_string() == Aggregator.id,
    )
    return (
        select(Onboarding.id, Aggregator.name)
        .join(Aggregator, or_(by_id, by_name))
        .join(Transition, last)
        .where(
            within(Onboarding.id),
            Onboarding.state == "awaiting_aggregator",
            Aggregator.status == "registered",
            Aggregator.uses_rest,
            # An operator may refuse what the registry would approve.
            Transition.actor_kind == "platform",
            ~wake_up,
        )
    )


@rule(
    "I5",
    Onboarding.id,
    what="run B-{} has it still to be done, and nobody goes on with that",
    do="`onboarding bulk pause RUN --reason limbo`, then `onboarding bulk resume RUN --reason limbo`.",
)
def runs_go_on(within: Within) -> Rows:
    """A run that is under way has a slice promised, or a time at which the clock promises one."""
    # As JSON has it, on every database.
    run = func.replace(cast(Run.id, String), "-", "")
    promised = exists().where(Message.task == "run_slice", Message.about["run"].as_string() == run)
    return (
        select(Onboarding.id, Run.number)
        .join(RunItem, RunItem.onboarding_id == Onboarding.id)
        .join(Run, Run.id == RunItem.run_id)
        .where(
            within(Onboarding.id),
            RunItem.outcome == "waiting",
            Run.status == "running",
            Run.next_at.is_(None),
            ~promised,
        )
    )


@rule(
    "I5",
    Message.id,
    what="{} has failed for good without a cause, or is due only at {}",
    do="`onboarding retry REF`; a message that is not an incident: set its due_at to now.",
)
def messages_come_due(within: Within) -> Rows:
    """A message comes due within a day, or is an incident that says why."""
    never = and_(
        Message.failed_at.is_(None), Message.due_at > later(NOW, DUE_WITHIN.total_seconds())
    )
    nameless = and_(Message.failed_at.is_not(None), Message.cause.is_(None))
    return select(Message.onboarding_id, Message.task, Message.due_at).where(
        within(Message.id), or_(never, nameless)
    )


@rule(
    "I11",
    Onboarding.id,
    what="transition {} was fired by the clock before its time",
    do="Check the database's clock; the seller can go on with a new onboarding. `onboarding show REF`",
)
def the_clock_is_not_early(within: Within) -> Rows:
    """What time does, it does when the state has lasted as long as the chart says."""
    before = aliased(Transition)
    lasts = _by_state(
        {
            state: move.then_after.total_seconds()
            for state, move in NEXT_MOVE.items()
            if move.then_after
        },
        before.target,
    )
    return (
        select(Transition.onboarding_id, Transition.sequence)
        .join(
            before,
            and_(
                before.onboarding_id == Transition.onboarding_id,
                before.sequence == Transition.sequence - 1,
            ),
        )
        .where(
            within(Transition.onboarding_id),
            Transition.actor_kind == "clock",
            Transition.at < later(before.at, lasts),
            # A secret of another history is not kept until its time.
            Transition.details["cause"].as_string().is_distinct_from(fences.CAUSE),
        )
    )


@rule("I11", Onboarding.id, what="wakes at {} in {}, not when the chart says", do=_WAKE)
def deadlines_are_the_charts(within: Within) -> Rows:
    """The next deadline is the one that the chart has after the reminders that went out."""
    extra = Onboarding.extra_days * timedelta(days=1).total_seconds()
    waits = [
        (
            and_(Onboarding.state == state, Onboarding.reminders == number),
            # The last reminder and the end come later where an operator has given more time.
            wait.total_seconds() + (extra if number >= len(move.reminders) - 1 else 0),
        )
        for state, move in NEXT_MOVE.items()
        if move.then_after
        for number, wait in enumerate([*move.reminders, move.then_after])
    ]
    expected = later(Onboarding.entered_at, case(*waits))
    return select(Onboarding.id, Onboarding.wakes_at, Onboarding.state).where(
        within(Onboarding.id),
        Onboarding.wakes_at.is_not(None),
        Onboarding.wakes_at.is_distinct_from(expected),
    )


@rule("I11", Onboarding.id, what="should have been woken at {}", do=_WORKER)
def deadlines_are_fired(within: Within) -> Rows:
    """A deadline that has come is fired within a minute."""
    late = later(Onboarding.wakes_at, DEADLINES_WAIT.total_seconds()) < NOW
    return select(Onboarding.id, Onboarding.wakes_at).where(
        within(Onboarding.id), Onboarding.wakes_at.is_not(None), late
    )


@rule(
    "I12",
    Message.id,
    what="{} was tried {} times, of {} allowed",
    do="See why it fails: `onboarding incidents`; delete the message if nothing stops it.",
)
def attempts_are_bounded(within: Within) -> Rows:
    """A message is tried as often as it may be; one claim more makes it an incident."""
    allowed = case(
        (Message.failed_at.is_(None), Message.max_attempts), else_=Message.max_attempts + 1
    )
    return select(
        Message.onboarding_id, Message.task, Message.attempts, Message.max_attempts
    ).where(within(Message.id), Message.attempts > allowed)


@rule("I12", Message.id, what="{} has been due since {} and nobody publishes it", do=_WORKER)
def messages_are_published(within: Within) -> Rows:
    """No message is due for long without being published again."""
    waited = MESSAGES_WAIT.total_seconds()
    free = or_(Message.leased_until.is_(None), later(Message.leased_until, waited) < NOW)
    return select(Message.onboarding_id, Message.task, Message.due_at).where(
        within(Message.id), Message.failed_at.is_(None), later(Message.due_at, waited) < NOW, free
    )


@rule(
    "I12",
    Message.id,
    what="{} is leased until {}: its worker cannot be replaced before",
    do="If no worker has it, set its leased_until to NULL.",
)
def leases_end(within: Within) -> Rows:
    """Nobody holds a message for longer than a worker's turn; one that rests is nobody's."""
    longest = LEASE + LEASE_IS_OFF_BY.total_seconds()
    rests = and_(Message.claimed_by.is_(None), Message.leased_until == Message.due_at)
    return select(Message.onboarding_id, Message.task, Message.leased_until).where(
        within(Message.id), Message.leased_until > later(NOW, longest), ~rests
    )


def _by_state(seconds: dict[str, float], column: Any) -> ColumnElement[float]:
    return case(seconds, value=column, else_=0.0)
