"""`/metrics` for Prometheus: what the database says, whichever process is asked.

Every process that serves pages gives the same figures, so whoever adds them up counts twice: rules
take the greatest. What happens inside one process is not counted here: workers serve no page, and
a number that leaves them out would be wrong.
"""

import math
import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from fastapi import APIRouter, Request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    disable_created_metrics,
    generate_latest,
)
from sqlalchemy.orm import Session
from starlette.responses import Response

from onboarding import (
    __version__,
    canaries,
    causes,
    db,
    developers,
    drawing,
    figures,
    queries,
    reception,
)
from onboarding.chart import CONNECTION_TYPES, STATES
from onboarding.figures import Promised
from onboarding.filters import DEVELOPER

router = APIRouter(include_in_schema=False)
# Each answer is made anew, so the time at which its counters were made tells nothing.
disable_created_metrics()  # type: ignore[no-untyped-call]

# Seconds for which an answer is given again: however many ask, the database is asked this often.
KEPT_FOR: Final = 5.0
# Whose turn it is in a state that has ended, and which type one has that has chosen none.
NOBODY: Final = "nobody"
NO_TYPE: Final = "none"


class Kept:
    """The latest answer, for everybody who asks within a few seconds; the others wait for the new one."""

    def __init__(self, seconds: float = KEPT_FOR) -> None:
        self._lock, self._seconds = threading.Lock(), seconds
        self._until, self._answer = 0.0, b""

    def or_new(self, make: Callable[[], bytes]) -> bytes:
        """An answer that fails is not kept."""
        with self._lock:
            if time.monotonic() >= self._until:
                self._answer = make()
                self._until = time.monotonic() + self._seconds
            return self._answer


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """How many onboardings stand where, who keeps them waiting, and whether anybody works."""
    kept: Kept = request.app.state.metrics
    headers = {"Cache-Control": "no-store"}
    return Response(kept.or_new(measured), media_type=CONTENT_TYPE_LATEST, headers=headers)


def measured() -> bytes:
    """Every figure, all of the same instant."""
    collected = CollectorRegistry()
    about = "Always 1; its labels are the version of the program and that of its chart."
    build = _gauge(collected, "build_info", about, "version", "machine_version")
    build.labels(__version__, drawing.version()).set(1)
    with db.snapshot() as session:
        _measure_onboardings(session, collected)
        _measure_turns(session, collected)
        _measure_outbox(session, collected)
        _measure_secrets(session, collected)
        _measure_webhooks(session, collected)
        _measure_workers(session, collected)
        _measure_operators(session, collected)
    return generate_latest(collected)


def _measure_onboardings(session: Session, collected: CollectorRegistry) -> None:
    """With all states and types that the chart has, so that none of a kind is a 0 and no gap."""
    gauge = _gauge(collected, "onboardings", "Onboardings.", "state", "type", "waiting_on")
    known = {(state, kind): 0 for state in STATES for kind in (None, *CONNECTION_TYPES)}
    named = figures.counts_of_developers(session)
    for (state, kind), count in (known | figures.counts(session)).items():
        of_developers = named.get((state, kind), 0)
        gauge.labels(state, kind or NO_TYPE, _waiting_on(state)).set(count - of_developers)
        if state in developers.THEIR_MOVE:
            gauge.labels(state, kind or NO_TYPE, DEVELOPER).set(of_developers)


def _measure_turns(session: Session, collected: CollectorRegistry) -> None:
    labels = "state", "waiting_on"
    oldest = _gauge(collected, "oldest_age_seconds", "How long one has been in a state.", *labels)
    overdue = _gauge(collected, "overdue", "Onboardings that are late.", *labels)
    now = db.clock(session)
    for turn in figures.turns(session):
        oldest.labels(turn.state, turn.whom).set(_seconds(turn.oldest, now))
        overdue.labels(turn.state, turn.whom).set(turn.overdue)


def _measure_outbox(session: Session, collected: CollectorRegistry) -> None:
    """The oldest message is one of which no attempt has failed: what is retried rests for hours."""
    promised = figures.promised(session)
    waiting = [each for each in promised if not each.failed]
    untried = [each.oldest for each in waiting if each.cause is None]
    age = _seconds(min(untried, default=None), db.clock(session))
    pending = sum(each.number for each in waiting)
    _gauge(collected, "outbox_pending", "Messages whose effect is to come.").set(pending)
    _gauge(collected, "outbox_oldest_age_seconds", "How long one waits for a worker.").set(age)
    retried = [each for each in waiting if each.cause]
    _by_cause(collected, "retrying", "Messages that have failed and are tried again.", retried)
    failed = [each for each in promised if each.failed]
    _by_cause(collected, "incidents", "Messages that have failed for good.", failed)
    dead = _gauge(collected, "dead_letters", "The same by task only.", "kind")
    for each in failed:
        dead.labels(each.task).inc(each.number)
    about = "Onboardings that have an incident of the cause."
    stuck = _gauge(collected, "stuck_onboardings", about, "cause")
    for cause, number in figures.stuck_onboardings(session).items():
        stuck.labels(causes.known(cause)).inc(number)


def _measure_secrets(session: Session, collected: CollectorRegistry) -> None:
    about = "Client secrets that wait, sealed, to be shown."
    _gauge(collected, "secret_escrow_pending", about).set(figures.sealed_secrets(session))


def _measure_webhooks(session: Session, collected: CollectorRegistry) -> None:
    about = "Endpoints of other systems, by how they take what is sent to them."
    gauge = _gauge(collected, "webhook_endpoints", about, "status")
    for status, number in reception.statuses(session).items():
        gauge.labels(status).set(number)


def _measure_workers(session: Session, collected: CollectorRegistry) -> None:
    """Infinite where none ever took work, so that whoever waits for the first one is told, too."""
    silence = canaries.silence(session)
    about = "How long ago a worker took work."
    age = _gauge(collected, "worker_last_canary_age_seconds", about)
    age.set(math.inf if silence is None else silence)


def _measure_operators(session: Session, collected: CollectorRegistry) -> None:
    about = "What operators have done, and were refused, since the first day of the trail."
    name, labels = "onboarding_operator_actions", ("action", "outcome")
    counter = Counter(name, about, labels, registry=collected)
    for kind, count in figures.operator_actions(session).items():
        counter.labels(*kind).inc(count)


def _gauge(collected: CollectorRegistry, name: str, about: str, *labels: str) -> Gauge:
    return Gauge(f"onboarding_{name}", about, labels, registry=collected)


def _by_cause(
    collected: CollectorRegistry, name: str, about: str, messages: Iterable[Promised]
) -> None:
    gauge = _gauge(collected, name, about, "cause", "task")
    for each in messages:
        gauge.labels(causes.known(each.cause), each.task).inc(each.number)


def _waiting_on(state: str) -> str:
    return queries.waits_on(state) or NOBODY


def _seconds(since: datetime | None, now: datetime) -> float:
    """How long ago; 0 where there is none."""
    return max((now - since).total_seconds(), 0.0) if since else 0.0
