"""Every step of a secret's way fails once: each process dies at each crash point that it comes by.

The points are those of the product. A new one is armed in every role by itself; where a role never
comes by, NEVER says why, and a point that nobody reaches and no line explains fails the test.
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import update

from onboarding import db
from onboarding.crash_points import POINTS
from onboarding.db import transaction
from onboarding.models import Message
from tests.builders import age, state_of
from tests.faults.journeys import Journey
from tests.faults.stage import ENDS, PATIENCE, count, until
from tests.threats.canary.watched import Watched

# Deaths over one message: after eight of them the product takes it for poison.
AT_ONCE: Final = 4


def _because(why: str, *points: str) -> dict[str, str]:
    return dict.fromkeys(points, why)


_NO_SECRET: Final = _because("what the marketplace tells has no secret", "inbound.applied")
_ELSEWHERE: Final = _because(
    "there only where another authorization server is told: `test_told_server`",
    "server.told",
    "server.revoked",
)
_OF_TASKS: Final = _because(
    "a worker carries out what was promised",
    *("task.received", "task.claimed", "task.done"),
    *("message.claimed", "message.finished", "message.failed"),
    *("secret.hashed", "secret.sealed", "mail.handed_over", "delivery.sent", "delivery.noted"),
)
_OF_REVEALS: Final = _because(
    "only the web is asked", "start.recorded", "reveal.claimed", "reveal.opened", "reveal.committed"
)
_OF_SWEEPS: Final = _because(
    "whoever sweeps comes by only if something is due, and here nothing is but for the relay",
    *("sweep.marked", "sweep.committed", "clock.locked"),
)
_OF_KEYS: Final = _because(
    "no seal key gets old meanwhile: `test_crash_points` has those that do",
    "keyring.made",
    "keyring.destroyed",
)
_OF_BROKERS: Final = _because("there is no broker", "publish.begun", "publish.sent")
NEVER: Final[Mapping[str, Mapping[str, str]]] = {
    "web": _NO_SECRET | _ELSEWHERE | _OF_KEYS | _OF_TASKS | _OF_SWEEPS,
    "worker": _NO_SECRET | _ELSEWHERE | _OF_KEYS | _OF_REVEALS | _OF_SWEEPS,
    "relay": _NO_SECRET | _ELSEWHERE | _OF_KEYS | _OF_REVEALS | _OF_TASKS,
    "serve": _NO_SECRET | _ELSEWHERE | _OF_KEYS | _OF_SWEEPS | _OF_BROKERS,
}


def points_of(role: str) -> set[str]:
    return set(POINTS) - set(NEVER[role])


def die_everywhere(watched: Watched, role: str, *states: str) -> None:
    """Journeys on which the process dies once at each of its points.

    It is told to where the secret is in its hands: while the journey is in one of these states. What
    it does not come by from there, it meets on a journey of which it is told from the start.
    """
    left = points_of(role)
    for begin in (states, ()):
        while left and (died := _die(watched, role, left, begin)):
            left -= died
    assert not left, f"no {role} comes by {sorted(left)}"


def sweep_dying(watched: Watched) -> None:
    """A relay dies at each of its points while a secret is to be made, and another is to lapse.

    Workers sweep too, so none is there before the relay is through.
    """
    stage, left = watched.stage, points_of("relay")
    lapses, waits = stage.journey(), stage.journey()
    assert lapses.walk(PATIENCE, {"secret_ready"}) == "secret_ready"
    until(lambda: count(Message) == 0, "messages are left")
    watched.stop("worker", "relay")
    assert waits.walk(PATIENCE, {"issuing_secret"}) == "issuing_secret"
    age(id_of(lapses), timedelta(days=2))
    while left:
        with transaction() as session:
            session.execute(update(Message).values(due_at=db.in_seconds(-1)))
        stage.start("relay", crash_at=" ".join(left))
        until(lambda: bool(stage.said("relay")), f"no relay comes by {sorted(left)}")
        left -= {*stage.said("relay")}
        watched.stop("relay")
    stage.start("relay", "worker")
    until(lambda: state_of(id_of(lapses)) == "secret_lapsed", "no secret has lapsed")
    for journey in (lapses, waits):
        assert journey.walk(PATIENCE) == ENDS[journey.type]


def id_of(journey: Journey) -> UUID:
    return UUID(str(journey.path)[-36:])


def _die(watched: Watched, role: str, left: set[str], states: Sequence[str]) -> set[str]:
    """One journey, on which the process dies at some of these points: at the first that it comes by.

    Started again it dies at the next, as long as the journey is where it was; else it lives.
    """
    stage, journey, died = watched.stage, watched.stage.journey(), set[str]()
    if states:
        assert journey.walk(PATIENCE, states) == states[0]
    if "message.failed" in left:
        stage.smtp.refuse(f"seller-{journey.number}@sample.example", 451)
    watched.restart(role, " ".join(left))
    with stage.walking(journey) as walk:
        while now := _deaths(watched, role, walk):
            died |= now
            goes_on = len(died) < AT_ONCE and states and state_of(id_of(journey)) in states
            watched.restart(role, " ".join(left - died) if goes_on else "")
            if not goes_on:
                break
        assert walk.result() == ENDS[journey.type]
    return died


def _deaths(watched: Watched, role: str, walk: Future[str]) -> set[str]:
    """Where the process has died; nowhere, where it lives when all is done."""
    stage = watched.stage
    until(lambda: bool(stage.said(role)) or walk.done(), "the journey does not go on")
    until(lambda: bool(stage.said(role)) or count(Message) == 0, "it does not come to rest")
    return {*stage.said(role)}
