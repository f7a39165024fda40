"""What an onboarding waits for: what is due now, from whom, until when, and what else could be done.

Read from the row alone: the state says how far it is on its path, and `NEXT_MOVE` for how long that is
fine. Codes are events of the chart, and `verified` for a proof of who is asking.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import and_, bindparam, func, select
from sqlalchemy.orm import Session

from onboarding import conditions, db, deadlines, deciding, developers
from onboarding.chart import MAY_FIRE, NEXT_MOVE
from onboarding.drawing import arrows
from onboarding.errors import NotFound
from onboarding.looks import Look
from onboarding.models import Message, Onboarding, Transition
from onboarding.words import N_


@dataclass(frozen=True, slots=True)
class Due:
    """One thing that has to happen. What comes later has neither a beginning nor an end yet."""

    code: str
    waiting_on: str
    since: datetime | None = None
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Alternative:
    """An event that leads elsewhere: where to, and who may fire it."""

    event: str
    leads_to: tuple[str, ...]
    who: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Requirements:
    """What is due, as a payment provider would put it.

    `currently_due` waits for somebody outside, `pending_verification` for this program; `past_due` are
    those of either that are late. `eventually_due` follows, in order. `deadline` is when time ends the
    state, `blocked_reason` the code of what stands in the way.
    """

    currently_due: tuple[Due, ...] = ()
    past_due: tuple[Due, ...] = ()
    eventually_due: tuple[Due, ...] = ()
    pending_verification: tuple[Due, ...] = ()
    deadline: datetime | None = None
    blocked_reason: str | None = None
    alternatives: tuple[Alternative, ...] = ()


# What each open state waits for.
WAITS_FOR: Final[Mapping[str, str]] = {
    "started": "choose_type",
    "checking_aggregator": "approve_aggregator",
    "awaiting_aggregator": "approve_aggregator",
    "type_chosen": "issue_id",
    "issuing_secret": "secret_generated",
    "secret_ready": "reveal_secret",
    "secret_lapsed": "reissue_secret",
    "secret_revealed": "acknowledge_secret",
    "awaiting_seller": "link_seller",
    "seller_linked": "confirm",
    "verifying": "verification_passed",
}
# What each code asks of somebody, for people.
TEXTS: Final[Mapping[str, str]] = {
    **conditions.TEXTS,
    "reissue_secret": N_("New client secret asked for"),
}
_VERIFIED: Final = "verified"
# Whose turn it is at each code, by the first state that waits for it.
_WHOM: Final[Mapping[str, str]] = {
    code: NEXT_MOVE[state].whom for state, code in reversed([*WAITS_FOR.items()])
} | {_VERIFIED: NEXT_MOVE["type_chosen"].whom}


# Of onboardings: what is asked of the database to say what is due, and more may be asked with it.
ASKED: Final = (
    select(
        Onboarding.id.label("onboarding_id"),
        db.now().label("now"),
        # How a message has failed for good; and what the step to where it stands gave as its cause.
        select(func.min(Message.cause))
        .where(Message.onboarding_id == Onboarding.id, Message.failed_at.is_not(None))
        .scalar_subquery()
        .label("failed"),
        Transition.details,
    )
    .select_from(Onboarding)
    .join(
        Transition,
        and_(Transition.onboarding_id == Onboarding.id, Transition.sequence == Onboarding.sequence),
    )
)
ONE: Final = Onboarding.id == bindparam("id")
SEVERAL: Final = Onboarding.id.in_(bindparam("ids", expanding=True))
_ONE: Final = Look(ASKED.where(ONE))
_SEVERAL: Final = ASKED.where(SEVERAL)


def of(session: Session, onboarding: Onboarding) -> Requirements:
    """What one onboarding waits for. Raises NotFound for one that is archived meanwhile."""
    row = _ONE.one(session, id=onboarding.id)
    if row is None:
        raise NotFound
    return answered(onboarding, row)


def of_many(session: Session, onboardings: Sequence[Onboarding]) -> dict[UUID, Requirements]:
    """The same of many, in one statement."""
    by_id = {each.id: each for each in onboardings}
    rows = session.execute(_SEVERAL, {"ids": [*by_id]})
    return {row.onboarding_id: answered(by_id[row.onboarding_id], row) for row in rows}


def answered(onboarding: Onboarding, row: Any) -> Requirements:
    """What is due, as it follows from a row of ASKED."""
    return what_is_due(onboarding, row.now, row.failed or row.details.get("cause"))


def what_is_due(
    onboarding: Onboarding, now: datetime, blocked_reason: str | None = None
) -> Requirements:
    """From the row alone. An end asks for nothing, and a state that we do not know neither."""
    move = NEXT_MOVE.get(onboarding.state)
    if move is None:
        return Requirements()
    code = _first(onboarding)
    whom = developers.whose_move(onboarding, move.whom)
    due = Due(code, whom, onboarding.entered_at, onboarding.entered_at + move.overdue_after)
    ours = move.whom == "platform"
    return Requirements(
        currently_due=() if ours else (due,),
        past_due=(due,) if due.due_at and now > due.due_at else (),
        eventually_due=tuple(
            Due(each, _whom(onboarding, each)) for each in _rest(onboarding, code)
        ),
        pending_verification=(due,) if ours else (),
        deadline=deadlines.ends_at(onboarding),
        blocked_reason=blocked_reason,
        alternatives=tuple(_alternatives(onboarding, WAITS_FOR[onboarding.state])),
    )


def _first(onboarding: Onboarding) -> str:
    """What is due now: a client ID is issued only to somebody who has proved who they are."""
    code = WAITS_FOR[onboarding.state]
    if code == "issue_id" and onboarding.contact_verified_at is None:
        return _VERIFIED
    return code


def _whom(onboarding: Onboarding, code: str) -> str:
    """Who will have to do it: a named developer receives the secret, and says so."""
    named = onboarding.handover_id is not None and "developer" in MAY_FIRE.get(code, ())
    return "developer" if named else _WHOM[code]


def _rest(onboarding: Onboarding, code: str) -> list[str]:
    """What follows on its path; a proof that was given is not asked for again."""
    if code == "reissue_secret":
        return _after(onboarding, "issue_id")
    return _after(onboarding, code)


def _after(onboarding: Onboarding, code: str) -> list[str]:
    path = list(conditions.path(onboarding))
    rest = path[path.index(code) + 1 :]
    return [each for each in rest if each != _VERIFIED or onboarding.contact_verified_at is None]


def _alternatives(onboarding: Onboarding, expected: str) -> list[Alternative]:
    """Whatever else the chart allows, whoever may; what time does by itself is a deadline."""
    events = deciding.allowed(deciding.facts_of(onboarding))
    return [
        Alternative(event, _targets(onboarding.state, event), tuple(sorted(MAY_FIRE[event])))
        for event in events
        if event != expected and MAY_FIRE[event] - {"platform", "clock"}
    ]


@cache
def _targets(state: str, event: str) -> tuple[str, ...]:
    """Where it may lead: a choice leads to several places."""
    return tuple(dict.fromkeys(a.target for a in arrows() if (a.source, a.event) == (state, event)))
