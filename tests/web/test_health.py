"""Alive, ready: and when it is not ready, which thing stands in the way."""

import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Engine, insert, text

from onboarding import db, sealing
from onboarding.db import transaction
from onboarding.models import Canary, KeyCheck
from onboarding.sealing import Keyring, open_keyring
from onboarding.settings import Settings
from tests.builders import make_older
from tests.servers.postgres import Postgres
from tests.servers.valkey import Valkey
from tests.test_canaries import take
from tests.web.calling import System, expect, served
from workers.relay import send_canary

READY = {"database": "ok", "schema": "ok", "keyring": "ok"}


@pytest.fixture
def keys(keys_folder: Path, tmp_path: Path) -> Path:
    """A copy of the keyring to be spoiled."""
    return Path(shutil.copytree(keys_folder, tmp_path / "keys"))


@pytest.fixture
def server(database: Engine, ring: Keyring, keys: Path) -> System:
    """The health pages, reading the copy; the database knows its keys."""
    with transaction() as session:
        session.execute(
            insert(KeyCheck),
            [{"key_id": k, "value": v} for k, v in sealing.fingerprints(ring).items()],
        )
    return System(served(ring, Settings(keys_dir=keys)))


def checks(server: System, status: int) -> dict[str, str]:
    answer = server.get("/readyz")
    content = expect(answer, status)
    assert content["status"] == ("ok" if status == 200 else "failed")
    assert answer.headers["cache-control"] == "no-store"
    assert ("retry-after" in answer.headers) == (status == 503)
    return dict(content["checks"])


def test_a_program_that_has_all_it_needs_is_ready(server: System) -> None:
    assert checks(server, 200) == READY


def test_a_key_that_is_new_does_not_stand_in_the_way(server: System, keys: Path) -> None:
    (keys / "pepper.2999-01-01.key").write_text("ab" * 32)
    assert checks(server, 200) == READY


def test_a_key_that_is_gone_does(server: System, keys: Path) -> None:
    lost = next(keys.glob("pepper.*"))
    (keys / "pepper.2999-01-01.key").write_text("ab" * 32)
    lost.unlink()
    assert checks(server, 503) == READY | {
        "keyring": f"the keyring is another one: {lost.stem}",
    }


def test_another_keyring_does(server: System, keys: Path) -> None:
    shutil.rmtree(keys)
    open_keyring(keys)
    told = checks(server, 503)["keyring"]
    assert told.startswith("the keyring is another one: derive.")
    assert all(purpose in told for purpose in ("pepper.", "public.", "seal."))


@pytest.mark.parametrize("content", ["", "not a key", "ab" * 31])
def test_a_key_that_cannot_be_read_does(server: System, keys: Path, content: str) -> None:
    next(keys.glob("seal.*")).write_text(content)
    assert checks(server, 503) == READY | {"keyring": "the keyring cannot be read"}


def test_an_empty_keyring_does(server: System, keys: Path) -> None:
    shutil.rmtree(keys)
    assert checks(server, 503)["keyring"] == "the keyring has no seal key"


def test_a_schema_of_another_version_does(own_database: Engine, ring: Keyring, keys: Path) -> None:
    server = System(served(ring, Settings(keys_dir=keys)))
    with own_database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    assert checks(server, 503)["schema"].startswith("the schema is at 0000, the program at 0")


def test_a_database_without_tables_does(bare_database: Engine, ring: Keyring, keys: Path) -> None:
    told = checks(System(served(ring, Settings(keys_dir=keys))), 503)
    assert told["database"] == "ok"
    assert told["schema"].startswith("the schema is at nothing, the program at 0")


@pytest.fixture
def without_database(postgres: Postgres, ring: Keyring, keys: Path) -> Iterator[System]:
    """The health pages after their database has gone."""
    name = f"gone_{uuid4().hex}"
    db.connect(postgres.create_database(name))
    postgres.drop_database(name)
    yield System(served(ring, Settings(keys_dir=keys)))
    db.engine().dispose()


def test_a_database_that_is_gone_does(without_database: System) -> None:
    away = "the database does not answer"
    assert checks(without_database, 503) == {"database": away, "schema": away, "keyring": away}
    assert expect(without_database.get("/metrics"), 503)["code"] == "unavailable"


def test_a_program_is_alive_without_a_database(without_database: System) -> None:
    assert expect(without_database.get("/livez"), 200) == {"status": "ok"}


@pytest.mark.parametrize(
    ("seconds", "told"), [(60, "ok"), (100, r"no worker has taken work for 1\d\d s")]
)
def test_workers_that_take_no_work_are_told_and_take_nobody_away(
    server: System, seconds: int, told: str
) -> None:
    send_canary()
    take()
    make_older(Canary, "taken_at", timedelta(seconds=seconds))
    ready = expect(server.get("/readyz"), 200)
    assert re.fullmatch(told, ready["checks"].pop("workers"))
    assert ready == {"status": "ok" if told == "ok" else "degraded", "checks": READY}


def test_workers_that_have_never_taken_any_are_told(server: System) -> None:
    send_canary()
    ready = expect(server.get("/readyz"), 200)
    assert (ready["status"], ready["checks"]["workers"]) == (
        "degraded",
        "no worker has taken work yet",
    )


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "amqp://127.0.0.1:1"])
def test_a_broker_that_is_away_is_told_and_takes_nobody_away(
    server: System, ring: Keyring, keys: Path, url: str
) -> None:
    alone = System(served(ring, Settings(keys_dir=keys, broker_url=url)))
    ready = expect(alone.get("/readyz"), 200)
    assert ready["status"] == "degraded"
    assert ready["checks"] == READY | {
        "broker": "the broker does not answer: tasks wait until it does"
    }


def test_a_broker_that_answers_is_well(
    server: System, ring: Keyring, keys: Path, valkey: Valkey
) -> None:
    answering = System(served(ring, Settings(keys_dir=keys, broker_url=valkey.url)))
    ready = expect(answering.get("/readyz"), 200)
    assert (ready["status"], ready["checks"]) == ("ok", READY | {"broker": "ok"})
