"""Seal keys whose time has come, for whoever dies while they turn."""

from collections.abc import Callable

from sqlalchemy import select, update

from onboarding import db, key_files, queries
from onboarding.commands import opening
from onboarding.db import reading, transaction
from onboarding.models import AuditEntry, KeyCheck
from onboarding.settings import Settings
from tests.faults.stage import Stage


def too_old(_: Stage) -> Callable[[], bool]:
    """The pair is too old. Its successor is met by the next start, or noted by the next sweep."""
    met_ago(8)
    before = known_pairs()
    return lambda: any(told_of(f"seal.{each}") == 1 for each in known_pairs() - before)


def over(stage: Stage) -> Callable[[], bool]:
    """A pair that nothing needs; the trail has its end although somebody died before it was noted."""
    folder, old = stage.ring.folder, "2001-01-01"
    assert folder is not None
    key_files.make_pair(folder, old)
    opening.open_keyring(Settings(keys_dir=folder))
    met_ago(2)
    before = told_of(f"seal.{old}")
    return lambda: old not in known_pairs() and told_of(f"seal.{old}") == before + 1


def met_ago(days: int) -> None:
    with transaction() as session:
        session.execute(update(KeyCheck).values(created_at=db.in_seconds(-days * 86400)))


def known_pairs() -> set[str]:
    with reading() as session:
        known = queries.key_checks(session)
        return {name.removeprefix("seal.") for name in known if name.startswith("seal.")}


def told_of(key: str) -> int:
    """How many rows of the trail name it."""
    with reading() as session:
        rows = select(AuditEntry).where(AuditEntry.reason.contains(key))
        return len(session.scalars(rows).all())
