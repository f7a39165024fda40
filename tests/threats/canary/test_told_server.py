"""The canary beside another authorization server, which is told of each secret: it dies as it has told, and is revoked."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from tests.faults.stage import ENDS, PATIENCE, until
from tests.servers.authorization import Provider
from tests.threats.canary import sinks
from tests.threats.canary.conftest import a_program
from tests.threats.canary.dying import id_of
from tests.threats.canary.watched import Watched, hits
from tests.told import client_of


@pytest.fixture
def watched(sqlite_template: Path, servers_folder: Path, provider: Provider) -> Iterator[Watched]:
    """One program, and who gives the tokens."""
    folder = Path(mkdtemp(dir=servers_folder))
    with a_program(sqlite_template, folder, **provider.settings) as made:
        yield made


def test_t32_a_secret_that_another_server_is_told_of_is_nowhere_else(
    watched: Watched, provider: Provider
) -> None:
    stage = watched.stage
    journeys = [stage.journey("credentials_only") for _ in range(2)]
    for journey in journeys:
        assert journey.walk(PATIENCE, {"type_chosen"}) == "type_chosen"
        watched.restart("serve", "server.told")
        with stage.walking(journey) as walk:
            stage.await_death("serve", "server.told")
            watched.restart("serve")
            assert walk.result() == ENDS[journey.type]
    secrets = [secret for journey in journeys for _, secret in journey.shown]
    assert sorted(provider.clients().values()) == sorted(secrets)
    watched.restart("serve", "server.revoked")
    stage.await_answers()
    path, headers = journeys[0].path, journeys[0].headers
    stage.http.delete(f"{path}/client", headers=headers)
    stage.await_death("serve", "server.revoked")
    watched.restart("serve")
    until(lambda: client_of(id_of(journeys[0])).withdrawn_at is not None, "it is not withdrawn")
    stage.check()
    places = watched.places()
    assert {each: hits(places, each) for each in secrets} == {
        each: {"answers": 1} for each in secrets
    }
    assert "logs" in sinks.hits(places, "server.revoked")
