"""Who looks after an onboarding, what was noted about it, what is tried again, and how long it may take."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from onboarding import deadlines, redelivery
from onboarding.actions import letters
from onboarding.actions.rules import Action, Option, Order, Told
from onboarding.chart import EXTRA_DAYS_AT_MOST, ON_ENTRY
from onboarding.ids import new_id
from onboarding.models import Assignment, Note, Operator
from onboarding.operators import MAY
from onboarding.standing import Standing
from onboarding.words import N_

_DAYS: Final = ("7", "14", "30")


def actions() -> dict[str, Action]:
    """`retry`, `extend`, `take_on`, `assign`, `let_go` and `note`."""
    return {
        "retry": Action("retry", "act", _nothing_failed, _retry, letter=_follows),
        "extend": Action("extend", "act", _why_not_longer, _extend, _lengths),
        "take_on": Action("take_on", "act", _is_mine, _take_on),
        "assign": Action("assign", "act", _is_theirs, _assign, _colleagues),
        "let_go": Action("let_go", "act", _is_nobodys, _let_go),
        "note": Action("note", "act", lambda _standing, _order: None, _note),
    }


def give(session: Session, onboarding_id: UUID, operator_id: UUID | None) -> None:
    """It is theirs from now on, or nobody's."""
    session.execute(delete(Assignment).where(Assignment.onboarding_id == onboarding_id))
    if operator_id:
        values = {"onboarding_id": onboarding_id, "operator_id": operator_id}
        session.execute(insert(Assignment).values(**values))


def _nothing_failed(standing: Standing, order: Order) -> str | None:
    return None if standing.failed else N_("Nothing has failed for good")


def _follows(standing: Standing) -> str | None:
    """The letter that failed for good, which trying again sends; else the one that comes of the task."""
    unsent = [message for message in standing.failed if message.task == "send_email"]
    if unsent:
        return str(unsent[0].about["notice"])
    onboarding = standing.onboarding
    awaited = {m.task for m in standing.failed} & {*ON_ENTRY.get(onboarding.state, ())}
    return letters.of_work(onboarding.state) if awaited and onboarding.contact_email else None


def _retry(session: Session, standing: Standing, order: Order) -> Told:
    failed = standing.failed
    # Before they are retried: then they have no cause any more.
    told = {"tasks": sorted(f"{m.task}: {m.cause}" for m in failed)}
    for message in failed:
        redelivery.retry(session, message.id)
    return told


def _lengths(session: Session) -> Sequence[Option]:
    return [Option(days) for days in _DAYS]


def _why_not_longer(standing: Standing, order: Order) -> str | None:
    onboarding = standing.onboarding
    if onboarding.state not in deadlines.EXTENDABLE:
        return N_("Time does not end this")
    if onboarding.extra_days + int(order.choice or _DAYS[0]) > EXTRA_DAYS_AT_MOST:
        return N_("It has been given as much time as may be")
    return None


def _extend(session: Session, standing: Standing, order: Order) -> Told:
    deadlines.extend(standing.onboarding, int(order.choice), standing.now)
    ends_at = deadlines.ends_at(standing.onboarding)
    return {"days": int(order.choice), "until": ends_at.isoformat() if ends_at else None}


def _is_mine(standing: Standing, order: Order) -> str | None:
    if order.who.operator_id is None:
        return N_("Sign in to the console to take it on")
    return N_("It is yours already") if standing.owner == order.who.operator_id else None


def _take_on(session: Session, standing: Standing, order: Order) -> Told:
    assert order.who.operator_id is not None
    return _hand_to(session, standing, order.who.operator_id)


def _colleagues(session: Session) -> Sequence[Option]:
    """Everybody who could do something about it."""
    able = sorted(role for role in MAY if "act" in MAY[role])
    rows = session.execute(
        select(Operator.id, Operator.name).where(Operator.role.in_(able)).order_by(Operator.name)
    )
    return [Option(str(row.id), row.name) for row in rows]


def _is_theirs(standing: Standing, order: Order) -> str | None:
    taken = order.choice and standing.owner == UUID(order.choice)
    return N_("It is theirs already") if taken else None


def _assign(session: Session, standing: Standing, order: Order) -> Told:
    return _hand_to(session, standing, UUID(order.choice)) | {"to": order.choice}


def _hand_to(session: Session, standing: Standing, operator_id: UUID) -> Told:
    give(session, standing.onboarding.id, operator_id)
    return {"before": str(standing.owner)} if standing.owner else {}


def _is_nobodys(standing: Standing, order: Order) -> str | None:
    return None if standing.owner else N_("Nobody has taken it on")


def _let_go(session: Session, standing: Standing, order: Order) -> Told:
    give(session, standing.onboarding.id, None)
    return {"before": str(standing.owner)}


def _note(session: Session, standing: Standing, order: Order) -> Told:
    """The reason is what was noted: it says why by itself. The trail has it in one line."""
    noted = {"onboarding_id": standing.onboarding.id, "author": order.who.id}
    session.add(Note(id=new_id(), text=order.lines or order.reason, **noted))
    return {}
