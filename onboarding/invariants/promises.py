"""I3, its first half, and I8: what a transition promised is kept, once, and nothing else is promised."""

from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Integer,
    String,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.orm import aliased

from onboarding.chart import NEXT_MOVE, NOTICES, ON_ENTRY, REVOKES
from onboarding.invariants.rules import Rows, Within, rule
from onboarding.invariants.secrecy import versions
from onboarding.models import (
    AuditEntry,
    Client,
    ContactCode,
    Link,
    Mail,
    Message,
    Onboarding,
    Secret,
    Transition,
)

_LOST = "It will not move by itself: `onboarding fire REF start_over --reason lost-promise`."
_DOUBLED = "Delete one of the two messages. `onboarding show REF`"
_UNPROMISED = "Find out who writes to the database; then delete it. `onboarding show REF`"
_LATE = "A late result was written: compare with history. `onboarding show REF`"

# Of no transition, and any number of them: a resume link is asked for on a page, and what calls or
# new secrets bring follows from these.
_ASKED_FOR: Final = frozenset(
    (
        "developer_code",
        "developer_named",
        "first_call",
        "new_secret_shown",
        "no_call_yet",
        "resume_link",
        "secret_leaked",
    )
)


@rule("I3", Onboarding.id, what="{} was promised by transition {} and is gone", do=_LOST)
def work_is_promised(within: Within) -> Rows:
    """What a state promises on entry is promised as long as the state lasts."""

    def is_gone(state: str, task: str) -> ColumnElement[bool]:
        kept = exists().where(
            Message.onboarding_id == Onboarding.id,
            Message.sequence == Onboarding.sequence,
            Message.task == task,
        )
        return and_(Onboarding.state == state, ~kept)

    gone = case(
        *((is_gone(state, task), task) for state, tasks in ON_ENTRY.items() for task in tasks)
    )
    return select(Onboarding.id, gone, Onboarding.sequence).where(
        within(Onboarding.id), Onboarding.state.in_(sorted(ON_ENTRY)), gone.is_not(None)
    )


@rule(
    "I3",
    Onboarding.id,
    what="letters {}: {} to {} were called for, {} are sent or on their way",
    do="Too few: write to the contact by hand. Too many: find out who writes to the database."
    " `onboarding show REF`",
)
def letters_are_sent_as_called_for(within: Within) -> Rows:
    """A letter that a transition promised is sent or promised still; without one, none goes out."""
    letter = _letters(within)
    too_many = and_(letter.c.kept > letter.c.at_most, letter.c.notice.not_in(sorted(_ASKED_FOR)))
    return select(
        letter.c.onboarding_id,
        letter.c.notice,
        letter.c.at_least,
        letter.c.at_most,
        letter.c.kept,
    ).where(or_(letter.c.kept < letter.c.at_least, too_many))


@rule("I3", Message.id, what="transition {} does not promise {}", do=_UNPROMISED)
def promises_come_from_history(within: Within) -> Rows:
    """A promise for an onboarding was made by the transition that it names."""
    by_state = tuple_(Transition.target, Message.task).in_(
        sorted((state, task) for state, tasks in ON_ENTRY.items() for task in tasks)
    )
    by_event = and_(Message.task == "revoke_client", Transition.event.in_(sorted(REVOKES)))
    # Which letters there may be is counted above.
    letter = Message.task == "send_email"
    replacement = and_(
        Message.task == "replace_secret",
        exists().where(
            Client.onboarding_id == Message.onboarding_id, Client.secret_asked_at.is_not(None)
        ),
    )
    after_a_leak = and_(
        Message.task == "await_new_secret",
        exists().where(
            Client.onboarding_id == Message.onboarding_id,
            Secret.client_id == Client.id,
            Secret.disclosed_at.is_not(None),
        ),
    )
    step = and_(
        Transition.onboarding_id == Message.onboarding_id, Transition.sequence == Message.sequence
    )
    return (
        select(Message.onboarding_id, Message.sequence, Message.task)
        .join(Onboarding, Onboarding.id == Message.onboarding_id)
        .outerjoin(Transition, step)
        .where(
            within(Message.id),
            Message.sequence.is_distinct_from(None),
            Message.sequence <= Onboarding.sequence,
            ~func.coalesce(
                or_(by_state, by_event, letter, replacement, after_a_leak), literal(value=False)
            ),
        )
    )


@rule("I8", Message.id, what="{} reports to transition {}, the last one is {}", do=_UNPROMISED)
def promises_are_not_ahead(within: Within) -> Rows:
    """A promise names a transition that has happened."""
    number = func.coalesce(Message.sequence, 0)
    return (
        select(Message.onboarding_id, Message.task, number, Onboarding.sequence)
        .join(Onboarding, Onboarding.id == Message.onboarding_id)
        .where(within(Message.id), or_(number < 1, number > Onboarding.sequence))
    )


@rule("I8", Onboarding.id, what="transition {} promised {} {} times", do=_DOUBLED)
def promises_are_made_once(within: Within) -> Rows:
    """A transition promises a thing once."""
    notice = func.coalesce(Message.about["notice"].as_string(), "")
    about = cast(Message.about, String)
    once = Message.onboarding_id, Message.sequence, Message.task
    return (
        select(*once, func.count())
        .where(
            within(Message.onboarding_id),
            # Each change of the registry promises its own look at those who wait.
            Message.onboarding_id.is_not(None),
            notice.not_in(sorted(_ASKED_FOR)),
        )
        .group_by(*once, about)
        .having(func.count() > 1)
    )


