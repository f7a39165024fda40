"""Who is behind an onboarding: masked, but for what somebody who may has said why they must see.

At the console one value is shown to one browser for five minutes of the database's clock. At a
terminal, which has no session, it is shown once.
"""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, insert, select
from sqlalchemy.orm import Session

from onboarding import audit, db, links, masking
from onboarding.audit import Attempt
from onboarding.errors import Invalid
from onboarding.models import MASKED, Onboarding, Unmasking
from onboarding.operators import Who
from onboarding.sealing import Keyring

LASTS: Final = timedelta(minutes=5)
PERMISSION: Final = "decide"
# As the trail names them: somebody wanted to see a value, and wants to see it no longer.
ACTION: Final = "unmask"
END: Final = "mask"

_EMAILS: Final = ("contact_email", "developer_email")


@dataclass(frozen=True, slots=True)
class Person:
    """Who is behind it, in full or as it may stand on a screen; empty: not known."""

    contact_email: str
    connection_name: str
    seller_id: str
    shop_name: str
    # As it was answered, on the ways that ask for it: who asks for credentials only, and the address
    # of whoever develops a seller's own software.
    organisation: str
    developer_email: str

    def masked(self, but: Collection[str] = ()) -> "Person":
        """Enough to recognise somebody; these fields in full."""
        whole = asdict(self)
        hidden = {name: masking.text(value) for name, value in whole.items()}
        emails = {name: masking.email(whole[name]) for name in _EMAILS}
        clear = {name: value for name, value in whole.items() if name in but}
        return Person(**hidden | emails | clear)


def person(session: Session, onboarding: Onboarding) -> Person:
    """Who is behind it, in full: for whoever masks it."""
    link, answered = links.live_link(session, onboarding.id), onboarding.answers
    return Person(
        onboarding.contact_email or "",
        onboarding.connection_name or "",
        link.seller_id if link else "",
        link.shop_name if link else "",
        answered.get("organisation", ""),
        answered.get("developer_email", ""),
    )


def said(session: Session, ring: Keyring, who: Who, at: UUID, field: str, reason: str) -> None:
    """Write down that somebody sees one value, and why; never the value. Raises Invalid."""
    if field not in MASKED:
        raise Invalid({"field": f"One of {', '.join(MASKED)}."})
    audit.append(session, ring, _attempt(who, ACTION, at, field, reason))


def show(session: Session, ring: Keyring, who: Who, at: UUID, field: str, reason: str) -> None:
    """Show one value to this browser for a while. Raises RoleNeeded, Invalid."""
    who.require(PERMISSION)
    said(session, ring, who, at, field, reason)
    # Also what is over, of anybody: nobody reads it any more.
    session.execute(delete(Unmasking).where(Unmasking.until <= db.now()))
    session.execute(delete(Unmasking).where(*_theirs(who, at, field)))
    until = db.in_seconds(LASTS.total_seconds())
    session.execute(insert(Unmasking).values(**_key(who, at, field), until=until))


def end(session: Session, ring: Keyring, who: Who, at: UUID, field: str) -> None:
    """Mask it again before its time. Writes nothing where it is masked already."""
    shown_now = (*_theirs(who, at, field), Unmasking.until > db.now())
    gone = session.execute(delete(Unmasking).where(*shown_now))
    if gone.rowcount:  # type: ignore[attr-defined]
        audit.append(session, ring, _attempt(who, END, at, field, ""))


def shown(session: Session, who: Who, at: UUID) -> Mapping[str, datetime]:
    """What this browser sees in full of an onboarding now, and until when."""
    if not who.may(PERMISSION):
        return {}
    rows = session.execute(
        select(Unmasking.field, Unmasking.until).where(
            Unmasking.session_id == who.session_id,
            Unmasking.onboarding_id == at,
            Unmasking.until > db.now(),
        )
    )
    return {row.field: row.until for row in rows}


def _attempt(who: Who, action: str, at: UUID, field: str, reason: str) -> Attempt:
    return Attempt(who.id, who.role, action, reason, onboarding_id=at, details={"field": field})


def _key(who: Who, at: UUID, field: str) -> dict[str, Any]:
    return {"session_id": who.session_id, "onboarding_id": at, "field": field}


def _theirs(who: Who, at: UUID, field: str) -> list[ColumnElement[bool]]:
    return [getattr(Unmasking, name) == value for name, value in _key(who, at, field).items()]
