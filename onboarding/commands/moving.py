"""`fire` and `retry`: what an operator does to an onboarding, with a reason that history keeps."""

import getpass
import os
from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from onboarding import db, events, outbox, queries
from onboarding.access import Actor
from onboarding.commands import looking, printing, showing
from onboarding.commands.exits import REFUSED, USAGE, Failure
from onboarding.db import transaction
from onboarding.models import Message

LONGEST_REASON: Final = 500


def fire(reference: str, event: str, data: Sequence[str], reason: str, *, as_json: bool) -> None:
    """Fire an event as an operator. Raises any Refusal, or Failure; then nothing is written."""
    fields = _fields(data)
    if not reason.strip().isprintable() or not 0 < len(reason.strip()) <= LONGEST_REASON:
        raise Failure(f"The reason is one line of 1 to {LONGEST_REASON} characters.", "", USAGE)
    with transaction() as session:
        onboarding = queries.by_reference(session, reference)
        source = onboarding.state
        moved = events.handle(session, onboarding.id, event, operator(reason.strip()), fields)
        now = db.clock(session)
    if as_json:
        printing.line(looking.summary(moved, now))
    else:
        printing.text(f"{moved.reference}: {source} → {moved.state}")
        printing.say(f"The next move is {showing.turn(moved, now)}.")


def retry(wanted: str, *, as_json: bool) -> None:
    """Try again what has failed for good: one message, or all of an onboarding."""
    with transaction() as session:
        failed = [m.id for m in _messages(session, wanted) if m.failed_at is not None]
        retried = [message_id for message_id in failed if outbox.retry(session, message_id)]
    if not retried:
        raise Failure(
            f"Nothing of {wanted} has failed for good.", "See `onboarding incidents`.", REFUSED
        )
    for message_id in retried if as_json else ():
        printing.line({"retried": message_id})
    if not as_json:
        printing.say(f"Retrying {len(retried)}. What comes of it: onboarding show {wanted}")


def operator(reason: str) -> Actor:
    """Whoever sits at this terminal, by the name that the system knows, and why they step in."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        # A container's user often has a number only.
        name = str(os.getuid())
    return Actor("operator", f"cli:{name}", reason)


def _fields(data: Sequence[str]) -> Mapping[str, str]:
    """`name=value`, as often as it was given."""
    pairs = [each.partition("=") for each in data]
    if any(not equals or not name for name, equals, _ in pairs):
        raise Failure("--data takes name=value.", "", USAGE)
    return {name: value for name, _, value in pairs}


def _messages(session: Session, wanted: str) -> Sequence[Message]:
    """The message of this ID, or those of the onboarding of this reference or ID. Raises NotFound."""
    try:
        message = session.get(Message, UUID(wanted))
    except ValueError:
        message = None
    if message is not None:
        return [message]
    return queries.messages_of(session, queries.by_reference(session, wanted).id)