@rule("I8", Message.id, what="the letter {} was handed over and is still promised", do=_DOUBLED)
def kept_promises_are_gone(within: Within) -> Rows:
    """A letter that was handed over is promised no more."""
    return (
        select(Message.onboarding_id, Mail.notice)
        .join(Mail, Mail.id == Message.id)
        .where(within(Message.id))
    )


@rule("I8", Client.id, what="version {} of the secret was shown or saved out of order", do=_LATE)
def secrets_live_in_order(within: Within) -> Rows:
    """A secret is shown, saved and ended in this order: nothing late is written to it."""
    return versions(within, Secret.version).where(
        or_(
            Secret.acknowledged_at < Secret.revealed_at,
            Secret.ended_at < Secret.revealed_at,
            Secret.ended_at < Secret.acknowledged_at,
            and_(Secret.acknowledged_at.is_not(None), Secret.revealed_at.is_(None)),
        ),
    )


@rule("I8", Link.id, what="the link with {} was confirmed after it had ended", do=_LATE)
def links_live_in_order(within: Within) -> Rows:
    """A link that has ended is not confirmed any more."""
    return select(Link.onboarding_id, Link.seller_id).where(
        within(Link.id), Link.ended_at < Link.confirmed_at
    )


def _letters(within: Within) -> Any:
    """For each onboarding and notice: how many letters are kept, and how many there may and must be."""
    called_for = union_all(
        _by_transitions(within),
        _by_operators(within),
        _reminders(within),
        _codes(within),
        _sent(within),
        _waiting(within),
    ).subquery()
    columns = (func.sum(called_for.c[name]).label(name) for name in ("at_least", "at_most", "kept"))
    return (
        select(called_for.c.onboarding_id, called_for.c.notice, *columns)
        .group_by(called_for.c.onboarding_id, called_for.c.notice)
        .subquery()
    )


def _row(onboarding_id: Any, notice: Any, at_least: Any, at_most: Any, kept: Any) -> Rows:
    return select(
        onboarding_id.label("onboarding_id"),
        notice.label("notice"),
        at_least.label("at_least"),
        at_most.label("at_most"),
        kept.label("kept"),
    )


def _by_transitions(within: Within) -> Rows:
    """A transition promises its letter where there was a contact; then there still is one."""
    moves = tuple_(Transition.event, Transition.target)
    notice = case(
        *(
            (and_(Transition.event == event, Transition.target == target), name)
            for (event, target), name in NOTICES.items()
        )
    )
    must = case((_had_a_contact(), 1), else_=0)
    return (
        _row(Transition.onboarding_id, notice, must, literal(1), literal(0))
        .join(Onboarding, Onboarding.id == Transition.onboarding_id)
        .where(within(Transition.onboarding_id), moves.in_(sorted(NOTICES)))
    )


def _by_operators(within: Within) -> Rows:
    """Who sends a letter again, reminds by hand, or gives more time may bring one more."""
    said = AuditEntry.details["notice"].as_string()
    notice = case((AuditEntry.action == "extend", "reminder"), else_=said)
    return _row(AuditEntry.onboarding_id, notice, literal(0), literal(1), literal(0)).where(
        within(AuditEntry.onboarding_id),
        AuditEntry.action.in_(("resend", "nudge", "extend")),
        AuditEntry.outcome == "done",
    )


def _had_a_contact() -> ColumnElement[bool]:
    """Whether an address was certainly there: from the start, proved by then, or written to by then."""
    vouched = and_(
        Onboarding.contact_verified_at == Onboarding.created_at,
        Onboarding.contact_email.is_not(None),
    )
    proved = exists().where(
        ContactCode.onboarding_id == Transition.onboarding_id,
        ContactCode.used_at <= Transition.at,
    )
    letter = aliased(Mail)
    written_to = exists().where(
        letter.onboarding_id == Transition.onboarding_id,
        letter.sent_at < Transition.at,
        letter.notice != "contact_code",
    )
    return or_(vouched, proved, written_to)


def _reminders(within: Within) -> Rows:
    """Each stay in a state may bring its reminders; who moves in time gets none."""
    reminders = {state: len(move.reminders) for state, move in NEXT_MOVE.items() if move.reminders}
    number = cast(case(reminders, value=Transition.target, else_=0), Integer)
    return _row(
        Transition.onboarding_id, literal("reminder"), literal(0), number, literal(0)
    ).where(within(Transition.onboarding_id), Transition.target.in_(sorted(reminders)))


def _codes(within: Within) -> Rows:
    return _row(
        ContactCode.onboarding_id, literal("contact_code"), literal(0), literal(1), literal(0)
    ).where(within(ContactCode.onboarding_id))


def _sent(within: Within) -> Rows:
    return _row(Mail.onboarding_id, Mail.notice, literal(0), literal(0), literal(1)).where(
        within(Mail.onboarding_id)
    )


def _waiting(within: Within) -> Rows:
    """Letters on their way; one that was handed over and is promised still is counted once."""
    notice = Message.about["notice"].as_string()
    sent = exists().where(Mail.id == Message.id)
    return _row(Message.onboarding_id, notice, literal(0), literal(0), literal(1)).where(
        within(Message.onboarding_id), Message.task == "send_email", ~sent
    )
