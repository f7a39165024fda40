"""Holds rows of onboardings until a transaction ends: one round trip for the rows, their locks and the clock."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, event, select
from sqlalchemy.orm import Session

from onboarding import db, driver, outbox, rows, sqlite_driver
from onboarding.errors import NotFound
from onboarding.models import Onboarding
from onboarding.outbox import Claim
from onboarding.outbox_statements import FINISH_MANY

# SQLite's only writer holds all rows.
_LOCK: Final = select(*Onboarding.__table__.c, db.now()).where(Onboarding.id == bindparam("wanted"))
# A key is not changed: who writes a row about it meanwhile, as a letter that is out, need not wait.
_SEEN: Final = f"{', '.join(rows.columns(Onboarding))}, statement_timestamp()"
_THOSE: Final = "FROM onboardings WHERE id = ANY(%(ids)s::uuid[]) ORDER BY id FOR NO KEY UPDATE"
_LOCK_ONE: Final = f"SELECT {_SEEN} FROM onboardings WHERE id = %(id)s FOR NO KEY UPDATE"  # noqa: S608
_LOCK_MANY: Final = f"SELECT {_SEEN} {_THOSE}"
_FINISH_AND_LOCK: Final = f"""
    WITH finished AS ({FINISH_MANY})
    SELECT {_SEEN}, (SELECT count(*) FROM finished) {_THOSE}
"""  # noqa: S608 - names of columns, from the models


def lock(session: Session, onboarding_id: UUID) -> tuple[Onboarding, datetime]:
    """An onboarding's row and what time it was; none is asked for where this transaction has them.

    Raises NotFound.
    """
    held: dict[UUID, tuple[Onboarding, datetime]] = session.info.setdefault("held", {})
    if onboarding_id not in held:
        lock_all(session, [onboarding_id])
    if onboarding_id not in held:
        raise NotFound
    return held[onboarding_id]


def lock_all(session: Session, ids: Collection[UUID]) -> None:
    """The same of several, in one order; those that are not there are left out."""
    # What was changed on an object would be lost where its row is read again.
    session.flush()
    if _is_sqlite(session):
        execute = sqlite_driver.within(session)
        for each in ids:
            _hold(session, execute(_LOCK, {"wanted": each}))
    elif len(ids) == 1:
        # One is asked for by its ID: see `recording_statements.moving_one`.
        _hold(session, driver.within(session, _LOCK_ONE, {"id": next(iter(ids))}))
    else:
        _hold(session, driver.within(session, _LOCK_MANY, {"ids": driver.array(ids)}))


def finish_and_lock(session: Session, claims: Sequence[Claim]) -> None:
    """Strike off these promises, which the transaction keeps, and lock their onboardings. Raises LeaseLost."""
    ids = {claim.onboarding_id for claim in claims if claim.onboarding_id}
    if not ids or _is_sqlite(session):
        outbox.finish(session, *claims)
        if ids:
            lock_all(session, ids)
        return
    values = {
        "ids": driver.array(ids),
        "turns": driver.array(claim.id for claim in claims),
        "attempts": driver.array(claim.attempt for claim in claims),
    }
    found = driver.within(session, _FINISH_AND_LOCK, values)
    outbox.finished_all(claims, found[0][-1] if found else 0)
    _hold(session, [row[:-1] for row in found])


def _hold(session: Session, locked: driver.Rows) -> None:
    held = session.info.setdefault("held", {})
    for *values, now in locked:
        onboarding = rows.shown(session, Onboarding, values)
        held[onboarding.id] = onboarding, now


@event.listens_for(Session, "after_soft_rollback")
def _let_go(session: Session, _: object) -> None:
    """Whoever goes back to a savepoint holds no longer what was locked since."""
    session.info.pop("held", None)


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"
