"""Seal keys follow each other by themselves: each week a new pair, and the old private half destroyed.

Sweeps do it, several at once, in any process; whatever the folder does, nothing else suffers.
"""

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update
from structlog.testing import capture_logs

from onboarding import audit, db, key_files, renewing_keys, sealing
from onboarding.credentials import context_of
from onboarding.db import reading, transaction
from onboarding.errors import Unavailable
from onboarding.models import KeyCheck, SealedSecret
from onboarding.renewing_keys import Standing
from onboarding.sealing import read_keyring
from onboarding.settings import settings
from tests import builders
from tests.builders import an_onboarding
from tests.databases import forget_settings
from tests.racing import race
from workers import clock

WEEK = 7


def pass_days(days: float) -> None:
    """Since the keys were met."""
    with transaction() as session:
        session.execute(update(KeyCheck).values(created_at=db.in_seconds(-days * 86400)))


def turn() -> int:
    return clock.turn_seal_keys().done


def pairs(folder: Path) -> list[str]:
    """IDs, the newest last; whole ones."""
    halves = [
        {path.stem.partition(".")[2] for path in folder.glob(f"{half}.*.key")}
        for half in ("seal", "public")
    ]
    assert halves[0] == halves[1]
    return sorted(halves[0])


def trail() -> list[tuple[str, str, str]]:
    with reading() as session:
        return [(e.actor, e.action, e.reason) for e in reversed(audit.latest(session, 100))]


def standing(folder: Path) -> Standing:
    with reading() as session:
        return renewing_keys.standing(session, read_keyring(folder), settings())


def test_a_pair_of_a_week_is_followed_by_one_though_many_sweep(
    database: Engine, keys: Path
) -> None:
    (old,) = pairs(keys)
    pass_days(WEEK)
    assert sorted(race(*[turn] * 8), key=str) == [0] * 7 + [1]
    was, new = pairs(keys)
    assert was == old
    assert trail() == [("clock", "keyring.rotate", f"seal.{new}")]
    assert turn() == 0
    assert (keys / f"seal.{new}.key").stat().st_mode & 0o777 == 0o600
    assert standing(keys) == Standing("0 days old, renewed every 7 days")


def test_a_younger_pair_stays_the_newest(database: Engine, keys: Path) -> None:
    pass_days(WEEK - 0.01)
    assert turn() == 0
    assert (len(pairs(keys)), trail()) == (1, [])


def test_what_was_sealed_is_shown_and_then_opened_by_nobody(database: Engine, keys: Path) -> None:
    """By a process that runs all the time; the private half is gone from the folder and from it."""
    running = read_keyring(keys)
    (old,) = pairs(keys)
    onboarding_id = an_onboarding("secret_ready")
    with reading() as session:
        kept = session.scalars(select(SealedSecret)).one()
    left = keys / ".seal.2001-01-01T0000.key.1.aa"
    left.write_text("what a process left that was killed")
    pass_days(WEEK)
    assert turn() == 1
    assert not left.exists()
    (keys / f".seal.{old}.key.1.aa").write_text("the same, under a name that was in use")
    new = pairs(keys)[-1]
    pass_days(2)
    assert turn() == 0, "a secret waits under the old one"
    assert running.current("public")[0] == new
    assert builders.reveal(onboarding_id, ring=running).secret.get_secret_value()
    assert sorted(race(*[turn] * 8), key=str) == [0] * 7 + [1]
    assert pairs(keys) == [new]
    assert not [*keys.glob(f".*{old}*")]
    assert trail()[1:] == [("clock", "keyring.retire", f"seal.{old}")]
    context = context_of(kept.client_id, kept.version).encode()
    for ring in (running, read_keyring(keys)):
        with pytest.raises(Unavailable):
            sealing.unseal(ring, old, kept.ciphertext, context)
    assert builders.reveal(an_onboarding("secret_ready"), ring=running).secret.get_secret_value()


