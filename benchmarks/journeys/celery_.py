"""SQLAlchemy's ORM and Celery 5.7 by hand: what a team writes before it knows better. It LOSES tasks.

A task is sent after the commit. Whoever dies between the two, and a broker that forgets, leaves an
onboarding that waits for ever, and nothing knows. The settings are those that Celery's guide advises for
safety and short tasks: acknowledged late, no results, none of the gossip among workers.
"""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

import psycopg
from celery import Celery
from sqlalchemy import Engine, ForeignKey, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from benchmarks.journeys.clients import BACK, LETTER, Mouth, drive
from benchmarks.journeys.machine import MOVES, REPORTS, STEPS, TABLES

PROCESSES: Final = 2
MOST_CLIENTS: Final = 64

app = Celery("journeys", broker=os.environ.get("BROKER_URL"))
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    broker_pool_limit=MOST_CLIENTS,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
)
sessions = sessionmaker[Session](expire_on_commit=False)
# Set where a worker begins, before it forks.
mouths: list[Mouth] = []


class Base(DeclarativeBase):
    pass


class Onboarding(Base):
    __tablename__ = "onboarding"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    state: Mapped[str]
    seq: Mapped[int]
    entered_at: Mapped[datetime]


class History(Base):
    __tablename__ = "history"

    onboarding_id: Mapped[UUID] = mapped_column(ForeignKey("onboarding.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    event: Mapped[str]
    source: Mapped[str | None]
    target: Mapped[str]
    actor: Mapped[str]
    at: Mapped[datetime]


class Walk:
    def create(self) -> str:
        onboarding, now = uuid4(), datetime.now(UTC)
        with sessions.begin() as session:
            session.add(Onboarding(id=onboarding, state="started", seq=1, entered_at=now))
            session.add(_entry(onboarding, 1, "start", None, "started", now))
        return onboarding.hex

    def move(self, onboarding: str, step: int) -> None:
        move(onboarding, *MOVES[step])


def move(onboarding: str, event: str, source: str, target: str, task: str | None) -> None:
    with sessions.begin() as session:
        row = session.get_one(Onboarding, UUID(onboarding), with_for_update=True)
        if row.state != source:
            raise RuntimeError(f"{event} found no onboarding in {source}")
        row.state, row.seq, row.entered_at = target, row.seq + 1, datetime.now(UTC)
        session.add(_entry(row.id, row.seq, event, source, target, row.entered_at))
    if task:
        app.tasks[task].delay(onboarding)


def _entry(
    onboarding: UUID, seq: int, event: str, source: str | None, target: str, at: datetime
) -> History:
    return History(
        onboarding_id=onboarding,
        seq=seq,
        event=event,
        source=source,
        target=target,
        actor="seller",
        at=at,
    )


@app.task(name="secret")
def secret(onboarding: str) -> None:
    report(onboarding, "secret")


@app.task(name="check")
def check(onboarding: str) -> None:
    report(onboarding, "check")


@app.task(name="letter")
def letter(onboarding: str) -> None:
    mouths[0].write(onboarding)
    mouths[0].tell(LETTER, onboarding)


def report(onboarding: str, task: str) -> None:
    source, event, target, promised = REPORTS[task]
    move(onboarding, event, source, target, promised)
    mouths[0].tell(BACK, onboarding)


def work(mouth: Mouth) -> None:
    mouths.append(mouth)
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=WARNING"]
    app.worker_main(["worker", "--pool=prefork", f"--concurrency={PROCESSES}", *quiet])


def engine() -> Engine:
    """It connects when it is first used, so after a fork."""
    return create_engine(os.environ["DATABASE_URL"], pool_size=MOST_CLIENTS)


def prepare(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(TABLES)


def main(role: str, dsn: str, port: str, folder: str) -> None:
    sessions.configure(bind=engine())
    match role:
        case "prepare":
            prepare(dsn)
        case "client":
            drive(Walk, STEPS, int(port))
        case "worker":
            work(Mouth(int(port), Path(folder)))


if __name__ == "__main__":
    main(*sys.argv[1:])
