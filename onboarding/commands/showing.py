"""`show`: everything about one onboarding but its secret, and what would move it.

Personal data is masked, as at the console, so that what is copied into a ticket names nobody.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from textwrap import indent
from typing import Any, Final

from sqlalchemy.orm import Session

from onboarding import (
    actions,
    attempts,
    care,
    credentials,
    db,
    deadlines,
    deciding,
    developers,
    masking,
    public_keys,
    queries,
    unmasking,
)
from onboarding.care import Noted
from onboarding.causes import CAUSES
from onboarding.chart import NEXT_MOVE
from onboarding.commands import looking, offering, printing
from onboarding.commands.terminal import operator
from onboarding.db import reading, transaction
from onboarding.drawing import label
from onboarding.models import Client, FailedAttempt, Mail, Message, Onboarding, Secret, Transition
from onboarding.sealing import Keyring
from onboarding.unmasking import Person

# Characters of an actor's ID that fit beside the rest.
LONGEST_ID: Final = 10


@dataclass(frozen=True, slots=True)
class Seen:
    """One onboarding with all that belongs to it, at one instant."""

    onboarding: Onboarding
    client: Client | None
    secret: Secret | None
    person: Person
    history: Sequence[Transition]
    # Of each step.
    details: Sequence[Mapping[str, Any]]
    messages: Sequence[Message]
    # Those that failed, also of messages that have succeeded since.
    attempts: Sequence[FailedAttempt]
    mails: Sequence[Mail]
    # Who has taken it on, and what operators noted.
    owner: str | None
    notes: Sequence[Noted]
    # What an operator may fire now.
    allowed: tuple[str, ...]
    # The actions of the console that make sense now, those events among them.
    possible: tuple[str, ...]
    now: datetime


def show(reference: str, *, as_json: bool) -> None:
    """Everything about one onboarding, by its reference or ID. Raises NotFound."""
    with reading() as session:
        seen = _see(session, queries.by_reference(session, reference))
    _say(_masked(seen), as_json=as_json)


def history(reference: str, *, as_json: bool) -> None:
    """Every step of one onboarding, from the first, personal data masked. Raises NotFound."""
    with reading() as session:
        found = queries.by_reference(session, reference)
        steps = queries.history(session, found.id)
        lines = [_step(each, masking.details(each.details)) for each in steps]
        rows = [_history_row(each) for each in steps]
    head = ("", "At", "Event", "State", "By")
    printing.listed(lines, head, rows, empty="Nothing has happened.", as_json=as_json)


def unmask(ring: Keyring, reference: str, field: str, reason: str, *, as_json: bool) -> None:
    """The same with one value in full, and a row in the trail. Raises NotFound or Invalid."""
    with transaction() as session:
        onboarding = queries.by_reference(session, reference)
        why = actions.checked(reason)
        unmasking.said(session, ring, operator(), onboarding.id, field, why)
        seen = _see(session, onboarding)
    _say(_masked(seen, but={field}), as_json=as_json)


def _masked(seen: Seen, but: Collection[str] = ()) -> Seen:
    """As it may stand on a screen; these fields in full."""
    details = seen.details if "seller_id" in but else [*map(masking.details, seen.details)]
    return replace(seen, person=seen.person.masked(but), details=details)


def _say(seen: Seen, *, as_json: bool) -> None:
    if as_json:
        printing.line(_facts(seen))
    else:
        _print(seen)


def _see(session: Session, onboarding: Onboarding) -> Seen:
    """Look at an onboarding and all that belongs to it."""
    history = queries.history(session, onboarding.id)
    return Seen(
        onboarding,
        credentials.live_client(session, onboarding.id),
        credentials.live_secret(session, onboarding.id),
        unmasking.person(session, onboarding),
        history,
        [step.details for step in history],
        queries.messages_of(session, onboarding.id),
        attempts.of(session, onboarding.id),
        queries.mails_of(session, onboarding.id),
        care.owner(session, onboarding.id),
        care.noted(session, onboarding.id),
        deciding.allowed(deciding.facts_of(onboarding), "operator"),
        offering.possible(session, onboarding),
        db.clock(session),
    )


def turn(onboarding: Onboarding, now: datetime) -> str:
    """Whose turn it is, since when, and what time does."""
    move = NEXT_MOVE.get(onboarding.state)
    if move is None:
        return "nobody's, this is an end"
    age = printing.age(now - onboarding.entered_at)
    due = printing.moment(onboarding.entered_at + move.overdue_after)
    late = "overdue since" if queries.is_overdue(onboarding, now) else "overdue from"
    words = f"{developers.whose_move(onboarding, move.whom)}'s for {age}, {late} {due}"
    if ends_at := deadlines.ends_at(onboarding):
        words += f"; {move.then} at {printing.moment(ends_at)}"
    return words


def _facts(seen: Seen) -> dict[str, object]:
    named = {seen.onboarding.id: seen.onboarding.reference}
    return looking.summary(seen.onboarding, seen.now) | {
        "locale": seen.onboarding.locale,
        "rule_set": seen.onboarding.rule_set,
        "connection_name": seen.person.connection_name or None,
        "contact_email": seen.person.contact_email or None,
        "contact_verified_at": seen.onboarding.contact_verified_at,
        "client_id": seen.client.id if seen.client else None,
        "secret_version": seen.secret.version if seen.secret else None,
        "public_key": _thumbprint(seen.secret),
        "secret_expires_at": seen.secret.expires_at if seen.secret else None,
        "seller_id": seen.person.seller_id or None,
        "shop_name": seen.person.shop_name or None,
        "organisation": seen.person.organisation or None,
        "role": seen.onboarding.answers.get("role"),
        "developer_email": seen.person.developer_email or None,
        "operator_may": seen.allowed,
        "actions": seen.possible,
        "history": [*map(_step, seen.history, seen.details)],
        "messages": [looking.message_facts(each, named) for each in seen.messages],
        "failed_attempts": [*map(_attempt, seen.attempts)],
        "owner": seen.owner,
        "notes": [each._asdict() for each in seen.notes],
        "mails": [{"notice": each.notice, "sent_at": each.sent_at} for each in seen.mails],
    }


def _step(step: Transition, details: Mapping[str, Any]) -> dict[str, object]:
    return {
        "sequence": step.sequence,
        "at": step.at,
        "event": step.event,
        "source": step.source,
        "target": step.target,
        "actor": f"{step.actor_kind} {step.actor_id}",
        "details": details,
    }


def _attempt(failed: FailedAttempt) -> dict[str, object]:
    known = CAUSES.get(failed.cause)
    return {
        "task": failed.task,
        "attempt": failed.attempt,
        "max_attempts": failed.max_attempts,
        "at": failed.at,
        "cause": failed.cause,
        "means": known.means if known else None,
        "error": failed.error,
    }


def _print(seen: Seen) -> None:
    onboarding = seen.onboarding
    printing.text(f"{onboarding.reference}: {label(onboarding.state)}\n")
    printing.facts(_about(seen))
    printing.text("\nHistory (UTC)")
    printing.table(("", "At", "Event", "State", "By"), map(_history_row, seen.history))
    printing.text("" if seen.messages or seen.mails else "\nNothing is promised.")
    for message in seen.messages:
        printing.text(f"Promised: {_promise(message, seen.now)}")
    for failed in seen.attempts:
        printing.text(f"Failed: {_failure(failed)}")
    for mail in seen.mails:
        printing.text(f"E-mailed: {mail.notice}, {printing.moment(mail.sent_at)}")
    for note in seen.notes:
        printing.text(f"Note: {note.author}, {printing.moment(note.at)}")
        printing.text(indent(note.text, "  "))
    if seen.possible:
        printing.say("\nYou may:")
    for action in seen.possible:
        printing.say(f"  {offering.command(onboarding.reference, action)}")


def _about(seen: Seen) -> dict[str, str]:
    onboarding, secret, person = seen.onboarding, seen.secret, seen.person
    verified = "verified" if onboarding.contact_verified_at else "not verified"
    return {
        "ID": str(onboarding.id),
        "State": onboarding.state,
        "Turn": turn(onboarding, seen.now),
        "In hand of": seen.owner or "",
        "Type": " ".join(filter(None, (onboarding.connection_type, onboarding.credential_mode))),
        "Aggregator": onboarding.aggregator_name or "",
        "Name": person.connection_name,
        "Contact": f"{person.contact_email} ({verified})" if person.contact_email else "",
        "Client ID": seen.client.id if seen.client else "",
        "Secret": f"version {secret.version}, {_life(secret)}" if secret else "",
        "Seller": f"{person.seller_id} ({person.shop_name})" if person.seller_id else "",
        **_answered(seen),
        "Started": f"{printing.moment(onboarding.created_at)} UTC",
    }


def _answered(seen: Seen) -> dict[str, str]:
    """What few are asked: it takes no room where there is no answer."""
    role = seen.onboarding.answers.get("role", "")
    told = {
        "Organisation": seen.person.organisation,
        # As the console has it in English.
        "What they are": role.replace("_", " ").capitalize(),
        "Partner": seen.person.developer_email,
    }
    return {name: value for name, value in told.items() if value}


def _thumbprint(secret: Secret | None) -> str | None:
    """Of the key that stands in the secret's place."""
    return public_keys.stored(secret.jwk).thumbprint if secret and secret.jwk else None


