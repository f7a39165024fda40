"""`keyring ls`, `rotate` and `retire`: the keys that seal, hash and derive."""

from onboarding import key_files, renewing_keys, retiring_keys
from onboarding.commands import opening, printing
from onboarding.commands.exits import Failure
from onboarding.commands.terminal import operator
from onboarding.db import reading, transaction
from onboarding.retiring_keys import Held
from onboarding.settings import Settings


def ls(chosen: Settings, *, as_json: bool) -> None:
    """Every key by its ID, and what needs it. Never the key. Raises Failure for a wrong keyring."""
    ring = opening.prepare(chosen)
    with reading() as session:
        found = retiring_keys.held(session, ring)
        stands = renewing_keys.standing(session, ring, chosen)
    rows = [(each.purpose, each.key_id, _needs(each)) for each in found]
    lines = [_facts(each) for each in found]
    printing.listed(lines, ("Purpose", "ID", "Needed by"), rows, empty="", as_json=as_json)
    if stands.do:
        printing.say(f"Seal keys: {stands.found}. {stands.do}")


def rotate(chosen: Settings, purpose: str, *, as_json: bool) -> None:
    """Make the next key of a purpose; running processes find it. Raises Failure within the same minute.

    Where only pairs of seal keys are lost, the next one is the way out.
    """
    opening.open_database(chosen)
    if purpose != "seal" or not opening.only_seal_keys_are_gone(chosen):
        opening.open_keyring(chosen)
    try:
        with transaction() as session:
            key_id = renewing_keys.rotate(session, chosen.keys_dir, purpose, operator().id)
    except FileExistsError as error:
        raise Failure(
            f"There is a key {error} already.", "Wait a minute, then try again."
        ) from None
    if as_json:
        printing.line({"purpose": purpose, "id": key_id})
        return
    printing.say(f"New values are made under {purpose}.{key_id}. Back up {chosen.keys_dir}.")


def retire(chosen: Settings, *, as_json: bool) -> None:
    """Destroy every key that nothing needs; what is kept says why."""
    ring = opening.prepare(chosen)
    with transaction() as session:
        gone = retiring_keys.end(session, ring, retiring_keys.PURPOSES, operator().id)
    # Only now: a key that is there and unknown is met again, one that is known and gone stops a start.
    for each in gone:
        key_files.remove_key(chosen.keys_dir, each.purpose, each.key_id)
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
    needs = kinds or ("nothing" if key.overtaken else "what may still be on its way")
    return needs if key.here else f"{needs}; its files are gone"


def _facts(key: Held) -> dict[str, object]:
    return {
        "purpose": key.purpose,
        "id": key.key_id,
        "newest": key.newest,
        "needed_by": key.needed_by,
        "may_go": key.may_go,
        "here": key.here,
    }
