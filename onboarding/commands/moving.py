"""`fire`, `retry` and `note`: what an operator does from a terminal, by the rules of the console.

The trail has the name that the system knows, and the role that the terminal has, if it has one.
"""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from onboarding import actions, audit, db, queries, redelivery, runs
from onboarding.actions import ACTIONS
from onboarding.audit import Attempt
from onboarding.chart import MAY_FIRE
from onboarding.commands import looking, printing, showing
from onboarding.commands.exits import REFUSED, Failure
from onboarding.commands.terminal import known, operator
from onboarding.db import reading, transaction
from onboarding.errors import EventNotYours, EventUnknown, Refusal
from onboarding.models import Message, Onboarding, Run
from onboarding.runs import ALONE
from onboarding.sealing import Keyring
from onboarding.settings import settings


def fire(ring: Keyring, reference: str, event: str, reason: str, *, as_json: bool) -> None:
    """Fire an event as an operator. Raises any Refusal; then the trail is all that is written."""
    if event not in MAY_FIRE:
        raise EventUnknown(event)
    if event not in ACTIONS:
        raise EventNotYours(f"an operator may not fire {event}")
    source, moved = _act(ring, reference, event, reason)
    if as_json:
        _print_json(moved)
        return
    if source == moved.state:
        return
    printing.text(f"{moved.reference}: {source} → {moved.state}")
    with reading() as session:
        printing.say(f"The next move is {showing.turn(moved, db.clock(session))}.")


def act(
    ring: Keyring, reference: str, action: str, choice: str, reason: str, *, as_json: bool
) -> None:
    """Any action of an operator. Raises any Refusal; then the trail is all that is written."""
    source, done = _act(ring, reference, known(action), reason, choice)
    if as_json:
        _print_json(done)
    elif source != done.state:
        printing.text(f"{done.reference}: {source} → {done.state}")
    elif not runs.needs_another(settings(), action, many=False):
        printing.say(f"Done. All about it: onboarding show {done.reference}")


def note(ring: Keyring, reference: str, text: str, *, as_json: bool) -> None:
    """Write something down about an onboarding. Raises Invalid."""
    _, noted = _act(ring, reference, "note", text)
    if as_json:
        _print_json(noted)
    else:
        printing.say(f"Noted. All about it: onboarding show {noted.reference}")


def retry(ring: Keyring, wanted: str, reason: str, *, as_json: bool) -> None:
    """Try again what has failed for good: one message, or all of an onboarding."""
    reason = actions.checked(reason)
    with transaction() as session:
        failed = [m for m in _messages(session, wanted) if m.failed_at is not None]
        told = {"tasks": sorted(f"{m.task}: {m.cause}" for m in failed)}
        retried = [m.id for m in failed if redelivery.retry(session, m.id)]
        if retried:
            about = failed[0].onboarding_id
            who = operator()
            tried = Attempt(who.id, who.role, "retry", reason, onboarding_id=about, details=told)
            audit.append(session, ring, tried)
    if not retried:
        raise Failure(
            f"Nothing of {wanted} has failed for good.", "See `onboarding incidents`.", REFUSED
        )
    for message_id in retried if as_json else ():
        printing.line({"retried": message_id})
    if not as_json:
        printing.say(f"Retrying {len(retried)}. What comes of it: onboarding show {wanted}")


def _act(
    ring: Keyring, reference: str, action: str, reason: str, choice: str = ""
) -> tuple[str, Onboarding]:
    """Where it stood, and the onboarding afterwards: just there, if a second person has to agree."""
    who = operator()
    with reading() as session:
        onboarding_id = queries.by_reference(session, reference).id
    try:
        with transaction() as session:
            onboarding = queries.by_id(session, onboarding_id)
            source = onboarding.state
            chosen = actions.preview(session, onboarding, action, who)
            if runs.needs_another(settings(), action, many=False):
                run = runs.begin(session, ring, who, chosen, reason, ALONE, proposed=True)
                _say_who_must_agree(run)
                return source, onboarding
            return source, actions.carry_out(session, ring, who, chosen, reason, choice)
    except Refusal as error:
        with transaction() as session:
            actions.refused(session, ring, who, action, onboarding_id, reason, error)
        raise


def _say_who_must_agree(run: Run) -> None:
    printing.say(
        f"B-{run.number}: nothing is done before somebody else agrees:"
        f" onboarding bulk agree {run.number} --reason …"
    )


def _print_json(onboarding: Onboarding) -> None:
    with reading() as session:
        printing.line(looking.summary(onboarding, db.clock(session)))


def _messages(session: Session, wanted: str) -> Sequence[Message]:
    """The message of this ID, or those of the onboarding of this reference or ID. Raises NotFound."""
    try:
        message = session.get(Message, UUID(wanted))
    except ValueError:
        message = None
    if message is not None:
        return [message]
    return queries.messages_of(session, queries.by_reference(session, wanted).id)
