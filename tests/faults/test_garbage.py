"""F21, T40 to T43: whatever lies on the queue, workers go on, and do only what was promised."""

import time
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from celery import Celery
from sqlalchemy import update

from onboarding import db
from onboarding.db import transaction
from onboarding.ids import new_id
from onboarding.models import Message
from tests.builders import a_message, an_onboarding, promised, state_of
from tests.dumping import dump
from tests.faults.garbage import GARBAGE, a_call
from tests.faults.stage import until
from tests.servers import process
from tests.servers.valkey import Valkey
from tests.system import System
from workers.tasks import TASKS

QUEUE = "onboarding"
# A task that a later version of the program promises.
UNKNOWN = "check_identity"


@pytest.fixture
def put(system: System, valkey: Valkey) -> Callable[..., None]:
    """Puts items on the queue, then a promise, and waits until the worker has kept that."""

    def put(*items: bytes, seconds: float = 10) -> None:
        marker = a_message("revoke_client", about={"client_id": "cid_nobody"})
        worker, log = system.running["worker"], system.folder / "worker.log"
        deadline = time.monotonic() + seconds
        with valkey.client() as client:
            for item in (*items, a_call(marker, "revoke_client")):
                client.lpush(QUEUE, item)
            while promised("revoke_client") or client.exists(QUEUE, "unacked"):
                assert worker.poll() is None, process.last_words(log)
                assert time.monotonic() < deadline, process.last_words(log)
                time.sleep(0.01)

    return put


@pytest.fixture
def working(system: System, put: Callable[..., None]) -> System:
    """A system whose worker has done its first task, and what the samples had promised."""
    system.start("worker")
    put(seconds=60)
    until(lambda: not promised(), "the samples' promises are not kept")
    return system


def test_a_worker_outlives_every_kind_of_garbage(working: System, put: Callable[..., None]) -> None:
    """T40, T43."""
    for item in GARBAGE.values():
        put(item)
    put(*GARBAGE.values())


def test_a_forged_call_does_nothing_that_was_not_promised(
    working: System, put: Callable[..., None]
) -> None:
    """T41, T42. IDs of all kinds under every name, and an order to stop.

    Random, foreign, finished, failed and resting ones.
    """
    onboarding_id = an_onboarding("issuing_secret")
    (message,) = promised(onboarding_id=onboarding_id)
    put(a_call(message.id, "send_email"))
    assert state_of(onboarding_id) == "secret_ready", "the row says which task it is"
    failed, resting, of_another_version = a_message(), a_message(), a_message(UNKNOWN)
    _fail(failed)
    _rest(resting)
    _postpone(of_another_version)
    before = dump(db.engine())
    url = working.environment["ONBOARDING_BROKER_URL"]
    stranger = Celery("stranger", broker=url, set_as_current=False)
    forged = [uuid4(), new_id(), onboarding_id, message.id, failed, resting]
    stranger.control.shutdown()
    stranger.control.broadcast("pool_restart", arguments={"reload": True})
    put(*(a_call(one, task) for one in forged for task in TASKS))
    put(*(a_call(of_another_version, task) for task in (UNKNOWN, *TASKS)))
    assert dump(db.engine()) == before


def test_a_worker_that_cannot_go_on_says_so_when_it_ends(system: System, valkey: Valkey) -> None:
    """A supervisor starts again what has failed, not what has ended in order."""
    with valkey.client() as client:
        client.execute_command(
            "ACL", "SETUSER", "blind", "on", ">word", "~*", "&*", "+@all", "-brpop"
        )
        try:
            url = valkey.url.replace("redis://", "redis://blind:word@")
            system.environment["ONBOARDING_BROKER_URL"] = url
            system.start("worker")
            assert system.running["worker"].wait(30) == 1
        finally:
            client.execute_command("ACL", "DELUSER", "blind")


def _fail(message_id: UUID) -> None:
    with transaction() as session:
        session.execute(
            update(Message)
            .where(Message.id == message_id)
            .values(failed_at=db.now(), cause="tests", attempts=8)
        )


def _rest(message_id: UUID) -> None:
    with transaction() as session:
        wait = db.in_seconds(3600)
        session.execute(
            update(Message)
            .where(Message.id == message_id)
            .values(due_at=wait, leased_until=wait, attempts=1)
        )


def _postpone(message_id: UUID) -> None:
    with transaction() as session:
        session.execute(
            update(Message).where(Message.id == message_id).values(due_at=db.in_seconds(3600))
        )
