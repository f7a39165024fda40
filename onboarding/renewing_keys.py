"""The next key of a purpose: made by an operator, or by the clock where the pair of seal keys is too old.

First the files, then the row that knows them and the one of the trail, in a transaction that nobody
else has at the same time. Whoever dies in between leaves a pair that nobody has noted down: the next
one to look does.
"""

import os
from datetime import timedelta
from pathlib import Path
from typing import Final, NamedTuple

from sqlalchemy import insert
from sqlalchemy.orm import Session

from onboarding import audit, crash_points, db, holding, key_files, queries, retiring_keys, sealing
from onboarding.access import CLOCK
from onboarding.audit import Attempt
from onboarding.models import KeyCheck
from onboarding.sealing import Keyring, KeyringWrong
from onboarding.settings import Settings

ACTION: Final = "keyring.rotate"
# What to do where a folder takes no new keys, as people read it.
ADVICE: Final = (
    "Have a process run that sweeps (serve, worker or relay), and let it write to"
    " ONBOARDING_KEYS_DIR; or set ONBOARDING_SEAL_KEY_DAYS=0 and run"
    " `onboarding keyring rotate seal` where it can be written."
)
# Whoever sweeps looks every ten minutes; later than that, nobody has.
_LATE: Final = timedelta(hours=1)


class Standing(NamedTuple):
    """How the seal keys stand, and what to do about it; nothing to do means that it is well."""

    found: str
    do: str = ""


def rotate(session: Session, folder: Path, purpose: str, actor: str) -> str:
    """Make the next key of a purpose; the ID of it. Raises FileExistsError within a minute of another."""
    holding.hold(session, KeyCheck.__tablename__, alone=True)
    key_id = key_files.add_keys(folder, purpose, db.clock(session))
    _note(session, folder, purpose, key_id, actor)
    return key_id


def is_due(session: Session, ring: Keyring, days: int) -> bool:
    """Whether `renew` has something to do. It takes no lock. Raises KeyringWrong, as that does."""
    known = queries.key_checks(session)
    if wrong := sealing.misfits(ring, known):
        raise KeyringWrong(f"gone or different: {', '.join(wrong)}")
    if not known:
        return False
    age = _age(session, ring)
    return bool(_begun(ring, known)) or (age is not None and age >= timedelta(days=days))


def renew(session: Session, folder: Path, days: int) -> str | None:
    """Make the next pair of seal keys where the newest is too old; the ID of it, None if it is not.

    Raises OSError where the folder takes none, and KeyringWrong where it is not the one that this
    database was used with: a new pair would be missed by whoever finds the right one again.
    """
    holding.hold(session, KeyCheck.__tablename__, alone=True)
    ring = sealing.read_keyring(folder)
    if not is_due(session, ring, days):
        return None
    begun = _begun(ring, queries.key_checks(session))
    if begun:
        key_files.make_pair(folder, begun)
    key_id = begun or key_files.add_keys(folder, "seal", db.clock(session))
    crash_points.reach("keyring.made")
    _note(session, folder, "seal", key_id, CLOCK.id)
    return key_id


def standing(session: Session, ring: Keyring, chosen: Settings) -> Standing:
    """How old the newest pair is and how often it is renewed; what is late, lost or cannot be done."""
    days, age = chosen.seal_key_days, _age(session, ring)
    old = f"{age.days} days old" if age is not None else "not noted down yet"
    rhythm = f"renewed every {days} days" if days else "renewed by hand"
    lost = sum(
        each.needed_by.get("sealed secrets", 0)
        for each in retiring_keys.held(session, ring, ["seal"])
        if not each.here
    )
    if lost:
        found = f"{lost} client secrets wait, and the keys that open them are gone"
        return Standing(
            found, "Put the files back; else those who wait are to ask for new secrets."
        )
    late = days and age is not None and age >= timedelta(days=days) + _LATE
    if late:
        return Standing(f"{old}, to be {rhythm}", ADVICE)
    if days and not os.access(chosen.keys_dir, os.W_OK | os.X_OK):
        return Standing(f"{old}, and {chosen.keys_dir} takes no new ones", ADVICE)
    return Standing(f"{old}, {rhythm}")


def _age(session: Session, ring: Keyring) -> timedelta | None:
    """Of the newest pair, since this database met it; None: it has not."""
    check = session.get(KeyCheck, f"public.{sealing.newest_pair(ring)}", populate_existing=True)
    return db.clock(session) - check.created_at if check else None


def _begun(ring: Keyring, known: dict[str, bytes]) -> str | None:
    """The newest seal key, if its making was cut off: before its public half, or before it was noted."""
    newest = max(ring.keys["seal"], default="")
    whole = newest in ring.keys["public"] and f"public.{newest}" in known
    return None if whole else newest or None


def _note(session: Session, folder: Path, purpose: str, key_id: str, actor: str) -> None:
    ring = sealing.read_keyring(folder)
    known = queries.key_checks(session)
    made = {f"{each}.{key_id}" for each in retiring_keys.files(purpose)} - known.keys()
    new = [
        {"key_id": name, "value": value}
        for name, value in sealing.fingerprints(ring).items()
        if name in made
    ]
    session.execute(insert(KeyCheck), new)
    audit.append(session, ring, Attempt(actor, None, ACTION, f"{purpose}.{key_id}"))
