"""`source add`, `ls`, `rotate` and `rm`: systems of the marketplace's that may tell us things."""

from onboarding import admissions, sources
from onboarding.commands import printing, terminal
from onboarding.commands.keys import span
from onboarding.db import reading
from onboarding.sealing import Keyring

_HEAD = ("Name", "Keys", "Since", "")


def add(ring: Keyring, name: str, public_key: str | None, reason: str, *, as_json: bool) -> None:
    """Register a source; prints what it signs by. Raises Invalid."""
    told = terminal.change("source.add", reason)
    with admissions.written_down(ring, told) as (session, about):
        key = sources.add(session, ring, name, public_key)
        about.update(source=name, signature=_signature(public_key))
    _print_key(name, key, as_json=as_json)


def rotate(
    ring: Keyring, name: str, overlap: str, public_key: str | None, reason: str, *, as_json: bool
) -> None:
    """Give it another key. Raises NotFound or Invalid, and Failure for a length of time that is none."""
    lasts = span(overlap)
    told = terminal.change("source.rotate", reason)
    with admissions.written_down(ring, told) as (session, about):
        # One that is not there leaves no row, so this is its name.
        about.update(source=name, signature=_signature(public_key), overlap=overlap)
        key = sources.rotate(session, ring, name, lasts, public_key)
    _print_key(name, key, as_json=as_json)
    printing.say(f"The ones before work for {printing.age(lasts)} from now.")


def ls(*, as_json: bool) -> None:
    """Every source, by name; no key."""
    with reading() as session:
        found = sources.all_of_them(session)
        lines: list[dict[str, object]] = [
            {
                "name": source.name,
                "keys": keys,
                "created_at": source.created_at,
                "ended_at": source.ended_at,
            }
            for source, keys in found
        ]
        rows = [
            (
                source.name,
                str(keys),
                printing.moment(source.created_at),
                "removed" if source.ended_at else "",
            )
            for source, keys in found
        ]
    empty = "No sources yet. Register one: onboarding source add https://registry.example"
    printing.listed(lines, _HEAD, rows, empty=empty, as_json=as_json)


def rm(ring: Keyring, name: str, reason: str, *, as_json: bool) -> None:
    """Hear no more of it. Raises NotFound."""
    told = terminal.change("source.remove", reason)
    with admissions.written_down(ring, told) as (session, about):
        sources.end(session, name)
        about["source"] = name
    if as_json:
        printing.line({"name": name, "removed": True})
    else:
        printing.say("Removed: what it sends is refused from now on. What it has told stays.")


def _signature(public_key: str | None) -> str:
    return "ed25519" if public_key else "hmac"


def _print_key(name: str, key: str, *, as_json: bool) -> None:
    """A public key is its own, and nothing new."""
    if as_json:
        printing.line({"name": name, "key": key})
        return
    printing.text(key)
    if key.startswith("whsec_"):
        printing.say(f"It signs by this, shown once. To end it: onboarding source rm {name}")
