"""The canary with web, worker and relay on PostgreSQL and a broker: every step fails once, then everything is searched."""

import time
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import mkdtemp
from typing import Final
from uuid import uuid4

import pytest

from onboarding import db
from onboarding.checksums import random_base62
from tests.faults.breaking import failing, run
from tests.faults.stage import ENDS, a_stage
from tests.faults.test_crash_points import an_endpoint
from tests.receiving import Receiver
from tests.servers.postgres import Cluster, Postgres
from tests.servers.valkey import ALL_ON_DISK, Valkey
from tests.threats.canary import paths, sinks
from tests.threats.canary.dying import die_everywhere, sweep_dying
from tests.threats.canary.watched import LOUD, Watched, hits, listening
from tests.tracing import a_collector

ROLES: Final = ("web", "worker", "relay")
# Tables, and which write to one fails: when it is made, when it is shown, when that is noted.
BROKEN: Final = (("sealed_secrets", 0), ("sealed_secrets", 1), ("secrets", 1), ("transitions", 3))
# As long as a secret, and as random: what is packed away differently would not be found either.
KNOWN: Final = random_base62(43)


@pytest.fixture
def watched(
    postgres: Postgres, postgres_template: str, servers_folder: Path, tmp_path: Path
) -> Iterator[Watched]:
    """Web, worker and relay at debug level; PostgreSQL logs every statement with its values."""
    # What was written before, by other tests, has no secret of ours.
    name, began = f"canary_{uuid4().hex}", time.time()
    url = postgres.create_database(name, postgres_template)
    folder = Path(mkdtemp(dir=servers_folder))
    with Valkey.start(folder, ALL_ON_DISK) as valkey, a_collector() as collector:
        more = LOUD | {"ONBOARDING_OTLP_ENDPOINT": collector.url}
        with (
            closing(Receiver()) as receiver,
            a_stage(url, valkey.url, tmp_path, *ROLES, **more) as stage,
        ):
            run(db.engine(), f"ALTER DATABASE {name} SET log_statement = 'all'")
            commands = list[bytes]()
            made = Watched(
                stage,
                receiver,
                collector,
                lambda: (
                    of_database(postgres.cluster, name, began)
                    | of_broker(valkey, folder / "valkey", commands)
                ),
            )
            made.listens_to(stage.http)
            for role in ROLES:
                made.restart(role)
            stage.await_answers()
            with listening(valkey, commands):
                yield made
    postgres.drop_database(name)


def of_database(cluster: Cluster, name: str, began: float) -> dict[str, Iterable[bytes]]:
    run(db.engine(), "CHECKPOINT")
    return {
        "database files": sinks.files(cluster.data, since=began),
        "database log": [cluster.log.read_bytes()],
        "dump": [sinks.dumped(cluster, name)],
    }


def of_broker(valkey: Valkey, folder: Path, commands: list[bytes]) -> dict[str, Iterable[bytes]]:
    """What it was told, the file of all that it was told, and one of all that it holds."""
    with valkey.client() as client:
        client.set("known", KNOWN)
        client.execute_command("SAVE")
    return {
        "broker": commands,
        "broker's log": sinks.files(folder / "appendonlydir"),
        "broker's snapshot": [(folder / "dump.rdb").read_bytes()],
    }


def test_t32_a_secret_is_in_the_one_answer_that_shows_it_and_nowhere_else(watched: Watched) -> None:
    an_endpoint(watched.stage, watched.receiver.url)
    die_everywhere(watched, "web", "secret_ready")
    die_everywhere(watched, "worker", "type_chosen", "issuing_secret")
    sweep_dying(watched)
    have_writes_fail(watched)
    shown, encrypted = paths.go_every_way(watched)
    watched.settled()
    shown += [paths.disclosed(watched)]
    shown += [secret for journey in watched.stage.journeys for _, secret in journey.shown]
    places = watched.places()
    assert {each: hits(places, each) for each in shown} == {each: {"answers": 1} for each in shown}
    assert [hits(places, each) for each in encrypted] == [{}, {}]
    see_each_place(watched, places)


def see_each_place(watched: Watched, places: sinks.Contents) -> None:
    """The search has eyes in each place: what must be there is found by the same means."""
    journey = watched.stage.journeys[-1]
    onboarding, address = str(journey.path)[-36:], f"seller-{journey.number}@sample.example"
    there = {
        address: {"database files", "database log", "dump", "mail"},
        onboarding: {"webhooks", "answers"},
        "debug": {"logs", "folder"},
        "onboarding": {"broker", "broker's log", "metrics", "traces"},
        KNOWN: {"broker", "broker's log", "broker's snapshot"},
        "test-credentials": {"processes"},
        "These credentials work": {"terminal"},
    }
    assert set().union(*there.values()) == set(places)
    assert {word: found & {*sinks.hits(places, word)} for word, found in there.items()} == there


def have_writes_fail(watched: Watched) -> None:
    for table, after in BROKEN:
        journey = watched.stage.journey()
        with (
            failing(db.engine(), table, times=1, after=after),
            watched.stage.walking(journey) as walk,
        ):
            assert walk.result() == ENDS[journey.type]
