"""`audit`: what operators did, and whether the trail of it is as it was written."""

from onboarding import audit, care, queries
from onboarding.commands import printing
from onboarding.commands.exits import DONE, FINDINGS
from onboarding.db import reading, snapshot
from onboarding.models import AuditEntry
from onboarding.sealing import Keyring


def ls(limit: int, q: str, *, as_json: bool) -> None:
    """What operators did, newest first."""
    with reading() as session:
        more = audit.latest(session, limit + 1, q=q)
        found = more[:limit]
        ids = [entry.onboarding_id for entry in found if entry.onboarding_id]
        named, people = queries.references(session, ids), care.names(session)
    lines = [_facts(entry) for entry in found]
    rows = [
        (
            str(entry.number),
            printing.moment(entry.at),
            people.get(entry.actor, entry.actor),
            entry.action,
            named.get(entry.onboarding_id, "") if entry.onboarding_id else audit.subject(entry),
            entry.outcome,
            entry.reason or "no reason given",
        )
        for entry in found
    ]
    head = ("", "At (UTC)", "Who", "Action", "About", "Outcome", "Why")
    empty = "No row says this." if q else "No operator has done anything yet."
    printing.listed(lines, head, rows, empty=empty, as_json=as_json)
    printing.goes_on(more, limit)


def verify(ring: Keyring, *, as_json: bool) -> int:
    """Look through the whole trail; returns the exit code."""
    with snapshot() as session:
        found = list(audit.verify(session, ring))
        last = audit.head(session)
    if as_json:
        printing.line({"rows": last, "findings": found})
    else:
        for sentence in found or [f"The trail is as it was written, up to row {last}."]:
            printing.text(sentence)
    return FINDINGS if found else DONE


def _facts(entry: AuditEntry) -> dict[str, object]:
    return {
        "number": entry.number,
        "at": entry.at,
        "actor": entry.actor,
        "role": entry.role,
        "action": entry.action,
        "onboarding_id": entry.onboarding_id,
        "reason": entry.reason,
        "outcome": entry.outcome,
        "details": entry.details,
    }
