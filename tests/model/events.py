"""One event in the model. What it leads to, promises and ends is read from the product's own tables."""

from collections.abc import Callable
from functools import cache
from typing import Final

from onboarding import deciding
from onboarding.chart import MAY_FIRE, NOTICES, ON_ENTRY, REVOKES, Facts
from onboarding.consequences import CONSEQUENCES
from onboarding.errors import EventNotAllowed
from tests.model.world import Database, Message, Moved, Scope

SELLERS: Final = frozenset(event for event, who in MAY_FIRE.items() if "seller" in who)

Choice = tuple[str | None, str | None]


@cache
def target(
    state: str, type_: str | None, mode: str | None, event: str, *, verified: bool
) -> str | None:
    """Where the chart leads; None: it refuses."""
    try:
        return deciding.decide(Facts(state, type_, mode, verified), event)
    except EventNotAllowed:
        return None


@cache
def allowed(
    state: str, type_: str | None, mode: str | None, kind: str, *, verified: bool
) -> tuple[str, ...]:
    """What this kind of actor may fire now."""
    return deciding.allowed(Facts(state, type_, mode, verified), kind)


def may(db: Database, kind: str) -> tuple[str, ...]:
    return allowed(db.state, db.type, db.mode, kind, verified=db.verified)


def fire(
    db: Database,
    scope: Scope,
    event: str,
    *,
    expected: int | None = None,
    choice: Choice | None = None,
) -> Database | None:
    """As `lifecycle.fire`: the next database, or None where it refuses."""
    if expected is not None and expected != db.sequence:
        return None
    type_, mode = choice or (db.type, db.mode)
    to = target(db.state, type_, mode, event, verified=db.verified)
    if to is None:
        return None
    return move(db, scope, event, db.state, to, choice)


def move(
    db: Database, scope: Scope, event: str, source: str, to: str, choice: Choice | None
) -> Database:
    """Write what an event that was let through leaves behind."""
    had = db.client
    type_, mode = (None, None) if event == "start_over" else choice or (db.type, db.mode)
    db = db._replace(
        state=to,
        sequence=db.sequence + 1,
        type=type_,
        mode=mode,
        history=(*db.history, Moved(event, source, to)),
    )
    for consequence in CONSEQUENCES.get(event, ()):
        db = _CONSEQUENCES[consequence.__name__](db)
    for task in ON_ENTRY.get(to, ()):
        db = promise(db, scope, task)
    notice = NOTICES.get((event, to))
    if notice in scope.notices:
        db = promise(db, scope, "send_email", str(notice))
    if event in REVOKES and had:
        db = promise(db, scope, "revoke_client")
    return db


def promise(
    db: Database, scope: Scope, task: str, about: str = "", *, by_event: bool = True
) -> Database:
    number = db.promised + 1
    message = Message(number, task, db.sequence if by_event else 0, about, scope.attempts)
    return db._replace(promised=number, messages=(*db.messages, message))


def put(db: Database, message: Message) -> Database:
    """This message in place of what it was."""
    changed = tuple(message if m.id == message.id else m for m in db.messages)
    return db._replace(messages=changed)


def drop(db: Database, number: int) -> Database:
    return db._replace(messages=tuple(m for m in db.messages if m.id != number))


def _destroy_sealed(db: Database) -> Database:
    return db._replace(versions=tuple(v._replace(sealed=False) for v in db.versions if not v.ended))


def _end_secret(db: Database) -> Database:
    """One that is still sealed is kept: it could be shown."""
    return db._replace(versions=tuple(v._replace(ended=True) for v in db.versions if v.sealed))


def _revoke_client(db: Database) -> Database:
    return db._replace(client=0, latest=0)


def _end_link(db: Database) -> Database:
    return db._replace(link="none")


# What each consequence in the product's table does to the model. A new one fails here by its name.
_CONSEQUENCES: Final[dict[str, Callable[[Database], Database]]] = {
    "_destroy_sealed": _destroy_sealed,
    "end": _end_secret,
    "_revoke_client": _revoke_client,
    "_end_link": _end_link,
    # Nobody hands anything over here: tests/threats/test_handover does.
    "_end_handover": lambda db: db,
}
