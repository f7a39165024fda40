"""`inbound ls` and `retry`: what the marketplace's own systems have told us, and what waits."""

from uuid import UUID

from onboarding import inbound
from onboarding.commands import printing
from onboarding.db import reading, transaction
from onboarding.errors import NotFound
from onboarding.models import InboundEvent
from onboarding.sealing import Keyring

_HEAD = ("ID", "Type", "About", "Time", "Stands")


def ls(status: str | None, limit: int, *, as_json: bool) -> None:
    """What was told, newest first."""
    with reading() as session:
        found = inbound.listed(session, limit=limit, status=status)
        lines, rows = [_facts(each) for each in found], [_row(each) for each in found]
    printing.listed(lines, _HEAD, rows, empty="Nothing of that kind.", as_json=as_json)


def retry(ring: Keyring, event_id: str | None, *, as_json: bool) -> None:
    """Offer one again that waits, or all of them; each in a transaction of its own. Raises NotFound."""
    if event_id is not None:
        ids = [_uuid(event_id)]
    else:
        with reading() as session:
            ids = list(inbound.waiting(session))
    tally: dict[str, int] = {}
    for each in ids:
        with transaction() as session:
            status = inbound.retry(session, ring, each).status
        tally[status] = tally.get(status, 0) + 1
    if as_json:
        printing.line({"offered": len(ids), **tally})
    else:
        said = ", ".join(f"{count} {status}" for status, count in sorted(tally.items()))
        printing.say(f"Offered again: {len(ids)}. {said}".strip())


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None


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
