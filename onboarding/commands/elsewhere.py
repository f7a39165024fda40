"""Commands with --url: the same questions, asked of a system elsewhere through its public API."""

import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from onboarding.client import Client, Onboarding
from onboarding.commands import printing
from onboarding.commands.exits import NOT_FOUND, USAGE, Failure
from onboarding.ids import as_reference
from onboarding.settings import Settings

_PAGE: Final = "100"


def key(chosen: Settings, key_file: str | None) -> str | None:
    """The API key: from a file, from stdin, or from the environment; None: there is none.

    Never from an option: whoever lists processes would read it.
    """
    if key_file == "-":
        return sys.stdin.readline().strip()
    if key_file:
        return _read(key_file)
    return chosen.api_key or None


def client(chosen: Settings, url: str, key_file: str | None) -> Client:
    """A client for that system. Raises Failure without a key."""
    text = key(chosen, key_file)
    if not text:
        raise Failure(
            "A system elsewhere wants to know who is asking.",
            "Put an API key into ONBOARDING_API_KEY, or into a file: --key-file FILE.",
            USAGE,
        )
    return Client(url, text)


def ls(there: Client, wanted: Mapping[str, str], limit: int, *, as_json: bool) -> None:
    """The onboardings of that key which are wanted. Raises Problem, Unreachable."""
    page = {"limit": str(min(limit + 1, int(_PAGE)))}
    more = [*islice(there.list(**wanted, **page), limit + 1)]
    found = more[:limit]
    head = ("Reference", "State", "Type", "Next move")
    rows = [(o.reference, o.state, o.connection_type or "–", o.waiting_on or "–") for o in found]
    empty = "This key has started none of these."
    printing.listed([o.json for o in found], head, rows, empty=empty, as_json=as_json)
    printing.goes_on(more, limit)


def show(there: Client, reference: str, *, as_json: bool) -> None:
    """Where one stands, and what it waits for. Raises Failure, Problem, Unreachable."""
    found = _by_reference(there, reference)
    if as_json:
        printing.line(found.json)
        return
    due = there.requirements(found.id)
    now = (*due.currently_due, *due.pending_verification)
    facts: dict[str, str | None] = {
        "reference": found.reference,
        "id": found.id,
        "state": found.state,
        "type": found.connection_type,
        "client ID": found.client_id,
        "Seller ID": found.seller_id,
        "due": ", ".join(f"{each.code} ({each.waiting_on})" for each in now),
        "then": ", ".join(each.code for each in due.eventually_due),
        "blocked": due.blocked_reason,
        "ends": due.deadline.isoformat() if due.deadline else None,
        "events": ", ".join(found.allowed_events),
    }
    printing.facts({name: value for name, value in facts.items() if value})


def history(there: Client, reference: str, *, as_json: bool) -> None:
    """Every step of one. Raises Failure, Problem, Unreachable."""
    steps = there.history(_by_reference(there, reference).id)
    head = ("When", "Event", "To", "By")
    rows = [(f"{s.at:%Y-%m-%d %H:%M:%S}", s.event, s.target, s.actor) for s in steps]
    printing.listed(
        [asdict(step) for step in steps], head, rows, empty="Nothing has happened.", as_json=as_json
    )


def fire(
    there: Client, reference: str, event: str, data: str | None, wait: int, *, as_json: bool
) -> None:
    """Move one on from where it stands. Raises Failure, Problem, Unreachable."""
    seen = _by_reference(there, reference)
    moved = there.fire(seen, event, _object(data), wait=wait)
    if as_json:
        printing.line(moved.json)
    else:
        printing.text(f"{moved.reference}: {seen.state} → {moved.state}")


def _read(key_file: str) -> str:
    """Raises Failure for a file that is not there, or holds no text."""
    try:
        return Path(key_file).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "It holds no text"
        advice = "--key-file names a file with an API key in it; - is stdin."
        raise Failure(f"{key_file} cannot be read: {why}.", advice, USAGE) from None


def _by_reference(there: Client, reference: str) -> Onboarding:
    with suppress(ValueError):
        return there.show(str(UUID(reference)))
    for found in there.list(q=reference):
        if found.reference == as_reference(reference):
            return found
    raise Failure("There is no such onboarding of this key.", "", NOT_FOUND)


def _object(data: str | None) -> dict[str, Any]:
    with suppress(ValueError):
        value = json.loads(data or "{}")
        if isinstance(value, dict):
            return value
    raise Failure('--data is a JSON object, as {"connection_type": "plugin"}.', "", USAGE)
