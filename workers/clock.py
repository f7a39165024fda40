"""What time does: reminders, lapses, expiries. The whole schedule is the chart's `NEXT_MOVE`.

Any number of these may run: each deadline is looked at again under the onboarding's lock, so two
sweeps that see it fire it once. The database's clock decides.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from onboarding import (
    addresses,
    announced,
    crash_points,
    db,
    deadlines,
    event_log,
    expiring,
    fences,
    lifecycle,
    logs,
    outages,
    outbox,
    renewing_keys,
    replacing,
    retention,
    retiring_keys,
    running,
    uses,
    watching,
)
from onboarding.access import CLOCK
from onboarding.chart import NEXT_MOVE
from onboarding.db import reading, transaction
from onboarding.models import Onboarding
from onboarding.retention import Sweep
from onboarding.sealing import KeyringWrong, read_keyring
from onboarding.settings import settings

log = logs.get(__name__)

_SEAL: Final = ("seal",)
_DUE: Final = (
    select(Onboarding.id)
    # A state that only another version knows is that one's to wake.
    .where(Onboarding.wakes_at <= db.now(), Onboarding.state.in_(NEXT_MOVE))
    .order_by(Onboarding.wakes_at)
)
# What is done to one onboarding; whether it was.
_Verb = Callable[[Session, UUID], bool]
# What was found the last time and not done, as it was tried.
_left: Final = defaultdict[_Verb, dict[UUID, None]](dict)


class Swept(NamedTuple):
    """What came of one sweep: how many it did, and whether there may be more of them at once."""

    done: int
    more: bool


def sweep(limit: int = 100) -> Swept:
    """Do what has come due, at most `limit` onboardings."""
    return _each(_wake, _due, limit)


def forfeit(limit: int = 100) -> Swept:
    """Destroy secrets that were sealed in another history of this database."""
    return _each(fences.forfeit, fences.fenced, limit)


def end_secrets(limit: int = 100) -> Swept:
    """Write down which client secrets have ended: replaced and past their days, or never saved."""
    return _each(replacing.settle, replacing.due, limit)


def expire_secrets(limit: int = 100) -> Swept:
    """Tell owners that a secret will be too old, and end those that are; where no age is set, none is."""
    days = settings().secret_max_age_days
    if moved := _follow_the_age(days, limit):
        return Swept(moved, more=moved == limit)
    return _each(expiring.settle, expiring.due, limit) if days else Swept(0, more=False)


def leap() -> Swept:
    """In another history of this database: let the log of events go on behind the one before."""
    with reading() as session:
        if not event_log.is_elsewhere(session):
            return Swept(0, more=False)
    with transaction() as session:
        event_log.leap(session)
    return Swept(1, more=False)


def promise_slices(limit: int = 20) -> Swept:
    """Have the next slices carried out of those runs that are under way."""
    with reading() as session:
        if not running.any_due(session):
            return Swept(0, more=False)
    with transaction() as session:
        promised = running.promise_slices(session, limit)
    return Swept(promised, promised == limit)


def clean(limit: int = 1000, sweeps: Sequence[Sweep] = retention.SWEEPS) -> Swept:
    """Remove what was kept for as long as `retention` says: a part of each table, in a transaction of its own."""
    gone = [_forget(sweep, limit) for sweep in sweeps]
    return Swept(sum(gone), limit in gone)


def add_hashes(limit: int = 1000) -> Swept:
    """After an upgrade: have the onboardings of before found by their e-mail address."""
    with reading() as session:
        if not addresses.any_without_hash(session):
            return Swept(0, more=False)
    with transaction() as session:
        added = addresses.add_hashes(session, limit)
    return Swept(added, added == limit)


def ask_about_silence(limit: int = 100) -> Swept:
    """Write to those whose new credentials nothing has called with for so many days; to each once.

    Who gets tokens elsewhere calls unseen.
    """
    days = 0 if settings().tells_another else settings().silence_days
    with reading() as session:
        if not days or not uses.any_silent(session, days):
            return Swept(0, more=False)
    with transaction() as session:
        asked = uses.ask_about_silence(session, days, limit)
    return Swept(asked, asked == limit)


def tell_operators(limit: int = 20) -> Swept:
    """Count the views of which operators want to be told, and promise the letters.

    They are counted between two transactions: on SQLite one that writes holds up every other.
    """
    with reading() as session:
        if not watching.any_due(session):
            return Swept(0, more=False)
    with transaction() as session:
        taken = watching.take(session, limit)
    with reading() as session:
        counted = watching.count(session, taken)
    with transaction() as session:
        promised = watching.promise_letters(session, counted)
    return Swept(promised, len(taken) == limit)


def turn_seal_keys() -> Swept:
    """Destroy seal keys that nothing needs, and make the next pair where the newest is too old.

    A folder that takes no change, or that is gone, holds up nothing else.
    """
    chosen = settings()
    if not chosen.seal_key_days:
        return Swept(0, more=False)
    try:
        return Swept(_turn(chosen.keys_dir, chosen.seal_key_days), more=False)
    except (OSError, KeyringWrong) as error:
        log.warning("seal_keys_left", error=type(error).__name__, advice=renewing_keys.ADVICE)
        return Swept(0, more=False)


def reseal_tokens(limit: int = 1000) -> Swept:
    """Have the tokens by which clients are managed elsewhere need no seal key but the newest."""
    try:
        ring = read_keyring(settings().keys_dir)
    except (OSError, KeyringWrong) as error:
        log.warning("seal_keys_left", error=type(error).__name__, advice=renewing_keys.ADVICE)
        return Swept(0, more=False)
    with reading() as session:
        if not announced.any_to_reseal(session, ring):
            return Swept(0, more=False)
    with transaction() as session:
        moved = announced.reseal(session, ring, limit)
    return Swept(moved, moved == limit)


def _forget(sweep: Sweep, limit: int) -> int:
    with transaction() as session:
        return sweep(session, limit)


def _turn(folder: Path, days: int) -> int:
    """How many pairs were destroyed and made; most looks find none, and take no lock."""
    ring = read_keyring(folder)
    with reading() as session:
        is_due = renewing_keys.is_due(session, ring, days)
        any_over = any(key.may_go for key in retiring_keys.held(session, ring, _SEAL))
    gone, made = [], None
    if any_over:
        with transaction() as session:
            gone = retiring_keys.end(session, ring, _SEAL, CLOCK.id)
    for key in gone:
        log.info("seal_key_destroyed", key=key.key_id)
    if is_due:
        with transaction() as session:
            made = renewing_keys.renew(session, folder, days)
    if made:
        log.info("seal_key_made", key=made)
    return len(gone) + bool(made)


def _follow_the_age(days: int, limit: int) -> int:
    """Secrets in use have an end where an age is set, and else none; how many were changed."""
    with reading() as session:
        if not (expiring.any_without(session) if days else expiring.any_limited(session)):
            return 0
    with transaction() as session:
        return expiring.give(session, days, limit) if days else expiring.take_back(session, limit)


def _due(session: Session, limit: int) -> Sequence[UUID]:
    return session.scalars(_DUE.limit(limit)).all()


def _each(verb: _Verb, find: Callable[[Session, int], Sequence[UUID]], limit: int) -> Swept:
    """Sweeps at once find the same ones and share them, so what was found says if there may be more.

    What was not done the last time comes behind the others, or enough of it would be all that is found.
    """
    before = tuple(_left[verb])
    with reading() as session:
        found = find(session, limit + len(before))
    behind = _left[verb] = dict.fromkeys(filter(set(found).__contains__, before))
    chosen = [*(each for each in found if each not in behind), *behind][:limit]
    done = 0
    for onboarding_id in chosen:
        # The last of all until it is done, also where the sweep ends with it: else every sweep would.
        behind.pop(onboarding_id, None)
        behind[onboarding_id] = None
        if _attempt(verb, onboarding_id):
            del behind[onboarding_id]
            done += 1
    return Swept(done, bool(done) and len(chosen) == limit)


def _attempt(verb: _Verb, onboarding_id: UUID) -> bool:
    """One onboarding in a transaction of its own: what is wrong with it holds up nobody else.

    Nor does one that somebody holds, another sweep or an operator's psql.
    """
    try:
        with transaction() as session:
            return _is_free(session, onboarding_id) and verb(session, onboarding_id)
    except Exception as error:
        # Where the database is away or takes nothing, the next sweep will do.
        if outages.outage(error):
            raise
        log.warning("deadline_failed", onboarding=str(onboarding_id), exc_info=True)
        return False


def _is_free(session: Session, onboarding_id: UUID) -> bool:
    """Take the row's lock without waiting for it."""
    free = select(Onboarding.id).where(Onboarding.id == onboarding_id)
    return session.scalar(free.with_for_update(skip_locked=True)) is not None


