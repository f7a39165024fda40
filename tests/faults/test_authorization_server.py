"""A worker dies between the answer of another authorization server and our commit: no orphan is left there.

The server is oidc-provider, registered at by RFC 7591; the processes run on PostgreSQL with a broker, and
as one program on SQLite. After each recovery the server has one client of the onboarding's, with the
secret that was sealed and shown, or none where it was revoked.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp
from uuid import uuid4

import pytest

from tests.builders import an_onboarding, fire, reveal, state_of
from tests.databases import BOTH
from tests.faults.stage import Stage, a_stage, until
from tests.faults.test_crash_points import TELLS
from tests.servers.authorization import Provider
from tests.servers.postgres import Postgres
from tests.servers.valkey import Valkey
from tests.told import client_of

# The server has the client; nothing of it is written, or something, or all and committed.
MADE = ("server.told", "message.finished", "secret.sealed", "task.done")
REVOKED = ("server.revoked", "task.done")
# How often each point kills; `make faults` asks for more.
ROUNDS = range(int(os.environ.get("ONBOARDING_TEST_ROUNDS", "1")))


@pytest.fixture(scope="module", params=BOTH)
def told_stage(
    request: pytest.FixtureRequest, servers_folder: Path, shared_provider: Provider
) -> Iterator[tuple[Stage, str]]:
    """Processes that tell the server, and which of them carries out tasks."""
    folder, settings = Path(mkdtemp(dir=servers_folder)), shared_provider.settings
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), folder / "onboarding.db")
        url = f"sqlite:///{folder / 'onboarding.db'}"
        with a_stage(url, "", folder, "serve", **settings) as made:
            yield made, "serve"
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    valkey: Valkey = request.getfixturevalue("shared_valkey")
    valkey.forget()
    url = postgres.create_database(
        name := f"told_{uuid4().hex}", request.getfixturevalue("postgres_template")
    )
    with a_stage(url, valkey.url, folder, "web", "worker", "relay", **settings) as made:
        yield made, "worker"
    postgres.drop_database(name)


def test_every_point_is_reached_here() -> None:
    assert set(TELLS) == {*MADE, *REVOKED} & set(TELLS)


@pytest.mark.parametrize("crash_at", MADE)
@pytest.mark.parametrize("round_", ROUNDS)
def test_the_server_has_one_client_with_the_secret_that_was_sealed(
    told_stage: tuple[Stage, str], provider: Provider, crash_at: str, round_: int
) -> None:
    stage, worker = told_stage
    stage.restart(worker, crash_at)
    onboarding_id = an_onboarding("issuing_secret")
    stage.await_death(worker, crash_at)
    assert len(provider.clients()) == 1
    stage.restart(worker)
    until(lambda: state_of(onboarding_id) == "secret_ready", "no secret is ready")
    stage.check()
    shown = reveal(onboarding_id, ring=stage.ring)
    assert shown.version == 1
    secret = shown.secret.get_secret_value()
    assert provider.clients() == {shown.client_id: secret}
    assert provider.gives_token(shown.client_id, secret)


@pytest.mark.parametrize("crash_at", REVOKED)
@pytest.mark.parametrize("round_", ROUNDS)
def test_the_server_has_none_that_was_revoked(
    told_stage: tuple[Stage, str], provider: Provider, crash_at: str, round_: int
) -> None:
    stage, worker = told_stage
    onboarding_id = an_onboarding("issuing_secret")
    until(lambda: state_of(onboarding_id) == "secret_ready", "no secret is ready")
    assert len(provider.clients()) == 1
    stage.restart(worker, crash_at)
    fire(onboarding_id, "cancel")
    stage.await_death(worker, crash_at)
    stage.restart(worker)
    until(lambda: client_of(onboarding_id).withdrawn_at is not None, "it is not withdrawn")
    stage.check()
    assert provider.clients() == {}


def test_what_is_cancelled_while_its_worker_lies_dead_leaves_nothing_there(
    told_stage: tuple[Stage, str], provider: Provider
) -> None:
    """The server has a client of which we have neither token nor secret: the answer was lost."""
    stage, worker = told_stage
    stage.restart(worker, "server.told")
    onboarding_id = an_onboarding("issuing_secret")
    stage.await_death(worker, "server.told")
    stage.stop(worker)
    assert len(provider.clients()) == 1
    fire(onboarding_id, "cancel")
    stage.start(worker)
    until(lambda: client_of(onboarding_id).withdrawn_at is not None, "it is not withdrawn")
    stage.check()
    assert provider.clients() == {}
