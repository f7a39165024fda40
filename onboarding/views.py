"""Views of onboardings under a name: those that everybody needs, and those that operators have saved.

A view is a filter. Its address holds all of it, so whoever is sent one sees the same onboardings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from onboarding import audit, db, filters, holding, names
from onboarding.audit import Attempt
from onboarding.errors import Invalid, NotFound
from onboarding.filters import YES, Filter
from onboarding.ids import new_id
from onboarding.models import Operator, SavedView
from onboarding.operators import Who
from onboarding.sealing import Keyring
from onboarding.words import N_

QUICK: Final[Mapping[str, Filter]] = {
    "needs-us": Filter(waiting_on="platform"),
    "needs-seller": Filter(waiting_on="seller"),
    "needs-developer": Filter(waiting_on="developer"),
    "needs-aggregator": Filter(waiting_on="aggregator"),
    "late": Filter(overdue=YES),
    "failed": Filter(failing=YES),
    "new-today": Filter(since="1d"),
}
MINE: Final = "mine"
NAME_AT_MOST: Final = 60
DELETE: Final = "view.delete"
# A shared one that was deleted can be brought back for so long; then it is swept.
KEPT_FOR: Final = timedelta(minutes=10)
# Each is counted wherever they are listed.
SAVED_AT_MOST: Final = 12
_NO_NAME: Final = N_("A name of at most 60 characters.")
_NO_ROOM: Final = N_("There are 12 already: delete one first.")


@dataclass(frozen=True, slots=True)
class View:
    """A saved view: whose it is, for whom, and its filter; None: another version's, which we cannot read."""

    id: UUID
    name: str
    owner_id: UUID
    owner: str
    shared: bool
    wanted: Filter | None


def quick(operator_id: UUID | None) -> dict[str, Filter]:
    """Those that everybody needs, by name; with one's own, for who has signed in."""
    own = {MINE: Filter(owner=str(operator_id))} if operator_id else {}
    return {**QUICK, **own}


def saved(session: Session, operator_id: UUID | None = None) -> Sequence[View]:
    """What somebody sees: the shared ones, then their own. Without an operator, everybody's."""
    query = select(SavedView, Operator.name).join(Operator, Operator.id == SavedView.owner_id)
    query = query.where(SavedView.deleted_at.is_(None))
    if operator_id:
        query = query.where(or_(SavedView.shared, SavedView.owner_id == operator_id))
    rows = session.execute(query.order_by(SavedView.shared.desc(), SavedView.name))
    return [
        View(row.id, row.name, row.owner_id, owner, row.shared, _read(row.query))
        for row, owner in rows
    ]


def named(session: Session, name: str) -> Filter:
    """The filter of a view by its name or ID; a shared one goes first. Raises NotFound, Invalid."""
    if name in QUICK:
        return QUICK[name]
    found = [view for view in saved(session) if name in {view.name, str(view.id)}]
    first = [view for view in found if view.shared] or found
    if not first:
        raise NotFound("view")
    if len(first) > 1:
        raise Invalid({"view": "Several operators have one of this name: say its ID."})
    if first[0].wanted is None:
        raise Invalid({"view": "Another version of the program has saved it."})
    return first[0].wanted


def save(session: Session, who: Who, name: str, wanted: Filter, *, shared: bool) -> None:
    """Keep a filter under a name. Raises RoleNeeded, and Invalid for a name that cannot be had."""
    if shared:
        who.require("act")
    kept = " ".join(names.kept(name).split())
    if names.fault(kept, NAME_AT_MOST):
        raise Invalid({"name": _NO_NAME})
    if wanted == Filter():
        raise Invalid({"name": N_("Choose something first: this is the list of all.")})
    if "@" in (wanted.q or ""):
        raise Invalid({"name": N_("An e-mail address is not kept in a view.")})
    holding.one_by_one(session, SavedView.__tablename__)
    if fault := _taken(session, who, kept, shared=shared):
        raise Invalid({"name": fault})
    own = SavedView.owner_id == who.operator_id, SavedView.name == kept
    session.execute(delete(SavedView).where(*own, SavedView.deleted_at.is_not(None)))
    assert who.operator_id is not None
    session.add(
        SavedView(
            id=new_id(),
            owner_id=who.operator_id,
            name=kept,
            query=wanted.query(),
            shared=shared,
        )
    )


def may_remove(who: Who, view: View) -> bool:
    """One's own; those of others take the role that decides over their work."""
    return view.owner_id == who.operator_id or (view.shared and who.may("decide"))


def remove(session: Session, ring: Keyring, who: Who, view_id: UUID) -> bool:
    """Forget a view; whether it was shared: then the trail says who did. Raises NotFound, RoleNeeded."""
    view = next((v for v in saved(session, who.operator_id) if v.id == view_id), None)
    if view is None:
        raise NotFound("view")
    if not may_remove(who, view):
        who.require("decide")
    holding.one_by_one(session, SavedView.__tablename__)
    if not view.shared:
        session.execute(delete(SavedView).where(SavedView.id == view_id))
        return False
    session.get_one(SavedView, view_id).deleted_at = db.clock(session)
    told = {"view": str(view_id), "name": view.name, "owner": str(view.owner_id)}
    audit.append(session, ring, Attempt(who.id, who.role, DELETE, view.name, details=told))
    return True


def forget(session: Session, limit: int) -> int:
    """Remove those that nobody can bring back any more, with who is told of them; returns how many."""
    is_old = SavedView.deleted_at < db.in_seconds(-KEPT_FOR.total_seconds())
    old = select(SavedView.id).where(is_old).limit(limit)
    gone = session.execute(delete(SavedView).where(SavedView.id.in_(old)))
    return int(gone.rowcount)  # type: ignore[attr-defined]


def bring_back(session: Session, view_id: UUID) -> bool:
    """A shared one as it was; False where it is gone for good, or another has its name or place."""
    holding.one_by_one(session, SavedView.__tablename__)
    row = session.get(SavedView, view_id, populate_existing=True)
    if row is None or row.deleted_at is None:
        return False
    others = SavedView.shared & SavedView.deleted_at.is_(None)
    names = session.scalars(select(SavedView.name).where(others)).all()
    if row.name in names or len(names) >= SAVED_AT_MOST:
        return False
    row.deleted_at = None
    return True


def query_of(session: Session, view_id: str) -> str:
    """The filter of a view, as in an address."""
    return session.get_one(SavedView, UUID(view_id)).query


def _taken(session: Session, who: Who, name: str, *, shared: bool) -> str | None:
    own = SavedView.owner_id == who.operator_id
    there = SavedView.deleted_at.is_(None)
    same = select(SavedView.id).where(SavedView.name == name, there)
    if session.scalar(same.where(or_(own, SavedView.shared) if shared else own)):
        return N_("There is one of this name.")
    kind = SavedView.shared if shared else own & ~SavedView.shared
    if (session.scalar(select(func.count()).where(kind, there)) or 0) >= SAVED_AT_MOST:
        return _NO_ROOM
    return None


def _read(query: str) -> Filter | None:
    try:
        return filters.parse(query)
    except Invalid:
        return None
