"""`keyring ls`, `rotate` and `retire`: the keys that seal, hash and derive."""

from onboarding import audit, db, retiring_keys, sealing
from onboarding.audit import Attempt
from onboarding.commands import opening, printing
from onboarding.commands.exits import Failure
from onboarding.commands.terminal import operator
from onboarding.db import reading, transaction
from onboarding.models import KeyCheck
from onboarding.retiring_keys import Held
from onboarding.settings import Settings


def ls(chosen: Settings, *, as_json: bool) -> None:
    """Every key by its ID, and what needs it. Never the key. Raises Failure for a wrong keyring."""
    ring = opening.prepare(chosen)
    with reading() as session:
        found = retiring_keys.held(session, ring)
    rows = [(each.purpose, each.key_id, _needs(each)) for each in found]
    lines = [_facts(each) for each in found]
    printing.listed(lines, ("Purpose", "ID", "Needed by"), rows, empty="", as_json=as_json)


def rotate(chosen: Settings, purpose: str, *, as_json: bool) -> None:
    """Make the next key of a purpose; running processes find it. Raises Failure within the same minute."""
    opening.prepare(chosen)
    try:
        key_id = sealing.add_keys(chosen.keys_dir, purpose)
    except FileExistsError as error:
        raise Failure(
            f"There is a key {error} already.", "Wait a minute, then try again."
        ) from None
    ring = opening.open_keyring(chosen)
    with transaction() as session:
        tried = Attempt(operator().id, None, "keyring.rotate", f"{purpose}.{key_id}")
        audit.append(session, ring, tried)
    if as_json:
        printing.line({"purpose": purpose, "id": key_id})
        return
    printing.say(f"New values are made under {purpose}.{key_id}. Back up {chosen.keys_dir}.")


def retire(chosen: Settings, *, as_json: bool) -> None:
    """Destroy every key that nothing needs; what is kept says why."""
    ring = opening.prepare(chosen)
    with transaction() as session:
        db.hold(session, KeyCheck.__tablename__, alone=True)
        gone = [each for each in retiring_keys.held(session, ring) if each.may_go]
        for each in gone:
            retiring_keys.retire(session, each)
            name = f"{each.purpose}.{each.key_id}"
            audit.append(session, ring, Attempt(operator().id, None, "keyring.retire", name))
    # Only now: a key that is there and unknown is met again, one that is known and gone stops a start.
    for each in gone:
        sealing.remove_key(chosen.keys_dir, each.purpose, each.key_id)
        if as_json:
            printing.line({"purpose": each.purpose, "id": each.key_id, "destroyed": True})
        else:
            printing.text(f"{each.purpose}.{each.key_id} destroyed")
    if not (gone or as_json):
        printing.say("None may go yet: `onboarding keyring ls` says what needs them.")


def _needs(key: Held) -> str:
    if key.newest:
        return "new values"
    kinds = ", ".join(f"{number} {kind}" for kind, number in key.needed_by.items())
    return kinds or ("nothing" if key.overtaken else "what may still be on its way")


def _facts(key: Held) -> dict[str, object]:
    return {
        "purpose": key.purpose,
        "id": key.key_id,
        "newest": key.newest,
        "needed_by": key.needed_by,
        "may_go": key.may_go,
    }
