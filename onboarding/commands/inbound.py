"""`inbound ls` and `retry`: what the marketplace's own systems have told us, and what waits."""

from uuid import UUID

from onboarding import actions, inbound, reoffering
from onboarding.commands import printing
from onboarding.commands.terminal import operator
from onboarding.db import reading, transaction
from onboarding.errors import NotFound, Refusal
from onboarding.models import InboundEvent
from onboarding.sealing import Keyring

_HEAD = ("ID", "Type", "About", "Time", "Stands")


def ls(status: str | None, limit: int, *, as_json: bool) -> None:
    """What was told, newest first."""
    with reading() as session:
        found = inbound.listed(session, limit=limit, status=status)
        lines, rows = [_facts(each) for each in found], [_row(each) for each in found]
    printing.listed(lines, _HEAD, rows, empty="Nothing of that kind.", as_json=as_json)


def show(event_id: str, *, as_json: bool) -> None:
    """One of them. Raises NotFound."""
    with reading() as session:
        event = inbound.one(session, event_id)
        lines, rows = [_facts(event)], [_row(event)]
    printing.listed(lines, _HEAD, rows, empty="", as_json=as_json)


def retry(ring: Keyring, event_id: str | None, reason: str, *, as_json: bool) -> None:
    """Offer one again that waits, or all of them; each in a transaction of its own.

    Raises NotFound, Invalid, and MovedOn where the one does not wait.
    """
    reason = actions.checked(reason)
    with reading() as session:
        ids = [inbound.one(session, event_id).id] if event_id else list(inbound.waiting(session))
    tally: dict[str, int] = {}
    for each in ids:
        status = _retry(ring, each, reason)
        tally[status] = tally.get(status, 0) + 1
    if as_json:
        printing.line({"offered": len(ids), **tally})
    else:
        said = ", ".join(f"{count} {status}" for status, count in sorted(tally.items()))
        printing.say(f"Offered again: {len(ids)}. {said}".strip())


def _retry(ring: Keyring, event_id: UUID, reason: str) -> str:
    who = operator()
    try:
        with transaction() as session:
            event = inbound.one(session, str(event_id))
            return reoffering.retry(session, ring, who, event, reason)
    except NotFound:
        raise
    except Refusal as error:
        with transaction() as session:
            reoffering.refused(session, ring, who, event_id, reason, error.code)
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


def _row(event: InboundEvent) -> tuple[str, ...]:
    waits = event.effect.get("waits_for", "")
    stands = f"{event.status}\nno {waits}" if waits else event.status
    about = inbound.subject(event)
    return (str(event.id), event.type, about, printing.moment(event.time), stands)
