"""Points at which a process can be told to die, so that a test can cut any hand-over in two.

A point stands between two steps that must hold together across a crash: between a write and its
commit, between a commit and what follows from it. Switched off, as everywhere but in tests, it
costs one look at an empty dictionary.

`ONBOARDING_CRASH_AT` switches on: `publish.sent` dies there the first time, `publish.sent:3` the
third, `publish.sent=0.05` with that probability each time; several are separated by blanks.
"""

import os
import random
import re
import signal
from collections.abc import Callable
from typing import Final

# Every point, and what has just happened there.
POINTS: Final[dict[str, str]] = {
    "transaction.done": "all is written, nothing is committed",
    "transaction.committed": "all is durable, nobody has been told",
    "transaction.announced": "workers were told, the caller was not",
    "start.recorded": "the onboarding and the start of its history are written",
    "fire.locked": "the row is locked, nothing is decided",
    "fire.recorded": "state, history and promises are written, what follows from the event is not",
    "fire.followed": "that is written, too",
    "server.told": "another authorization server has the client and its secret, nothing is sealed",
    "server.revoked": "another authorization server has removed a client, nothing is noted",
    "secret.hashed": "the secret's hash is stored, the sealed secret is not",
    "secret.sealed": "the sealed secret is stored",
    "reveal.claimed": "the sealed row is deleted, the secret is closed",
    "reveal.opened": "the secret is in the clear, nothing is committed",
    "reveal.committed": "the secret was taken out for good, and has not left the process",
    "message.claimed": "the turn is written, not committed",
    "message.finished": "the promise is removed, not committed",
    "message.failed": "the failed attempt is written, not committed",
    "publish.begun": "the announcements have left the caller's thread",
    "publish.sent": "the broker has one of them",
    "sweep.marked": "due messages are marked as published again, not committed",
    "sweep.committed": "they are marked, the broker has none",
    "clock.locked": "a deadline's onboarding is locked, nothing is fired",
    "keyring.made": "the next pair of seal keys is in the folder, nothing of it is noted",
    "keyring.destroyed": "a pair of seal keys is destroyed, nothing of it is noted",
    "task.received": "a worker has the ID, no turn",
    "task.claimed": "a worker has its turn, and has not begun",
    "task.done": "the effect is durable, the broker has no acknowledgement",
    "inbound.applied": "an event of the marketplace's has taken effect, and is not noted yet",
    "delivery.sent": "an endpoint has taken an event, nothing of it is noted",
    "delivery.noted": "what came of a delivery is written, not committed",
    "mail.handed_over": "the mail server has the letter, the promise is still there",
}

_SPELLING: Final = re.compile(r"(?P<name>[a-z._]+)(?::(?P<time>\d+)|=(?P<chance>0?\.\d+|1))?")

_armed: dict[str, Callable[[], bool]] = {}


def reach(name: str) -> None:
    """The process is at this point. It goes on, unless it was told to die here."""
    if _armed and name in _armed and _armed[name]():
        _die(name)


def arm(described: str) -> None:
    """Switch on what ONBOARDING_CRASH_AT describes, and everything else off. Raises ValueError."""
    wanted = dict(map(_parsed, described.split()))
    _armed.clear()
    _armed.update(wanted)


def check(described: str) -> str:
    """The same text, if `arm` will take it. Raises ValueError that says what it may hold."""
    for one in described.split():
        _parsed(one)
    return described


def _parsed(one: str) -> tuple[str, Callable[[], bool]]:
    found = _SPELLING.fullmatch(one)
    if found is None or found["name"] not in POINTS:
        raise ValueError("names of crash points, each with :TIME or =PROBABILITY if need be")
    if found["chance"]:
        return found["name"], _now_and_then(float(found["chance"]))
    return found["name"], _the_time(int(found["time"] or 1))


def _the_time(number: int) -> Callable[[], bool]:
    """True at one of the calls, counted from 1."""
    reached = 0

    def is_it() -> bool:
        nonlocal reached
        reached += 1
        return reached == number

    return is_it


def _now_and_then(chance: float) -> Callable[[], bool]:
    """True at random. A forked child draws other numbers than its parent."""
    draw = random.Random()  # noqa: S311 - which one dies is no secret
    os.register_at_fork(after_in_child=draw.seed)
    return lambda: draw.random() < chance


def _die(name: str) -> None:
    """As a crash would: no handler runs, nothing is flushed. Only the name is left, on stderr."""
    os.write(2, f"crash point {name}\n".encode())
    os.kill(os.getpid(), signal.SIGKILL)
