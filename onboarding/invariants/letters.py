"""I3, its second half: every letter that a transition calls for goes out, and no other one."""

from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Integer,
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

from onboarding.afterwards import AFTERWARDS, DONE
from onboarding.chart import NEXT_MOVE, NOTICES
from onboarding.invariants.rules import Rows, Within, rule
from onboarding.models import (
    AuditEntry,
    ContactCode,
    Mail,
    Message,
    Onboarding,
    Transition,
)

# The letter that each step of history brings, by event and state.
_LETTERS: Final = NOTICES | {
    (event, state): each.notice
    for event, each in AFTERWARDS.items()
    if each.notice
    for state in DONE
}
# Of no transition, and any number of them: a resume link is asked for on a page, and what calls or
# new secrets bring follows from these.
ASKED_FOR: Final = frozenset(
    {
        "developer_code",
        "developer_named",
        "first_call",
        "new_secret_shown",
        "no_call_yet",
        "resume_link",
        "secret_expires",
        "secret_leaked",
        "secret_stored",
    }
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
    too_many = and_(letter.c.kept > letter.c.at_most, letter.c.notice.not_in(sorted(ASKED_FOR)))
    return select(
        letter.c.onboarding_id,
        letter.c.notice,
        letter.c.at_least,
        letter.c.at_most,
        letter.c.kept,
    ).where(or_(letter.c.kept < letter.c.at_least, too_many))


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
            for (event, target), name in _LETTERS.items()
        )
    )
    must = case((_had_a_contact(), 1), else_=0)
    return (
        _row(Transition.onboarding_id, notice, must, literal(1), literal(0))
        .join(Onboarding, Onboarding.id == Transition.onboarding_id)
        .where(within(Transition.onboarding_id), moves.in_(sorted(_LETTERS)))
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
