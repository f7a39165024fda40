"""People: threads of one process, each walking one journey after the other and waiting for what comes back.

Whoever carries out a task sends a datagram after its commit; so all of them are waited for in the same
way, and none is measured by how often somebody asks.
"""

import json
import queue
import socket
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

# Seconds after which something that should have come back is lost.
PATIENCE: Final = 60.0
# What a step brings about: a task that reports an event, and one that writes a letter.
BACK, LETTER = "back", "letter"

# For each of the five steps after the first, what comes of it.
Steps = Sequence[frozenset[str]]


class Walk(Protocol):
    """How one person moves their onboardings; each thread has its own."""

    def create(self) -> str:
        """Start an onboarding; its ID."""

    def move(self, onboarding: str, step: int) -> None:
        """Fire the event of this step, 0 to 4; it is durable when this returns."""


@dataclass
class Times:
    """How long each took, in seconds."""

    ack: list[float] = field(default_factory=list)
    back: list[float] = field(default_factory=list)
    letter: list[float] = field(default_factory=list)


class Ears:
    """Hears what workers have done, and tells the person who waits for it."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self._socket.bind(("127.0.0.1", port))
        self._heard: defaultdict[tuple[str, str], queue.SimpleQueue[float]] = defaultdict(
            queue.SimpleQueue
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def wait(self, kind: str, onboarding: str) -> float:
        """When it came, by `time.perf_counter`."""
        return self._heard[kind, onboarding].get(timeout=PATIENCE)

    def forget(self, onboarding: str) -> None:
        for kind in (BACK, LETTER):
            self._heard.pop((kind, onboarding), None)

    def _listen(self) -> None:
        while True:
            kind, onboarding = self._socket.recv(200).decode().split()
            self._heard[kind, onboarding].put(time.perf_counter())


class Mouth:
    """Says what has been done; a worker's, used after its commit."""

    def __init__(self, port: int, folder: Path) -> None:
        self._to = ("127.0.0.1", port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._letters = folder / "letters"

    def tell(self, kind: str, onboarding: str) -> None:
        self._socket.sendto(f"{kind} {onboarding}".encode(), self._to)

    def close(self) -> None:
        self._socket.close()

    def write(self, onboarding: str) -> None:
        """The letter of this benchmark: a line in a file."""
        with self._letters.open("a") as letters:
            letters.write(f"{onboarding}\n")


def drive(
    walk: Callable[[], Walk],
    steps: Steps,
    port: int,
    written: Callable[[], dict[str, int]] | None = None,
) -> None:
    """Walk as many journeys as each line of the input says, "clients journeys", and print what they took.

    A line of JSON, in ms. People keep what they hold, as connections, from one line to the next. Who does
    not write to PostgreSQL says what has been `written` since it began.
    """
    ears, walks = Ears(port), queue.SimpleQueue[Walk]()
    print("ready", flush=True)
    for line in sys.stdin:
        clients, journeys = map(int, line.split())
        while walks.qsize() < clients:
            walks.put(walk())
        took = _walk_all(walks, steps, ears, clients, journeys)
        print(json.dumps(took | ({"written": written()} if written else {})), flush=True)


def _walk_all(
    walks: queue.SimpleQueue[Walk], steps: Steps, ears: Ears, clients: int, journeys: int
) -> dict[str, Any]:
    left, everybody = iter(range(journeys)), [Times() for _ in range(clients)]

    def person(times: Times) -> None:
        mine = walks.get()
        for _ in left:
            _journey(mine, steps, ears, times)
        walks.put(mine)

    with ThreadPoolExecutor(clients) as people:
        began = time.perf_counter()
        list(people.map(person, everybody))
        seconds = time.perf_counter() - began
    return {"journeys": journeys, "seconds": seconds} | _quantiles(everybody)


def _journey(walk: Walk, steps: Steps, ears: Ears, times: Times) -> None:
    sent = time.perf_counter()
    onboarding = walk.create()
    times.ack.append(time.perf_counter() - sent)
    written: list[float] = []
    for number, comes in enumerate(steps):
        sent = time.perf_counter()
        walk.move(onboarding, number)
        times.ack.append(time.perf_counter() - sent)
        if BACK in comes:
            times.back.append(ears.wait(BACK, onboarding) - sent)
        if LETTER in comes:
            written.append(sent)
    for sent in written:
        times.letter.append(ears.wait(LETTER, onboarding) - sent)
    ears.forget(onboarding)


def _quantiles(everybody: list[Times]) -> dict[str, list[float]]:
    found = {}
    for name in ("ack", "back", "letter"):
        took = [one for times in everybody for one in getattr(times, name)]
        found[name] = [quantile(took, part) * 1000 for part in (0.5, 0.99)]
    return found


def quantile(numbers: Sequence[float], part: float) -> float:
    """The number that so great a part of them does not exceed; one of them, not one between two."""
    return sorted(numbers)[int(part * (len(numbers) - 1))]
