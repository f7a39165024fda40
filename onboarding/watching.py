"""Operators are told by e-mail when a saved view holds more than so many; each asks for it themselves.

A view is counted once a minute. Whoever was told is told again only after it has held no more than
that in between, and once an hour at most.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from onboarding import audit, db, finding, notices, operators, outbox, views
from onboarding.audit import Attempt
from onboarding.errors import Invalid, NotFound
from onboarding.mail import Letter
from onboarding.models import Operator, SavedView, ViewAlert
from onboarding.operators import Who
from onboarding.outbox import Claim
from onboarding.sealing import Keyring
from onboarding.settings import Settings
from onboarding.views import View
from onboarding.words import N_

ASK: Final = "view.alert"
NO_ADDRESS: Final = N_(
    "Your sign-in gave no e-mail address that is verified, so nothing can be sent to you."
)
_LOOKED_EVERY: Final = 60.0  # seconds
_TOLD_EVERY: Final = timedelta(hours=1)
# More than 9999 is not counted.
_DIGITS: Final = 4


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is told about a view, and above how many."""

    name: str
    above: int


def ask(session: Session, ring: Keyring, who: Who, view_id: UUID, above: str, locale: str) -> None:
    """Have this operator told above so many. Raises NotFound, and Invalid for what cannot be."""
    view = _seen_by(session, who, view_id)
    if not (above.isascii() and above.isdigit() and len(above) <= _DIGITS):
        raise Invalid({"above": N_("A number from 0 to 9999.")})
    if operators.address(session, who.operator_id) is None:
        raise Invalid({"above": NO_ADDRESS})
    asked = _row(session, who, view_id) or ViewAlert(view_id=view_id, operator_id=who.operator_id)
    asked.above, asked.locale, asked.armed = int(above), locale, True
    asked.look_at = db.clock(session)
    session.add(asked)
    _tell_the_trail(session, ring, who, view, int(above))


def stop(session: Session, ring: Keyring, who: Who, view_id: UUID) -> None:
    """Tell this operator no more. Raises NotFound: there is nothing of which they are told."""
    view = _seen_by(session, who, view_id)
    if (asked := _row(session, who, view_id)) is None:
        raise NotFound
    session.execute(
        delete(ViewAlert).where(
            ViewAlert.view_id == view_id, ViewAlert.operator_id == asked.operator_id
        )
    )
    _tell_the_trail(session, ring, who, view, None)


def asked_by(session: Session, who: Who) -> dict[UUID, int]:
    """Above how many this operator is told, by view."""
    mine = ViewAlert.operator_id == who.operator_id
    return {
        row.view_id: row.above
        for row in session.execute(select(ViewAlert.view_id, ViewAlert.above).where(mine))
    }


def asked(session: Session) -> dict[UUID, list[Asked]]:
    """Who is told of what, by view."""
    rows = session.execute(
        select(ViewAlert.view_id, Operator.name, ViewAlert.above)
        .join(Operator, Operator.id == ViewAlert.operator_id)
        .order_by(Operator.name, Operator.id)
    )
    found: dict[UUID, list[Asked]] = {}
    for row in rows:
        found.setdefault(row.view_id, []).append(Asked(row.name, row.above))
    return found


def any_due(session: Session) -> bool:
    """Whether there is a view to be counted."""
    return session.execute(select(ViewAlert.view_id).where(_due()).limit(1)).first() is not None


def take(session: Session, limit: int) -> list[View]:
    """Views to be counted now, each of which nobody else counts for a minute."""
    due = session.scalars(
        select(ViewAlert)
        .where(_due())
        .order_by(ViewAlert.look_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    next_at = db.clock(session) + timedelta(seconds=_LOOKED_EVERY)
    for each in due:
        each.look_at = next_at
    taken = {each.view_id for each in due}
    return [view for view in views.saved(session) if view.id in taken and view.wanted]


def count(session: Session, taken: Sequence[View]) -> dict[UUID, int]:
    """How many each holds; no row is locked meanwhile."""
    wanted = [view.wanted for view in taken if view.wanted]
    return dict(zip([view.id for view in taken], finding.counts(session, wanted), strict=True))


def promise_letters(session: Session, counted: Mapping[UUID, int]) -> int:
    """Have those told who are to be; how many."""
    rows = session.scalars(
        select(ViewAlert)
        .where(ViewAlert.view_id.in_(counted))
        .order_by(ViewAlert.view_id, ViewAlert.operator_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    now = db.clock(session)
    promised = 0
    for each in rows:
        number = counted[each.view_id]
        if number <= each.above:
            each.armed = True
        elif each.armed and (each.told_at is None or now >= each.told_at + _TOLD_EVERY):
            each.armed, each.told_at = False, now
            about = {"view": str(each.view_id), "operator": str(each.operator_id)}
            outbox.promise(session, "tell_operator", about | {"number": number})
            promised += 1
    return promised


def letter(session: Session, claim: Claim, settings: Settings) -> Letter | None:
    """What a message promises; None: it is not wanted any more, or nobody knows where to."""
    view_id, operator_id = UUID(claim.about["view"]), UUID(claim.about["operator"])
    asked_for = session.get(ViewAlert, (view_id, operator_id))
    view = session.get(SavedView, view_id)
    to = operators.address(session, operator_id)
    if asked_for is None or view is None or view.deleted_at or to is None:
        return None
    facts = _facts(view, asked_for, int(claim.about["number"]), settings)
    subject, text, html = notices.render("view_alert", asked_for.locale, facts)
    return Letter(claim.id, None, "view_alert", asked_for.locale, to, subject, text, html)


def _facts(view: SavedView, asked: ViewAlert, number: int, settings: Settings) -> dict[str, Any]:
    listed = f"{settings.base_url}/{asked.locale}/console/onboardings"
    return {
        **notices.about_us(asked.locale, settings),
        # Two characters that no header may have: they begin what is encoded.
        "view": view.name.replace("=?", "= ?"),
        "above": asked.above,
        "number": number,
        "view_url": f"{listed}?{view.query}",
        "reference": "",
        "connection": "",
    }


def _due() -> Any:
    return ViewAlert.look_at <= db.now()


def _seen_by(session: Session, who: Who, view_id: UUID) -> View:
    found = next((v for v in views.saved(session, who.operator_id) if v.id == view_id), None)
    if found is None or who.operator_id is None:
        raise NotFound
    return found


def _row(session: Session, who: Who, view_id: UUID) -> ViewAlert | None:
    mine = ViewAlert.view_id == view_id, ViewAlert.operator_id == who.operator_id
    return session.scalars(select(ViewAlert).where(*mine).with_for_update()).one_or_none()


def _tell_the_trail(
    session: Session, ring: Keyring, who: Who, view: View, above: int | None
) -> None:
    told = {"view": str(view.id), "above": above}
    audit.append(session, ring, Attempt(who.id, who.role, ASK, view.name, details=told))
