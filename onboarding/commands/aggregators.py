"""`aggregators ls` and `set`: the registry, by hand. Whoever waits for a changed one is rechecked."""

from typing import Final

from sqlalchemy.orm import Session

from onboarding import admissions, registry
from onboarding.admissions import SET_AGGREGATOR
from onboarding.commands import printing, terminal
from onboarding.db import reading
from onboarding.models import Aggregator
from onboarding.sealing import Keyring

_HEAD: Final = ("ID", "Name", "Status", "API", "Asks for")


def ls(*, as_json: bool) -> None:
    """Every aggregator, by name."""
    with reading() as session:
        found = registry.known(session)
        lines, rows = [_facts(each) for each in found], [_row(each) for each in found]
    empty = "No aggregators yet. Add one: onboarding aggregators set <name>"
    printing.listed(lines, _HEAD, rows, empty=empty, as_json=as_json)


def change(
    ring: Keyring,
    name: str,
    status: str | None,
    asks_for: str | None,
    reason: str,
    *,
    uses_rest: bool | None,
    as_json: bool,
) -> None:
    """Record an aggregator; what is not given stays as it is. Raises Invalid."""
    told = terminal.change(SET_AGGREGATOR, reason)
    with admissions.written_down(ring, told) as (session, about):
        known = registry.by_id(session, name) or registry.find(session, name)
        before = admissions.entry(known)
        changed = _upsert(session, known, name, status, asks_for, uses_rest)
        about.update(aggregator=changed.id, before=before, after=admissions.entry(changed))
    if as_json:
        printing.line(_facts(changed))
    else:
        printing.table(_HEAD, [_row(changed)])
        printing.say("Whoever waits for it is checked again.")


def _upsert(
    session: Session,
    before: Aggregator | None,
    name: str,
    status: str | None,
    asks_for: str | None,
    uses_rest: bool | None,  # noqa: FBT001 - None: leave it
) -> Aggregator:
    if before is None:
        return registry.upsert(
            session,
            name=name,
            status=status or "registered",
            uses_rest=True if uses_rest is None else uses_rest,
            asks_for=asks_for or "delegated",
        )
    return registry.upsert(
        session,
        aggregator_id=before.id,
        name=before.name,
        status=status or before.status,
        uses_rest=before.uses_rest if uses_rest is None else uses_rest,
        asks_for=asks_for or before.asks_for,
    )


def _facts(aggregator: Aggregator) -> dict[str, object]:
    return {
        "id": aggregator.id,
        "name": aggregator.name,
        "status": aggregator.status,
        "uses_rest": aggregator.uses_rest,
        "asks_for": aggregator.asks_for,
        "changed_at": aggregator.changed_at,
    }


def _row(aggregator: Aggregator) -> tuple[str, ...]:
    api = "REST" if aggregator.uses_rest else "SOAP"
    return (aggregator.id, aggregator.name, aggregator.status, api, aggregator.asks_for)
