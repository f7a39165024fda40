"""F30: where no byte more can be written, nothing is half done, what can be read is shown, and it goes on by itself."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from sqlalchemy import Engine

from onboarding import mail
from onboarding.sealing import Keyring
from onboarding.settings import settings
from tests.builders import an_onboarding, end_the_rest_of, fire, promised
from tests.dumping import dump
from tests.servers.ports import free_port
from tests.test_relay import until
from tests.web.calling import a_system, expect, refused, served
from workers import turns

EMAIL = "seller@shop.example"
ROOT = Path(__file__).parents[2]


def test_a_full_database_refuses_and_takes_up_again(own_database: Engine, ring: Keyring) -> None:
    caller = a_system(served(ring))
    onboarding = caller.start()
    choose = {"event": "choose_type", "data": {"connection_type": "plugin"}}
    # SQLite says that its log could not be written, at the commit, and not what became of it.
    code = "outcome_unknown" if own_database.dialect.name == "sqlite" else "no_space"
    before = dump(own_database)
    with full(own_database):
        for _ in range(3):
            answer = caller.post(onboarding["links"]["events"], choose)
            refused(answer, 503, code)
            assert int(answer.headers["retry-after"]) > 0
        refused(caller.post("/v1/onboardings", {"locale": "en"}), 503, code)
        assert caller.look(onboarding)["state"] == "started"
    assert dump(own_database) | {"api_keys": []} == before | {"api_keys": []}
    assert expect(caller.post(onboarding["links"]["events"], choose), 200)["state"] == "type_chosen"


def test_a_full_folder_keeps_the_letter_for_later(postgresql: Engine) -> None:
    onboarding_id = an_onboarding("type_chosen", email=EMAIL)
    fire(onboarding_id, "cancel")
    (message,) = promised("send_email")
    with no_large_files():
        turns.run(str(message.id))
    (kept,) = promised("send_email")
    assert (kept.attempts, kept.failed_at) == (1, None)
    assert str(kept.last_error).startswith("Unavailable: the folder for e-mails cannot be written")
    assert mail.stored(settings()) == []
    end_the_rest_of(message.id)
    turns.run(str(message.id))
    assert promised("send_email") == []
    assert [letter.name for letter in mail.stored(settings())] == [str(message.id)]


def test_logs_that_cannot_be_written_hold_up_nothing(tmp_path: Path) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    variables = {"ONBOARDING_PORT": str(port), "ONBOARDING_LOG_LEVEL": "debug"}
    with (
        Path("/dev/full").open("w") as nowhere,
        subprocess.Popen(
            [sys.executable, "-c", "from workers.cli import main; main()", "serve"],
            cwd=tmp_path,
            env=os.environ | variables | {"PYTHONPATH": str(ROOT)},
            stdout=nowhere,
            stderr=nowhere,
        ) as served_there,
    ):
        try:
            until(lambda: is_ready(url), seconds=60)
            for _ in range(20):
                assert httpx.get(f"{url}/en/nowhere").status_code == 404
            assert is_ready(url)
        finally:
            served_there.terminate()


@contextmanager
def full(engine: Engine) -> Iterator[None]:
    """A disk on which nothing more fits: SQLite's log cannot grow, PostgreSQL says what it would say."""
    if engine.dialect.name == "sqlite":
        with no_large_files():
            yield
    else:
        yield from _full_postgresql(engine)


def _full_postgresql(engine: Engine) -> Iterator[None]:
    """It says so with the first row of history that does not fit."""
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = 'disk_full'; END $$"
        )
        connection.exec_driver_sql(
            "CREATE TRIGGER full_disk BEFORE INSERT ON transitions"
            " FOR EACH ROW EXECUTE FUNCTION full_disk()"
        )
    yield
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TRIGGER full_disk ON transitions")


@contextmanager
def no_large_files() -> Iterator[None]:
    """This process can write no file that is longer than a few bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz").is_success
    except httpx.TransportError:
        return False
