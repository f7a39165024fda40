"""F47: without its keys the program shows, makes and destroys nothing, says which key it is, and goes on with it."""

import secrets
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine, delete, select

from onboarding import sealing
from onboarding.commands import opening
from onboarding.commands.exits import Failure
from onboarding.db import reading, transaction
from onboarding.models import KeyCheck, Secret
from onboarding.sealing import open_keyring, read_keyring
from onboarding.settings import Settings, settings
from tests import builders
from tests.builders import an_onboarding, end_the_rest_of, promised, state_of
from tests.databases import forget_settings
from tests.dumping import dump
from tests.racing import race
from tests.servers import process
from tests.system import ONBOARDING, System, environment
from tests.web.calling import System as Caller
from tests.web.calling import a_system, expect, refused, served
from workers import turns

CELERY = ONBOARDING.with_name("celery")
PURPOSES = ("seal", "public", "pepper", "derive")


def lose(path: Path) -> None:
    path.unlink()


def replace(path: Path) -> None:
    """By a key of another keyring."""
    path.write_text(secrets.token_hex(32))


@pytest.mark.parametrize("harm", [lose, replace])
@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_key_that_is_gone_or_wrong_is_named_and_nothing_is_destroyed(
    database: Engine, keys: Path, purpose: str, harm: Callable[[Path], None]
) -> None:
    caller = a_system(served(read_keyring(keys)))
    onboarding = caller.with_secret()
    reveal = onboarding["links"]["secret_reveal"]
    before = dump(database)
    key = next(keys.glob(f"{purpose}.*"))
    good = key.read_text()

    harm(key)
    assert purpose in readiness(caller, 503)
    if (purpose, harm) != ("seal", lose):
        # A worker may do without the seal key.
        with pytest.raises(Failure, match=purpose):
            opening.open_keyring(settings())
    if purpose == "seal":
        app = served(read_keyring(keys))
        refused(Caller(app, caller.key).post(reveal), 503, "unavailable")
    assert dump(database) | {"api_keys": []} == before | {"api_keys": []}

    key.write_text(good)
    opening.open_keyring(settings())
    assert readiness(caller, 200) == "ok"
    shown = expect(caller.post(reveal), 200)
    assert is_the_one_that_works(shown["client_id"], shown["client_secret"], keys)


def another_keyring(folder: Path, day: str = "2001-01-01") -> Settings:
    """Made on another day, so that none of its keys has an ID of ours."""
    open_keyring(folder)
    for path in [*folder.glob("*.key")]:
        path.rename(path.with_name(f"{path.name.partition('.')[0]}.{day}.key"))
    return Settings(keys_dir=folder)


def test_a_start_with_another_keyring_leaves_no_trace(
    database: Engine, keys: Path, tmp_path: Path
) -> None:
    """Not even where all its keys have other IDs: it would lock out the right one."""
    before = dump(database)
    foreign = another_keyring(tmp_path / "foreign")
    with pytest.raises(Failure, match=r"derive.*pepper.*public.*seal"):
        opening.open_keyring(foreign)
    assert dump(database) == before
    opening.open_keyring(settings())


def test_another_seal_key_alone_is_another_keyring(database: Engine, keys: Path) -> None:
    """A worker may do without one, but not with one that the web does not have."""
    before = dump(database)
    key = next(keys.glob("seal.*"))
    key.rename(keys / "seal.2001-01-01.key")
    with pytest.raises(Failure, match="seal"):
        opening.open_keyring(settings())
    assert dump(database) == before


def test_of_two_keyrings_that_meet_a_new_database_at_once_one_stays(
    database: Engine, tmp_path: Path
) -> None:
    for number in range(5):
        with transaction() as session:
            session.execute(delete(KeyCheck))
        rings = [another_keyring(tmp_path / f"{number}-{day}", day) for day in ("1", "2")]
        outcomes = race(*(partial(opening.open_keyring, ring) for ring in rings))
        refused_ones = [isinstance(outcome, Failure) for outcome in outcomes]
        assert sorted(refused_ones) == [False, True], outcomes
        opening.open_keyring(rings[refused_ones.index(False)])


def test_a_key_that_is_added_is_remembered(database: Engine, keys: Path) -> None:
    (keys / "pepper.2999-01-01.key").write_text("ab" * 32)
    opening.open_keyring(settings())
    lose(keys / "pepper.2999-01-01.key")
    with pytest.raises(Failure, match=r"pepper\.2999"):
        opening.open_keyring(settings())


@pytest.mark.parametrize("purpose", ["public", "pepper"])
def test_a_secret_that_cannot_be_made_is_made_once_the_key_is_back(
    keys: Path, purpose: str
) -> None:
    onboarding_id = an_onboarding("issuing_secret")
    (message,) = promised("generate_secret")
    key = next(keys.glob(f"{purpose}.*"))
    good = key.read_text()
    lose(key)
    forget_settings()
    turns.run(str(message.id))
    (kept,) = promised("generate_secret")
    assert (kept.attempts, kept.failed_at) == (1, None)
    assert purpose in str(kept.last_error)
    assert state_of(onboarding_id) == "issuing_secret"
    key.write_text(good)
    forget_settings()
    end_the_rest_of(message.id)
    turns.run(str(message.id))
    shown = builders.reveal(onboarding_id)
    assert is_the_one_that_works(shown.client_id, shown.secret.get_secret_value(), keys)


def break_the_file(path: Path) -> None:
    path.write_text("not a key")


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (replace, "not the one that this database was used with: pepper."),
        (break_the_file, "cannot be read as a key"),
    ],
)
def test_a_worker_with_another_pepper_does_not_start(
    system: System, harm: Callable[[Path], None], told: str
) -> None:
    """Even by Celery's own command: it would make secrets that nobody can ever check."""
    keys = Path(system.environment["ONBOARDING_KEYS_DIR"])
    opening.open_keyring(Settings(keys_dir=keys))
    harm(next(keys.glob("pepper.*")))
    onboarding_id = an_onboarding("issuing_secret")
    log = system.folder / "worker.log"
    with environment(system.environment):
        worker = process.start([CELERY, "-A", "workers.app", "worker"], log)
    assert worker.wait(60) == 1
    assert told in log.read_text()
    assert state_of(onboarding_id) == "issuing_secret"


def readiness(caller: Caller, status: int) -> str:
    """What the health page says of the keyring."""
    return str(expect(caller.get("/readyz"), status)["checks"]["keyring"])


def is_the_one_that_works(client_id: str, secret: str, keys: Path) -> bool:
    """Whether the stored hash is that of these bytes."""
    with reading() as session:
        row = session.scalars(
            select(Secret).where(Secret.client_id == client_id, Secret.ended_at.is_(None))
        ).one()
    context = f"client-secret-v1:{client_id}:{row.version}"
    return sealing.matches(read_keyring(keys), row.pepper_id, context, secret, row.hash)
