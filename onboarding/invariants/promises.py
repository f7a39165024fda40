"""I3, its first half, and I8: what a transition promised is kept, once, and nothing else is promised."""

from sqlalchemy import (
    ColumnElement,
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
)

from onboarding.afterwards import REVOKING
from onboarding.chart import ON_ENTRY, REVOKES
from onboarding.invariants.letters import ASKED_FOR
from onboarding.invariants.rules import Rows, Within, rule
from onboarding.invariants.secrecy import versions
from onboarding.models import (
    Client,
    Link,
    Mail,
    Message,
    Onboarding,
    Secret,
    Transition,
)

_LOST = "It will not move by itself: `onboarding fire REF start_over --reason lost-promise`."
_DOUBLED = "Delete one of the two messages. `onboarding show REF`"
# Letters about calls, and a look at who waits for an aggregator that has changed.
_COME_OF_NONE = ("recheck_parked", "send_email")
_UNPROMISED = "Find out who writes to the database; then delete it. `onboarding show REF`"
_LATE = "A late result was written: compare with history. `onboarding show REF`"


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


@rule("I3", Message.id, what="transition {} does not promise {}", do=_UNPROMISED)
def promises_come_from_history(within: Within) -> Rows:
    """A promise for an onboarding was made by the transition that it names."""
    by_state = tuple_(Transition.target, Message.task).in_(
        sorted((state, task) for state, tasks in ON_ENTRY.items() for task in tasks)
    )
    by_event = and_(
        Message.task == "revoke_client", Transition.event.in_(sorted(REVOKES | REVOKING))
    )
    another_seller = and_(
        Message.task == "verify_further_link", Transition.event == "link_further_seller"
    )
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
                or_(by_state, by_event, another_seller, letter, replacement, after_a_leak),
                literal(value=False),
            ),
        )
    )


@rule("I8", Message.id, what="{} reports to transition {}, the last one is {}", do=_UNPROMISED)
def promises_are_not_ahead(within: Within) -> Rows:
    """A promise names a transition that has happened; some come of none, and report to none."""
    number = func.coalesce(Message.sequence, 0)
    comes_of_none = and_(Message.sequence.is_(None), Message.task.in_(_COME_OF_NONE))
    return (
        select(Message.onboarding_id, Message.task, number, Onboarding.sequence)
        .join(Onboarding, Onboarding.id == Message.onboarding_id)
        .where(within(Message.id), ~comes_of_none, or_(number < 1, number > Onboarding.sequence))
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
            notice.not_in(sorted(ASKED_FOR)),
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
