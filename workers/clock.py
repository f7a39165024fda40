"""What time does: reminders, lapses, expiries. The whole schedule is the chart's `NEXT_MOVE`.

Any number of these may run: each deadline is looked at again under the onboarding's lock, so two
sweeps that see it fire it once. The database's clock decides.
"""

from uuid import UUID

from sqlalchemy import select

from onboarding import db, lifecycle, logs, outbox
from onboarding.access import CLOCK
from onboarding.chart import NEXT_MOVE
from onboarding.db import reading, transaction
from onboarding.errors import Refusal
from onboarding.models import Onboarding

log = logs.get(__name__)


def sweep(limit: int = 100) -> int:
    """Do what has come due, at most `limit` onboardings; returns how many."""
    with reading() as session:
        due = session.scalars(
            select(Onboarding.id)
            .where(Onboarding.wakes_at <= db.now())
            .order_by(Onboarding.wakes_at)
            .limit(limit)
        ).all()
    return sum(_wake(onboarding_id) for onboarding_id in due)


def _wake(onboarding_id: UUID) -> bool:
    """One onboarding in a transaction of its own: what is wrong with it holds up nobody else."""
    try:
        with transaction() as session:
            onboarding = lifecycle.lock(session, onboarding_id)
            now = db.clock(session)
            if onboarding.wakes_at is None or onboarding.wakes_at > now:
                return False
            move = NEXT_MOVE[onboarding.state]
            if move.then and move.then_after and now >= onboarding.entered_at + move.then_after:
                lifecycle.fire(session, onboarding_id, move.then, CLOCK)
                return True
            onboarding.reminders += 1
            onboarding.wakes_at = lifecycle.wakes_at(
                onboarding.state, onboarding.entered_at, onboarding.reminders
            )
            about = {"notice": "reminder", "number": onboarding.reminders}
            outbox.promise(
                session,
                "send_email",
                about,
                onboarding_id=onboarding_id,
                sequence=onboarding.sequence,
            )
        return True
    except Refusal as error:
        log.warning("deadline_refused", onboarding=str(onboarding_id), why=str(error))
        return False