def _life(secret: Secret) -> str:
    if secret.jwk:
        key = public_keys.stored(secret.jwk)
        used = "used" if secret.acknowledged_at else "not yet used"
        return f"a public key ({key.algorithm}, {key.thumbprint}), {used}"
    if secret.acknowledged_at and secret.expires_at:
        return f"saved, expires {printing.moment(secret.expires_at)} UTC"
    if secret.acknowledged_at:
        return "saved"
    return "shown, not yet saved" if secret.revealed_at else "sealed, not yet shown"


def _history_row(step: Transition) -> tuple[str, ...]:
    why = step.details.get("cause") or step.details.get("reason")
    by = step.actor_kind
    if step.actor_id != by:
        by += f"\n{_short(step.actor_id)}"
    event = f"{step.event}\n({why})" if why else step.event
    return (str(step.sequence), printing.moment(step.at), event, step.target, by)


def _short(actor_id: str) -> str:
    """Accounts and keys have long names; their ends tell them apart. JSON has them whole."""
    return actor_id if len(actor_id) <= LONGEST_ID else f"…{actor_id[-LONGEST_ID + 1 :]}"


def _failure(failed: FailedAttempt) -> str:
    """Which attempt, when, and why."""
    which = f"{failed.task}, attempt {failed.attempt} of {failed.max_attempts}"
    known = CAUSES.get(failed.cause)
    why = f"{failed.cause}, {known.means}" if known else f"{failed.cause}."
    return f"{which}, {printing.moment(failed.at)}: {why} ({failed.error})"


def _promise(message: Message, now: datetime) -> str:
    """What waits to be done, or has failed for good."""
    words = f"{message.task}, {message.attempts} of {message.max_attempts} attempts"
    if message.failed_at:
        return f"{words}, failed for good: {message.cause} ({message.last_error})"
    return f"{words}, for {printing.age(now - message.created_at)}"
