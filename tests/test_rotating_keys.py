"""Keys follow each other while everything goes on, and what was sealed under an old one is lost for good."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update

from onboarding import db, key_files, queries, renewing_keys, retiring_keys, sealing
from onboarding.commands import opening
from onboarding.credentials import context_of
from onboarding.db import reading, transaction
from onboarding.errors import Unavailable
from onboarding.models import KeyCheck, SealedSecret, Secret
from onboarding.sealing import Keyring, read_keyring
from onboarding.settings import settings
from tests import builders
from tests.builders import an_onboarding
from tests.racing import race
from tests.web.calling import System, expect, served
from tests.web.presenting import Caller, a_caller, wrong


def rotate(keys: Path, purpose: str) -> str:
    with transaction() as session:
        return renewing_keys.rotate(session, keys, purpose, "ola")


def pass_days(days: int) -> None:
    """Since the keys were met."""
    with transaction() as session:
        session.execute(update(KeyCheck).values(created_at=db.in_seconds(-days * 86400)))


def retired(keys: Path) -> list[str]:
    """Retire what may go; which it was."""
    with transaction() as session:
        gone = retiring_keys.end(session, read_keyring(keys), retiring_keys.PURPOSES, "ola")
    for each in gone:
        key_files.remove_key(keys, each.purpose, each.key_id)
    return [f"{each.purpose}.{each.key_id}" for each in gone]


def pepper_of(client_id: str) -> str:
    with reading() as session:
        found = session.scalar(select(Secret.pepper_id).where(Secret.client_id == client_id))
        return str(found)


def test_a_secret_moves_to_the_new_pepper_with_its_next_use(database: Engine, keys: Path) -> None:
    """In a process that was started before; nobody else's moves, and no guess moves any."""
    app = served(read_keyring(keys))
    caller, silent = a_caller(app), a_caller(app, "credentials_issued")
    old = pepper_of(caller.client_id)
    # A use of a moment ago is no reason to leave it where it is.
    expect(caller.ask(), 200)
    new = rotate(keys, "pepper")
    secret, caller.secret = caller.secret, wrong(caller.secret)
    expect(caller.ask(), 401)
    assert pepper_of(caller.client_id) == old
    caller.secret = secret
    assert race(*[lambda: caller.ask().status_code] * 8) == [200] * 8
    assert pepper_of(caller.client_id) == new
    expect(caller.ask(), 200)
    assert pepper_of(silent.client_id) == old
    expect(silent.ask(), 200)


def test_a_pepper_is_kept_as_long_as_a_secret_is_under_it(database: Engine, keys: Path) -> None:
    app = served(read_keyring(keys))
    caller = a_caller(app)
    old = pepper_of(caller.client_id)
    rotate(keys, "pepper")
    pass_days(2)
    assert needs(keys)[f"pepper.{old}"]["client secrets"] == 1
    assert f"pepper.{old}" not in retired(keys)
    expect(caller.ask(), 200)
    assert "client secrets" not in needs(keys)[f"pepper.{old}"]


def needs(keys: Path) -> dict[str, dict[str, int]]:
    with reading() as session:
        found = retiring_keys.held(session, read_keyring(keys))
    return {f"{each.purpose}.{each.key_id}": each.needed_by for each in found}


def test_what_waits_to_be_shown_is_shown_after_a_rotation_and_holds_up_the_end(
    database: Engine, keys: Path
) -> None:
    running = read_keyring(keys)
    (old,) = running.keys["seal"]
    onboarding_id = an_onboarding("secret_ready")
    new = rotate(keys, "seal")
    pass_days(8)
    assert retired(keys) == []
    shown = builders.reveal(onboarding_id, ring=running)
    assert shown.secret.get_secret_value()
    assert running.current("public")[0] == new
    assert retired(keys) == [f"seal.{old}"]
    opening.open_keyring(settings())
    walk = an_onboarding("secret_ready")
    assert builders.reveal(walk, ring=running).secret.get_secret_value()


