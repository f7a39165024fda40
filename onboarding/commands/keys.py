"""`keys create`, `ls`, `rotate` and `revoke`: the API keys of calling systems."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from onboarding import access, admissions
from onboarding.commands import choosing, printing, terminal
from onboarding.commands.exits import NOT_FOUND, USAGE, Failure
from onboarding.db import reading
from onboarding.models import ApiKey, System
from onboarding.sealing import Keyring

_SPAN: Final = re.compile(r"(\d{1,4})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def create(
    ring: Keyring,
    name: str,
    scopes: Sequence[str],
    system: str | None,
    reason: str,
    *,
    as_json: bool,
) -> None:
    """Make a key and print it, for the only time. Raises Invalid for an unknown scope, and Failure."""
    told = terminal.change("key.create", reason)
    with admissions.written_down(ring, told) as (session, about):
        owner = system_named(session, system) if system else None
        key, text = access.create_api_key(session, name, scopes, owner)
        about.update(key=str(key.id), system=str(key.system_id), scopes=key.scopes)
    _print_once(key, text, as_json=as_json)


def rotate(ring: Keyring, wanted: str, overlap: str, reason: str, *, as_json: bool) -> None:
    """Make a key that takes another's place, and print it. Raises Failure where there is none."""
    lasts, old = span(overlap), _meant(wanted)
    told = terminal.change("key.rotate", reason)
    with admissions.written_down(ring, told) as (session, about):
        made = access.rotate_api_key(session, old, lasts)
        if made is None:
            raise _unknown(wanted)
        about.update(key=str(old), successor=str(made[0].id), overlap=overlap)
    _print_once(*made, as_json=as_json)
    printing.say(f"The one before, {old}, works for {printing.age(lasts)} from now.")


def ls(*, as_json: bool) -> None:
    """Every key, newest first, without its text."""
    with reading() as session:
        names = access.system_names(session)
        found = access.api_keys(session)
        lines = [_facts(key, names) for key in found]
        rows = [_row(key, names) for key in found]
    head = ("ID", "Name", "System", "Scopes", "Last used", "")
    empty = "No API keys yet. Make one: onboarding keys create <name> --scope onboardings:read"
    printing.listed(lines, head, rows, empty=empty, as_json=as_json)


def revoke(ring: Keyring, wanted: str, reason: str, *, as_json: bool) -> None:
    """End a key at once. Raises Failure where there is none."""
    its_id = _meant(wanted)
    told = terminal.change("key.revoke", reason)
    with admissions.written_down(ring, told) as (session, about):
        if not access.revoke_api_key(session, its_id):
            raise _unknown(wanted)
        about["key"] = str(its_id)
    if as_json:
        printing.line({"id": its_id, "revoked": True})
    else:
        printing.say(f"Revoked {its_id}: whoever sends it is refused from now on.")


def system_named(session: Session, name_or_id: str) -> System:
    """Raises Failure where there is none, or where several have the name."""
    return choosing.only(access.systems(session, name_or_id), name_or_id, "system", "keys ls")


def span(text: str) -> timedelta:
    """A length of time as it is typed. Raises Failure."""
    parsed = _SPAN.fullmatch(text)
    if parsed is None:
        raise Failure(f"{text} is no length of time.", "For example 24h, 30m or 7d.", USAGE)
    return timedelta(**{_UNITS[parsed[2]]: int(parsed[1])})


def _print_once(key: ApiKey, text: str, *, as_json: bool) -> None:
    if as_json:
        facts = {"id": key.id, "name": key.name, "system": key.system_id}
        printing.line({**facts, "scopes": key.scopes, "key": text})
        return
    printing.text(text)
    printing.say(f"This is shown once. To end it: onboarding keys revoke {key.id}")


def _meant(typed: str) -> UUID:
    """Of those that work: by ID, its beginning, the name, or the last six characters. Raises Failure."""
    with reading() as session:
        return choosing.one(access.working_keys(session), typed, _called, "key", "keys ls").id


def _called(key: ApiKey) -> tuple[str, ...]:
    return (key.name, key.ending) if key.ending else (key.name,)


def _unknown(wanted: str) -> Failure:
    """One that has ended since it was looked up."""
    return Failure(f"No key {wanted} is alive.", "`onboarding keys ls` shows them.", NOT_FOUND)


def _facts(key: ApiKey, names: dict[UUID, str]) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "system": key.system_id,
        "system_name": names[key.system_id],
        "ending": key.ending,
        "scopes": key.scopes,
        "created_at": key.created_at,
        "last_used_at": key.last_used_at,
        "expires_at": key.expires_at,
        "revoked_at": key.revoked_at,
    }


def _row(key: ApiKey, names: dict[UUID, str]) -> tuple[str, ...]:
    used = printing.moment(key.last_used_at) if key.last_used_at else "never"
    scopes = "\n".join(key.scopes)
    return (str(key.id), key.name, names[key.system_id], scopes, used, _end(key))


def _end(key: ApiKey) -> str:
    if key.revoked_at:
        return "revoked"
    return f"until {printing.moment(key.expires_at)}" if key.expires_at else ""
