"""What the children of the chaos do until something kills them: be the web, a worker, a relay, or all in one.

Each is the product's own code with the product's own broker client; only the process around it is
forked instead of started, because starting an interpreter takes a hundred times longer.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from queue import Empty
from uuid import UUID

from celery import Celery
from psycopg import OperationalError as NoConnection
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from onboarding import outbox
from onboarding.chart import OPEN
from onboarding.db import reading
from onboarding.errors import Refusal, Unavailable
from onboarding.models import Message
from tests.faults.place import Place
from tests.faults.visitors import PLANS, Visitor, states_of
from workers import clock, relay, turns
from workers.publisher import CeleryPublisher, EmbeddedPublisher

# How many journeys a web process has under way at once.
VISITORS = 8
PAUSE = 0.02


def web(place: Place, slot: int) -> None:
    """Serve visitors until the last has arrived."""
    outbox.publish_with(CeleryPublisher(place.celery).publish)
    _serve(place, slot)


def worker(place: Place, slot: int) -> None:
    """Take messages from the broker and carry them out; each is acknowledged afterwards."""
    outbox.publish_with(CeleryPublisher(place.celery).publish)
    with place.celery.connection_for_read() as connection:
        queue = connection.SimpleQueue(place.celery.amqp.queues["onboarding"])
        queue.consumer.qos(prefetch_count=1)
        while True:
            with suppress(Empty):
                message = queue.get(timeout=1)
                # As in Celery, a task that raises is over: the outbox has it come due again.
                with _database_may_be_away():
                    place.celery.tasks[message.headers["task"]].apply(
                        message.payload[0], throw=True, priority=message.properties["priority"]
                    )
                message.ack()


def sweeper(place: Place, slot: int) -> None:
    """The relay with the clock."""
    publisher = CeleryPublisher(place.celery)
    outbox.publish_with(publisher.publish)
    relay.run(publisher.publish, threading.Event(), publisher.has_room)


def everything(place: Place, slot: int) -> None:
    """The embedded default: visitors, tasks, relay and clock in one process."""
    publisher = EmbeddedPublisher(threads=2)
    outbox.publish_with(publisher.publish)
    swept = (publisher.publish, threading.Event(), publisher.has_room)
    threading.Thread(target=relay.run, args=swept, daemon=True).start()
    _serve(place, slot)
    # Somebody else's last letter may be in the hands of this one's threads.
    threading.Event().wait()


def rehearse(place: Place) -> None:
    """Walk every plan once in this process, so that its children find all compiled and loaded."""
    visitors = [
        Visitor.new(place.under_way, 9, place.key, place.ring, number)
        for number in range(len(PLANS))
    ]
    while visitors:
        states = states_of(visitors)
        for visitor in visitors:
            _step(visitor, states)
        with reading() as session:
            waiting = session.scalars(select(Message.id)).all()
        for message_id in waiting:
            turns.run(str(message_id))
        clock.sweep()
        _see_off(place, visitors, states)
    if place.celery.conf.broker_url:
        _rehearse_the_broker(place.celery)


ROLES: dict[str, Callable[[Place, int], None]] = {
    "web": web,
    "worker": worker,
    "relay": sweeper,
    "everything": everything,
}


def _rehearse_the_broker(celery: Celery) -> None:
    """Send and take one message on a connection of its own, which no child inherits."""
    with celery.connection_for_write() as connection:
        queue = connection.SimpleQueue(celery.amqp.queues["onboarding"])
        queue.put("nothing")
        queue.get(timeout=10).ack()


def _serve(place: Place, slot: int) -> None:
    """Go round those who are under way; whoever comes to an end makes room for the next."""
    visitors = [Visitor(f, place.key, place.ring) for f in place.under_way.glob(f"{slot}-*")]
    while True:
        while len(visitors) < VISITORS and not place.closed.exists():
            visitors.append(Visitor.new(place.under_way, slot, place.key, place.ring))
        if not visitors:
            return
        acted = False
        with _database_may_be_away():
            states = states_of(visitors)
            acted = sum(_step(visitor, states) for visitor in visitors) > 0
            _see_off(place, visitors, states)
        if not acted:
            time.sleep(PAUSE)


def _step(visitor: Visitor, states: Mapping[UUID, str]) -> bool:
    """A refusal is news like any other: the next look says where it stands."""
    with suppress(Refusal):
        if not visitor.has_told:
            visitor.tell()
            return True
        if visitor.id is None:
            visitor.begin()
            return True
        return visitor.step(states[visitor.id])
    return False


def _see_off(place: Place, visitors: list[Visitor], states: Mapping[UUID, str]) -> None:
    for visitor in [v for v in visitors if v.id and states.get(v.id, "started") not in OPEN]:
        visitor.file.rename(place.arrived / visitor.file.name)
        visitors.remove(visitor)


@contextmanager
def _database_may_be_away() -> Iterator[None]:
    """The next try finds it back; every other error ends the process, and is a violation."""
    try:
        yield
    except (OperationalError, PoolTimeout, NoConnection, Unavailable):
        pass
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