@pytest.mark.parametrize("half", ["private", "both"])
def test_a_pair_whose_making_was_cut_off_is_finished(
    database: Engine, keys: Path, half: str
) -> None:
    """Not another one made, and the trail has it."""
    made = key_files.add_keys(keys, "seal", datetime.now(UTC))
    if half == "private":
        (keys / f"public.{made}.key").unlink()
    assert sorted(race(turn, turn), key=str) == [0, 1]
    assert pairs(keys)[1:] == [made]
    assert trail() == [("clock", "keyring.rotate", f"seal.{made}")]
    assert turn() == 0


def test_an_end_that_was_cut_off_is_finished(database: Engine, keys: Path) -> None:
    """The private half is gone, the other is not, and nothing is noted."""
    (old,) = pairs(keys)
    pass_days(WEEK)
    turn()
    pass_days(2)
    (keys / f"seal.{old}.key").unlink()
    assert turn() == 1
    assert old not in pairs(keys)
    assert trail()[1:] == [("clock", "keyring.retire", f"seal.{old}")]
    assert turn() == 0


def test_zero_days_are_never(database: Engine, keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither makes nor destroys: the operator does, where each host has a copy."""
    key_files.make_pair(keys, "2001-01-01")
    pass_days(400)
    monkeypatch.setenv("ONBOARDING_SEAL_KEY_DAYS", "0")
    forget_settings()
    assert turn() == 0
    assert (len(pairs(keys)), trail()) == (2, [])
    assert standing(keys) == Standing("400 days old, renewed by hand")


def test_a_folder_that_takes_no_new_file_stops_nothing(
    database: Engine, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is logged and what `doctor` says tell what to do."""
    folder = full(keys, monkeypatch)
    pass_days(WEEK + 1)
    with capture_logs() as said:
        assert turn() == 0
    assert [(line["event"], line["error"]) for line in said] == [("seal_keys_left", "OSError")]
    assert "ONBOARDING_SEAL_KEY_DAYS=0" in said[0]["advice"]
    assert trail() == []
    assert standing(folder) == Standing("8 days old, to be renewed every 7 days", said[0]["advice"])
    assert builders.reveal(an_onboarding("secret_ready")).secret.get_secret_value()


def full(keys: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same keys where no name of a new file fits, for root as well: its path is as long as can be."""
    room = os.pathconf("/", "PC_PATH_MAX") - len("/public.2001-01-01.key") - 5
    folder = keys.parent
    while len(str(folder)) + 202 < room:
        folder /= "x" * 200
    folder /= "x" * (room - len(str(folder)) - 1)
    shutil.copytree(keys, folder)
    monkeypatch.setenv("ONBOARDING_KEYS_DIR", str(folder))
    forget_settings()
    return folder


@pytest.mark.parametrize("is_there", [True, False])
def test_no_keys_are_made_where_the_folder_was(
    database: Engine, keys: Path, *, is_there: bool
) -> None:
    """A volume that is not mounted: whoever mounts it again would miss them."""
    pass_days(WEEK)
    away = keys.rename(keys.with_name("away"))
    if is_there:
        keys.mkdir()
    with capture_logs() as said:
        assert turn() == 0
    assert [line["event"] for line in said] == ["seal_keys_left"]
    assert not keys.exists() or not [*keys.iterdir()]
    assert trail() == []
    if is_there:
        keys.rmdir()
    away.rename(keys)
    assert turn() == 1


def test_a_pair_that_could_not_be_the_newest_is_not_made_again_and_again(
    database: Engine, keys: Path
) -> None:
    key_files.make_pair(keys, "2999-01-01")
    assert turn() == 1
    pass_days(WEEK + 1)
    with capture_logs() as said:
        for _ in range(2):
            turn()
    assert pairs(keys) == ["2999-01-01"]
    events = [line["event"] for line in said]
    assert events == ["seal_key_destroyed", "seal_keys_left", "seal_keys_left"]
    assert standing(keys).do
