"""One contestant's run: its processes on real servers, and what they cost for each journey."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psycopg

from benchmarks.journeys.measuring import Written, machine_time, processor_time

WARM_UP: Final = 60
# What a contestant is: what nobody can beat, what a team would pick instead, and this project.
LIMIT, PEER, OURS = "limit", "peer", "ours"
TOLD_AFTER: Final = 1.5


@dataclass(frozen=True)
class Contestant:
    """A module with the roles prepare, client and worker."""

    name: str
    module: str
    # As scripts know it that read the results.
    system: str
    kind: str = PEER
    workers: int = 1
    # Of the journeys that are asked for: whoever is slow walks fewer, for about as long.
    share: float = 1.0
    options: dict[str, str] = field(default_factory=dict)

    def command(self, role: str, place: "Place") -> list[str]:
        return [
            sys.executable,
            "-m",
            self.module,
            role,
            place.dsn,
            str(place.port),
            str(place.folder),
        ]


@dataclass(frozen=True)
class Place:
    """Where it runs: a fresh database on a server of ours, an empty broker, a folder."""

    dsn: str
    port: int
    folder: Path
    postgres: int
    broker: int
    environment: dict[str, str]


def run(
    contestant: Contestant,
    place: Place,
    clients: int,
    journeys: int,
    warm_up: int = WARM_UP,
    before: Callable[["psycopg.Connection[Any]"], None] = lambda _: None,
) -> dict[str, Any]:
    """So many journeys by so many clients: per second, ms of latency, ms of processor and bytes each.

    Something may be done `before`, on a database that is prepared.
    """
    environment = place.environment | contestant.options
    subprocess.run(contestant.command("prepare", place), env=environment, check=True)
    with psycopg.connect(place.dsn, autocommit=True) as connection:
        before(connection)
        written = Written.read(connection)
        with started(contestant, place, environment) as (client, workers):
            warmed_up = ask(client, clients, warm_up)
            roots = {
                "db": [place.postgres],
                "broker": [place.broker],
                "worker": [worker.pid for worker in workers],
                "client": [client.pid],
            }
            used, all_before, began = _used(roots), machine_time(), time.perf_counter()
            measured = ask(client, clients, journeys)
            took = time.perf_counter() - began
            all_used = machine_time() - all_before
            spent = {name: seconds - used[name] for name, seconds in _used(roots).items()}
        walked = warmed_up["journeys"] + measured["journeys"]
        if "written" in measured:
            # It keeps its rows elsewhere, and has counted them itself.
            rows = {name: number / walked for name, number in measured["written"].items()}
        else:
            # Its processes have told what they did when they ended; the WAL's are a second behind.
            time.sleep(TOLD_AFTER)
            rows = Written.read(connection).per(written, walked)
    each = 1000 / measured["journeys"]
    return {
        "name": contestant.name,
        "system": contestant.system,
        "kind": contestant.kind,
        "clients": clients,
        "per_s": measured["journeys"] / measured["seconds"],
        **{name: measured.get(name) for name in ("ack", "back", "letter")},
        "cpu_ms": sum(spent.values()) * each,
        "cpu": {name: seconds * each for name, seconds in spent.items()},
        **rows,
        "foreign": max(0.0, all_used - sum(spent.values())) / took,
    }


@contextmanager
def started(
    contestant: Contestant, place: Place, environment: dict[str, str]
) -> Iterator[tuple["subprocess.Popen[str]", Sequence["subprocess.Popen[str]"]]]:
    with ExitStack() as ends:

        def start(role: str) -> "subprocess.Popen[str]":
            log = ends.enter_context((place.folder / f"{role}.log").open("a"))
            talks = role == "client"
            made = subprocess.Popen(
                contestant.command(role, place),
                env=environment,
                text=True,
                stdin=subprocess.PIPE if talks else subprocess.DEVNULL,
                stdout=subprocess.PIPE if talks else log,
                stderr=log,
            )
            ends.callback(_end, made)
            return made

        try:
            client = start("client")
            assert client.stdout is not None
            client.stdout.readline()
            yield client, [start("worker") for _ in range(contestant.workers)]
        except RuntimeError:
            for log in place.folder.glob("*.log"):
                print(f"--- {log.name}", log.read_text()[-3000:], sep="\n", file=sys.stderr)
            raise


def _end(process: "subprocess.Popen[str]") -> None:
    process.terminate()
    process.wait(30)
    for pipe in (process.stdin, process.stdout):
        if pipe:
            pipe.close()


def ask(client: "subprocess.Popen[str]", clients: int, journeys: int) -> dict[str, Any]:
    assert client.stdin is not None
    assert client.stdout is not None
    client.stdin.write(f"{clients} {journeys}\n")
    client.stdin.flush()
    line = client.stdout.readline()
    if not line:
        raise RuntimeError("the client has ended; its last words are above")
    told: dict[str, Any] = json.loads(line)
    return told


def _used(roots: dict[str, list[int]]) -> dict[str, float]:
    return {name: processor_time(pids) for name, pids in roots.items()}