def test_what_was_sealed_under_a_retired_key_is_opened_by_nobody(
    database: Engine, keys: Path
) -> None:
    """Not in a backup of the database, and not by a process that had the key before."""
    running = read_keyring(keys)
    (old,) = running.keys["seal"]
    onboarding_id = an_onboarding("secret_ready")
    with reading() as session:
        kept = session.scalars(select(SealedSecret)).one()
    context = context_of(kept.client_id, kept.version).encode()
    assert sealing.unseal(running, old, kept.ciphertext, context)
    builders.reveal(onboarding_id, ring=running)
    rotate(keys, "seal")
    pass_days(8)
    assert retired(keys) == [f"seal.{old}"]
    for ring in (running, read_keyring(keys)):
        with pytest.raises(Unavailable):
            sealing.unseal(ring, old, kept.ciphertext, context)


def test_a_key_goes_no_sooner_than_its_successor_is_known_everywhere(
    database: Engine, keys: Path
) -> None:
    rotate(keys, "seal")
    assert retired(keys) == []
    with transaction() as session:
        late = db.in_seconds(-retiring_keys.GRACE["seal"].total_seconds() + 60)
        session.execute(update(KeyCheck).values(created_at=late))
    assert retired(keys) == []


def test_a_folder_that_is_lost_is_no_outage_at_once(keys: Path, database: Engine) -> None:
    """What runs goes on with what it has; readiness says what is missing."""
    running = read_keyring(keys)
    onboarding_id = an_onboarding("secret_ready")
    for path in [*keys.glob("*.key")]:
        path.unlink()
    assert builders.reveal(onboarding_id, ring=running).secret.get_secret_value()


def test_keys_of_one_minute_are_one(keys: Path) -> None:
    at = datetime.now(UTC)
    made = key_files.add_keys(keys, "derive", at)
    with pytest.raises(FileExistsError, match=made):
        key_files.add_keys(keys, "derive", at)
    assert len([*keys.glob("derive.*T*.key")]) == 1


def test_a_key_that_would_not_be_the_newest_is_not_made(keys: Path) -> None:
    """Else one would follow the other for ever, and none be used."""
    (keys / "derive.2999-01-01.key").write_text("ab" * 32)
    with pytest.raises(FileExistsError, match="2999-01-01"):
        key_files.add_keys(keys, "derive", datetime.now(UTC))


def test_a_ring_without_a_folder_stays_as_it_is() -> None:
    ring = Keyring({"pepper": {"a": bytes(32)}})
    assert ring.current("pepper") == ("a", bytes(32))


def test_half_a_pair_takes_nobodys_place(database: Engine, keys: Path) -> None:
    """Its making was cut off and a start has met it: what is new is sealed under the pair before."""
    (old,) = read_keyring(keys).keys["seal"]
    made = key_files.add_keys(keys, "seal", datetime.now(UTC))
    (keys / f"public.{made}.key").unlink()
    opening.open_keyring(settings())
    pass_days(8)
    assert retired(keys) == []
    assert read_keyring(keys).current("public")[0] == old


def test_a_key_goes_though_the_newest_is_young(database: Engine, keys: Path) -> None:
    """Where one is made each day, the newest is never old enough."""
    (first,) = read_keyring(keys).keys["seal"]
    rotate(keys, "seal")
    pass_days(2)
    key_files.add_keys(keys, "seal", datetime.now(UTC) + timedelta(days=1))
    opening.open_keyring(settings())
    assert retired(keys) == [f"seal.{first}"]


def test_a_database_that_knows_a_destroyed_pair_starts_and_forgets_it(
    database: Engine, keys: Path
) -> None:
    """As one does that was restored from a backup of last week."""
    (old,) = read_keyring(keys).keys["seal"]
    rotate(keys, "seal")
    key_files.remove_key(keys, "seal", old)
    opening.open_keyring(settings())
    pass_days(2)
    assert retired(keys) == [f"seal.{old}"]
    with reading() as session:
        assert not {f"seal.{old}", f"public.{old}"} & queries.key_checks(session).keys()


def test_whoever_runs_reads_and_shows_tokens_by_a_key_that_came_meanwhile(
    database: Engine, keys: Path
) -> None:
    """Another process is started again, for whatever reason."""
    running = served(read_keyring(keys))
    caller = a_caller(running)
    before = caller.token()
    rotate(keys, "derive")
    started = served(read_keyring(keys))
    other = Caller(started, caller.id, caller.client_id, caller.secret)
    assert caller.introspect(other.token())["active"]
    assert other.introspect(before)["active"]
    assert len(expect(System(running).get("/oauth2/jwks"), 200)["keys"]) == 2
