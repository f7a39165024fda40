"""`inbound ls`, `retry` and `dismiss`: what the marketplace's own systems have told us, and what waits."""

from collections import Counter
from datetime import datetime
from typing import Final
from uuid import UUID

from onboarding import actions, db, inbound, reoffering
from onboarding.commands import printing
from onboarding.commands.exits import Failure
from onboarding.commands.terminal import operator
from onboarding.db import reading, transaction
from onboarding.errors import Invalid, MovedOn, NotFound, Refusal
from onboarding.models import InboundEvent
from onboarding.sealing import Keyring

_REFUSED: Final = "`onboarding inbound show ID` says what one of them is about, `dismiss` ends it."
_HEAD = ("ID", "Type", "About", "Time", "Stands")


def ls(status: str | None, limit: int, *, as_json: bool) -> None:
    """What was told, newest first."""
    with reading() as session:
        more = inbound.listed(session, limit=limit + 1, status=status)
        found, now = more[:limit], db.clock(session)
        lines, rows = [_facts(each) for each in found], [_row(each, now) for each in found]
    empty = "There is none of that status." if status else "The marketplace has told nothing yet."
    printing.listed(lines, _HEAD, rows, empty=empty, as_json=as_json)
    printing.goes_on(more, limit)


def show(event_id: str, *, as_json: bool) -> None:
    """One of them. Raises NotFound."""
    with reading() as session:
        event = inbound.one(session, event_id)
        lines, rows = [_facts(event)], [_row(event, db.clock(session))]
    printing.listed(lines, _HEAD, rows, empty="", as_json=as_json)


def retry(ring: Keyring, event_id: str | None, reason: str, *, as_json: bool) -> None:
    """Offer one again that waits, or all of them; each in a transaction of its own.

    Raises NotFound, Invalid, and MovedOn where the one does not wait; Failure where some of all were
    refused.
    """
    reason = actions.checked(reason)
    with reading() as session:
        ids = [inbound.one(session, event_id).id] if event_id else list(inbound.waiting(session))
    offer = _carry_out if event_id else _carry_out_if_it_can_be
    tally = Counter(offer(ring, reoffering.RETRY, each, reason) for each in ids)
    if as_json:
        printing.line({"offered": len(ids), **tally})
    else:
        said = ", ".join(f"{count} {status}" for status, count in sorted(tally.items()))
        printing.say(f"Offered again: {len(ids)}. {said}".strip())
    if tally["refused"]:
        raise Failure(f"{tally['refused']} of them cannot take effect as they are.", _REFUSED)


def dismiss(ring: Keyring, event_id: str, reason: str, *, as_json: bool) -> None:
    """Have one that waits do so no more. Raises NotFound, Invalid, and MovedOn where it does not wait."""
    reason = actions.checked(reason)
    with reading() as session:
        found = inbound.one(session, event_id).id
    status = _carry_out(ring, reoffering.DISMISS, found, reason)
    if as_json:
        printing.line({"id": found, "status": status})
    else:
        printing.say("It is dismissed, and never takes effect.")


def _carry_out_if_it_can_be(ring: Keyring, action: str, event_id: UUID, reason: str) -> str:
    """One of many: what is wrong with it, or that it waits no more, holds up no other."""
    try:
        return _carry_out(ring, action, event_id, reason)
    except Invalid as error:
        wrong = "; ".join(f"{name}: {sentence}" for name, sentence in error.fields.items())
        printing.say(f"{event_id} is refused. {wrong}")
        return "refused"
    except (MovedOn, NotFound):
        return "settled"


def _carry_out(ring: Keyring, action: str, event_id: UUID, reason: str) -> str:
    who = operator()
    try:
        with transaction() as session:
            event = inbound.one(session, str(event_id))
            return reoffering.carry_out(session, ring, who, action, event, reason)
    except NotFound:
        raise
    except Refusal as error:
        with transaction() as session:
            reoffering.refused(session, ring, who, action, event_id, reason, error.code)
        raise


def _facts(event: InboundEvent) -> dict[str, object]:
    return {
        "id": event.id,
        "source": event.source,
        "event_id": event.event_id,
        "type": event.type,
        "subject": inbound.subject(event),
        "time": event.time,
        "received_at": event.received_at,
        "status": event.status,
        "settled_at": event.settled_at,
        "effect": event.effect,
    }


def _row(event: InboundEvent, now: datetime) -> tuple[str, ...]:
    about = inbound.subject(event)
    return (str(event.id), event.type, about, printing.moment(event.time), _stands(event, now))


def _stands(event: InboundEvent, now: datetime) -> str:
    """What became of it, or what it waits for and since when."""
    if event.status not in inbound.WAITING:
        return event.status
    waits = event.effect.get("waits_for")
    said = [event.status, *([f"no {waits}"] if waits else [])]
    return "\n".join([*said, f"for {printing.age(now - event.received_at)}"])