def _wake(session: Session, onboarding_id: UUID) -> bool:
    """Fire what has come due, or remind. False: somebody else was faster."""
    onboarding = lifecycle.lock(session, onboarding_id)
    crash_points.reach("clock.locked")
    now = db.clock(session)
    if onboarding.wakes_at is None or onboarding.wakes_at > now:
        return False
    event, ends_at = NEXT_MOVE[onboarding.state].then, deadlines.ends_at(onboarding)
    if event and ends_at and now >= ends_at:
        lifecycle.fire(session, onboarding_id, event, CLOCK)
    else:
        _remind(session, onboarding, now)
    return True


def _is_heard(onboarding: Onboarding) -> bool:
    """Whether there is an address to write to: the contact's, or a named developer's."""
    return bool(onboarding.contact_email or onboarding.handover_id)


def _remind(session: Session, onboarding: Onboarding, now: datetime) -> None:
    """Send the reminder whose time has come, and none of those that nobody was awake for."""
    number = sum(instant <= now for instant in deadlines.reminders_at(onboarding))
    if number > onboarding.reminders and _is_heard(onboarding):
        outbox.promise(
            session,
            "send_email",
            {"notice": "reminder", "number": number},
            onboarding_id=onboarding.id,
            sequence=onboarding.sequence,
        )
    deadlines.reminded(onboarding, number)
