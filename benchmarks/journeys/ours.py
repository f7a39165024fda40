"""This project: its chart, lifecycle, outbox and workers, with the work of the benchmark as its tasks.

The same numbers as everybody's: a type that is chosen three times, a seller that is linked, a
confirmation; the check of an aggregator and that of the connection report back; three letters.
"""

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from benchmarks.journeys.clients import BACK, LETTER, Mouth, Steps, drive
from onboarding import alone, db, lifecycle, outbox, registry
from onboarding.access import PLATFORM, Actor
from onboarding.db import transaction
from onboarding.migrations import upgrade
from onboarding.outbox import Claim
from onboarding.sealing import open_keyring
from onboarding.settings import settings
from workers import celery_worker, tasks
from workers.app import app
from workers.kinds import Letters, Quick, Work
from workers.publisher import CeleryPublisher

SELLER: Final = Actor("seller", "browser")
AGGREGATOR: Final = "feedwise"
# Each step's event, and what it chooses.
MOVES: Final = (
    ("choose_type", {"connection_type": "plugin"}),
    ("choose_type", {"connection_type": "own_development"}),
    (
        "choose_type",
        {
            "connection_type": "aggregator",
            "credential_mode": "delegated",
            "aggregator_id": AGGREGATOR,
            "aggregator_name": "Feedwise",
        },
    ),
    ("link_seller", None),
    ("confirm", None),
)
STEPS: Final[Steps] = (
    frozenset(),
    frozenset(),
    frozenset({BACK, LETTER}),
    frozenset({LETTER}),
    frozenset({BACK, LETTER}),
)


class Walk:
    def create(self) -> str:
        begun = alone.start(
            SELLER, locale="en", rule_set="2026", contact_email="seller@shop.example"
        )
        return begun.hex

    def move(self, onboarding: str, step: int) -> None:
        event, choices = MOVES[step]
        alone.fire(UUID(onboarding), event, SELLER, choices=choices)


def prepare(folder: Path) -> None:
    open_keyring(folder / "keys")
    upgrade(db.engine())
    with transaction() as session:
        registry.upsert(
            session,
            name="Feedwise",
            status="registered",
            uses_rest=True,
            asks_for="delegated",
            aggregator_id=AGGREGATOR,
        )
    with transaction() as session:
        session.connection().exec_driver_sql("DELETE FROM messages")


def walk(port: int) -> None:
    outbox.publish_with(CeleryPublisher(app).publish)
    drive(Walk, STEPS, port)


def work(mouth: Mouth) -> int:
    """The program's own worker, with other work under the names that the chart promises.

    One child, as the floor and pgqueuer have one process: two share the work in smaller batches.
    """
    tasks.TASKS.update(work_of(mouth))
    return celery_worker.work(1, "error")


def work_of(mouth: Mouth) -> dict[str, Work]:
    """The tasks of a journey, each telling what it has done."""

    def reports(event: str) -> Quick:
        def report(session: Session, claim: Claim) -> None:
            of = claim.onboarding_id
            assert of is not None
            lifecycle.fire(session, of, event, PLATFORM, expected=claim.sequence)
            db.after_commit(session, lambda: mouth.tell(BACK, of.hex))

        return Quick(report)

    def address(session: Session, claim: Claim) -> str:
        assert claim.onboarding_id is not None
        return claim.onboarding_id.hex

    class Told(Letters[str]):
        def keep(self, done: list[tuple[Claim, str | None]]) -> None:
            super().keep(done)
            for _, onboarding in done:
                mouth.tell(LETTER, str(onboarding))

    return {
        "check_aggregator": reports("approve_aggregator"),
        "verify_connection": reports("verification_passed"),
        "send_email": Told(address, lambda: nullcontext(mouth.write), lambda *_: None),
    }


def main(role: str, _: str, port: str, folder: str) -> None:
    db.connect(settings().database_url)
    match role:
        case "prepare":
            prepare(Path(folder))
        case "client":
            walk(int(port))
        case "worker":
            sys.exit(work(Mouth(int(port), Path(folder))))


if __name__ == "__main__":
    main(*sys.argv[1:])
