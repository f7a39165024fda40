"""Takes what is over out of the database: into a file first, without whom it was about.

An onboarding may go once it has ended, long ago, nothing has happened to it since, and nothing that it
led to is alive: no client, no link, no message. What is kept of it are its own facts and its history.
Nobody waits for this: a batch is one short transaction, rows that somebody holds are left to the next
time, and the file is on the disk before they are gone. A crash in between leaves them in both, known by
their ID.
"""

import json
import os
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, TextIO
from uuid import UUID

from sqlalchemy import ColumnElement, Select, Table, delete, exists, func, or_, select
from sqlalchemy.orm import Session

from onboarding import db, deliveries, event_log, masking
from onboarding.chart import OPEN
from onboarding.db import reading, transaction
from onboarding.deliveries import unfinished
from onboarding.ids import new_id
from onboarding.models import Base, Client, Delivery, Link, Message, Onboarding, Transition

BATCH: Final = 200
_BEFORE_ALL: Final = UUID(int=0)
_TABLES: Final = Base.metadata.tables
_FACTS: Final = (
    *("id", "reference", "state", "connection_type", "credential_mode", "aggregator_id"),
    *("system_id", "locale", "rule_set", "created_at", "entered_at"),
)
_STEPS: Final = ("sequence", "event", "source", "target", "actor_kind", "at", "rule_set", "details")
_CLIENTS: Final = ("id", "created_at", "revoked_at", "disabled_at", "first_used_at")


@dataclass(frozen=True, slots=True)
class Archived:
    """How many went, into which file; none, no file."""

    count: int
    path: Path | None


def waiting(days: int) -> int:
    """How many could go now, that ended so many days ago."""
    with reading() as session:
        return session.execute(
            select(func.count()).select_from(_over(session, days).subquery())
        ).scalar_one()


def archive(days: int, folder: Path, at_once: int = BATCH) -> Generator[Archived]:
    """Take out all that ended so many days ago; tells after each batch how far it has come.

    Whoever stops it loses nothing, and the next call goes on. Raises OSError where the file cannot be
    written, and then nothing has gone.
    """
    # Not what it would stand in: a path that was mistyped is no place for what leaves the database.
    folder.mkdir(mode=0o700, exist_ok=True)
    path, count = folder / f"{new_id()}.jsonl", 0
    last: UUID | None = _BEFORE_ALL
    while last:
        gone, last = _batch(days, path, at_once, last)
        if gone:
            count += gone
            yield Archived(count, path)
    if not count:
        yield Archived(0, None)


def connected() -> ColumnElement[bool]:
    """Of a statement that reads onboardings: whether a client or a link of theirs is alive."""
    its = Onboarding.id
    return or_(
        exists().where(Client.onboarding_id == its, Client.revoked_at.is_(None)),
        exists().where(Link.onboarding_id == its, Link.ended_at.is_(None)),
    )


def sent_again(session: Session, ids: Sequence[UUID]) -> set[UUID]:
    """Of which something is sent once more by now. All others' deliveries are held until they are gone."""
    of, theirs = Delivery.onboarding_id, Delivery.onboarding_id.in_(ids)
    ended = select(of).where(theirs, ~unfinished()).with_for_update(skip_locked=True)
    held = Counter(session.execute(ended).scalars())
    numbers = session.execute(select(of, func.count()).where(theirs).group_by(of))
    return {each for each, number in numbers if each and number != held[each]}


def remove(session: Session, ids: Sequence[UUID]) -> None:
    """Take them out with whatever refers to them, which goes first: so the order of the tables says."""
    event_log.count_on(session)
    clients = select(Client.id).where(Client.onboarding_id.in_(ids))
    for table in reversed(Base.metadata.sorted_tables):
        if table.name == "onboardings":
            session.execute(delete(table).where(table.c.id.in_(ids)))
        elif _refers(table, "onboardings"):
            session.execute(delete(table).where(table.c.onboarding_id.in_(ids)))
        elif _refers(table, "clients") or _refers(table, "secrets"):
            session.execute(delete(table).where(table.c.client_id.in_(clients)))


def _batch(days: int, path: Path, at_once: int, after: UUID) -> tuple[int, UUID | None]:
    """How many have gone, and the last that was looked at: there the next one goes on, while there is one."""
    with transaction() as session:
        wanted = _over(session, days).where(Onboarding.id > after).order_by(Onboarding.id)
        found = wanted.limit(at_once).with_for_update(skip_locked=True, of=Onboarding)
        over = list(session.execute(found).scalars())
        busy = sent_again(session, over)
        ids = [each for each in over if each not in busy]
        if ids:
            _write(path, list(_lines(session, ids)))
            remove(session, ids)
    return len(ids), over[-1] if over else None


def _over(session: Session, days: int) -> Select[UUID]:
    """A client that is revoked is told to the authorization server by a message."""
    its, since = Onboarding.id, db.in_seconds(-days * 86_400)
    alive: list[ColumnElement[bool]] = [
        connected(),
        exists().where(Message.onboarding_id == its),
        deliveries.any_left(session),
        # What has happened to it since it was done: its credentials were revoked, say.
        exists().where(
            Transition.onboarding_id == its,
            Transition.sequence == Onboarding.sequence,
            Transition.at >= since,
        ),
    ]
    return select(its).where(
        Onboarding.state.not_in(OPEN),
        Onboarding.entered_at < since,
        ~or_(*alive),
    )


def _lines(session: Session, ids: Sequence[UUID]) -> Iterator[str]:
    """Facts and history of each, as one line of JSON; nothing that leads to a person."""
    steps = _by_onboarding(session, "transitions", _STEPS, ids)
    clients = _by_onboarding(session, "clients", _CLIENTS, ids)
    table = _TABLES["onboardings"]
    facts = select(*(table.c[name] for name in _FACTS)).where(table.c.id.in_(ids))
    for row in session.execute(facts.order_by(table.c.entered_at)).mappings():
        history = [
            step | {"details": masking.nameless(step["details"])} for step in steps[row["id"]]
        ]
        told = dict(row) | {"history": history, "clients": clients[row["id"]]}
        yield json.dumps(told, default=_plain, ensure_ascii=False)


def _by_onboarding(
    session: Session, name: str, columns: Sequence[str], ids: Sequence[UUID]
) -> dict[UUID, list[dict[str, Any]]]:
    """The rows of a table, in the order of its first column."""
    table = _TABLES[name]
    of = table.c.onboarding_id
    query = (
        select(*(table.c[column] for column in columns), of)
        .where(of.in_(ids))
        .order_by(table.c[columns[0]])
    )
    found: dict[UUID, list[dict[str, Any]]] = {each: [] for each in ids}
    for row in session.execute(query).mappings():
        found[row["onboarding_id"]].append({column: row[column] for column in columns})
    return found


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _write(path: Path, lines: Sequence[str]) -> None:
    """On the disk when this returns."""
    with _opened(path) as file:
        file.writelines(f"{line}\n" for line in lines)
        file.flush()
        os.fsync(file.fileno())
    _keep_name(path)


def _opened(path: Path) -> TextIO:
    """It names nobody, and is its owner's alone all the same."""
    opened = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    return os.fdopen(opened, "a", encoding="utf-8")


def _keep_name(path: Path) -> None:
    """A new file's name is on the disk once its folder is."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _refers(table: Table, name: str) -> bool:
    return any(each.referred_table.name == name for each in table.foreign_key_constraints)
