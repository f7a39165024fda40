"""`keys create`, `ls` and `revoke`: the API keys of calling systems."""

from collections.abc import Sequence
from uuid import UUID

from onboarding import access
from onboarding.commands import printing
from onboarding.commands.exits import NOT_FOUND, Failure
from onboarding.db import reading, transaction
from onboarding.models import ApiKey


def create(name: str, scopes: Sequence[str], *, as_json: bool) -> None:
    """Make a key and print it, for the only time. Raises Invalid for an unknown scope."""
    with transaction() as session:
        key, text = access.create_api_key(session, name, scopes)
    if as_json:
        printing.line({"id": key.id, "name": key.name, "scopes": key.scopes, "key": text})
        return
    printing.text(text)
    printing.say(f"This is shown once. To end it: onboarding keys revoke {key.id}")


def ls(*, as_json: bool) -> None:
    """Every key, newest first, without its text."""
    with reading() as session:
        found = access.api_keys(session)
        lines, rows = [_facts(key) for key in found], [_row(key) for key in found]
    head = ("ID", "Name", "Scopes", "Last used", "")
    empty = "No API keys yet. Make one: onboarding keys create <name> --scope onboardings:read"
    printing.listed(lines, head, rows, empty=empty, as_json=as_json)


def revoke(key_id: str, *, as_json: bool) -> None:
    """End a key at once. Raises Failure where there is none."""
    with transaction() as session:
        ended = access.revoke_api_key(session, _uuid(key_id))
    if not ended:
        raise _unknown(key_id)
    if as_json:
        printing.line({"id": key_id, "revoked": True})
    else:
        printing.say("Revoked: whoever sends it is refused from now on.")


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _unknown(text) from None


def _unknown(key_id: str) -> Failure:
    return Failure(f"No key {key_id} is alive.", "`onboarding keys ls` shows them.", NOT_FOUND)


def _facts(key: ApiKey) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "scopes": key.scopes,
        "created_at": key.created_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
    }


def _row(key: ApiKey) -> tuple[str, ...]:
    used = printing.moment(key.last_used_at) if key.last_used_at else "never"
    return (str(key.id), key.name, "\n".join(key.scopes), used, "revoked" if key.revoked_at else "")
