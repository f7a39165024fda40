"""Who operates: what each role may do, and the browsers in which somebody has signed in."""

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from onboarding import db, sealing
from onboarding.access import Actor
from onboarding.errors import NoRole, RoleNeeded, SignInNeeded
from onboarding.ids import new_id
from onboarding.masking import Personal
from onboarding.models import Operator, OperatorSession
from onboarding.sealing import Keyring
from onboarding.setting_values import ROLES

# A working day; then the identity provider is asked again, and with it the role.
SESSION_LASTS: Final = timedelta(hours=12)
LINK_LASTS: Final = timedelta(hours=12)
# Nobody says when somebody leaves: an address is good for so long after the sign-in that gave it.
ADDRESS_LASTS: Final = timedelta(days=30)
# Who the printed link stands for: nobody's account, so it is for the sandbox only.
DEVELOPMENT: Final = "development"

# See everything, masked · move what is safe to move · decide over others' work, and see what is
# masked · read the trail · change who may do what.
PERMISSIONS: Final = ("look", "act", "decide", "audit", "manage")
MAY: Final[Mapping[str, frozenset[str]]] = {
    "viewer": frozenset({"look"}),
    "auditor": frozenset({"look", "audit"}),
    "operator": frozenset({"look", "act"}),
    "lead": frozenset({"look", "act", "decide", "audit"}),
    "admin": frozenset(PERMISSIONS),
}


@dataclass(frozen=True, slots=True)
class Who:
    """An operator at work: the ID that the trail keeps, a name to show, and the role."""

    id: str
    name: str
    role: str | None
    operator_id: UUID | None = None
    # The browser's; a terminal has none.
    session_id: UUID | None = None

    def may(self, permission: str) -> bool:
        """Whether the role allows it. Whoever has a terminal has the database, and so every role."""
        return self.role is None or permission in MAY[self.role]

    def require(self, permission: str) -> None:
        """Refuse what the role does not allow. Raises RoleNeeded."""
        if not self.may(permission):
            raise RoleNeeded(least_role(permission))

    def because(self, reason: str) -> Actor:
        """The actor of an event that this one fires."""
        return Actor("operator", self.id, reason)


def least_role(permission: str) -> str:
    """The role with the fewest permissions that has this one."""
    return min((r for r in MAY if permission in MAY[r]), key=lambda role: len(MAY[role]))


def role_of(groups: object, roles: str) -> str:
    """The role that somebody's groups give, by what the settings say. Raises NoRole.

    Of several it is the one that may most.
    """
    given = dict(_pair(each) for each in roles.split(",") if each.strip())
    listed = groups if isinstance(groups, list) else [groups]
    theirs = {given[group] for group in listed if isinstance(group, str) and group in given}
    if not theirs:
        raise NoRole
    return max(theirs, key=ROLES.index)


def known(
    session: Session, issuer: str, subject: str, name: str, role: str, email: str | None = None
) -> Operator:
    """The operator of an account, as it is now; made where this is the first sign-in."""
    account = (Operator.issuer == issuer, Operator.subject == subject)
    found = session.scalars(select(Operator).where(*account)).one_or_none()
    if found is None:
        found = Operator(id=new_id(), issuer=issuer, subject=subject)
        session.add(found)
    found.name, found.role = name, role
    found.email, found.email_given_at = email, db.clock(session) if email else None
    session.flush()  # A session refers to it.
    return found


def all_of_them(session: Session) -> Sequence[Operator]:
    """Whoever has signed in, by name."""
    return session.scalars(select(Operator).order_by(Operator.name, Operator.id)).all()


def address(session: Session, operator_id: UUID | None) -> Personal | None:
    """Where to write to an operator; None: the latest sign-in gave nothing, or was too long ago."""
    email = session.scalar(
        select(Operator.email).where(
            Operator.id == operator_id,
            Operator.email_given_at > db.in_seconds(-ADDRESS_LASTS.total_seconds()),
        )
    )
    return Personal(email) if email else None


def sign_in(session: Session, operator: Operator) -> str:
    """A new session of this operator; returns the cookie's value, which exists nowhere else."""
    token = secrets.token_urlsafe(32)
    session.add(OperatorSession(id=new_id(), token_hash=_hash(token), operator_id=operator.id))
    return token


def sign_out(session: Session, token: str) -> None:
    """End the session of a cookie."""
    session.execute(delete(OperatorSession).where(OperatorSession.token_hash == _hash(token)))


def forget_over(session: Session, limit: int) -> int:
    """Remove sessions that no cookie opens any more, with what was unmasked in them; returns how many."""
    is_over = OperatorSession.created_at < db.in_seconds(-SESSION_LASTS.total_seconds())
    over = select(OperatorSession.id).where(is_over).limit(limit)
    gone = session.execute(delete(OperatorSession).where(OperatorSession.id.in_(over)))
    return int(gone.rowcount)  # type: ignore[attr-defined]


def who(session: Session, token: str | None) -> Who:
    """The operator behind a cookie. Raises SignInNeeded."""
    found = session.execute(
        select(Operator, OperatorSession.id)
        .join(OperatorSession, OperatorSession.operator_id == Operator.id)
        .where(
            OperatorSession.token_hash == _hash(token or ""),
            OperatorSession.created_at > db.in_seconds(-SESSION_LASTS.total_seconds()),
        )
    ).one_or_none()
    if found is None:
        raise SignInNeeded
    operator, session_id = found
    return Who(f"operator:{operator.id}", operator.name, operator.role, operator.id, session_id)


def link_token(ring: Keyring, role: str, until: datetime) -> str:
    """What the printed link carries: good until then for whoever holds it, and for nothing else."""
    granted = f"{role}.{int(until.timestamp())}"
    return f"{granted}.{_mac(ring, granted)}"


def role_of_link(ring: Keyring, token: str, now: datetime) -> str:
    """The role that a printed link gives. Raises SignInNeeded for one that is over or not ours."""
    granted, _, mac = token.rpartition(".")
    if "\0" in token or not hmac.compare_digest(mac.encode(), _mac(ring, granted).encode()):
        raise SignInNeeded
    role, _, until = granted.partition(".")
    if now.timestamp() > int(until):
        raise SignInNeeded
    return role


def _pair(text: str) -> tuple[str, str]:
    group, _, role = text.strip().rpartition("=")
    return group, role


def _mac(ring: Keyring, granted: str) -> str:
    return sealing.derive(ring, "console-link", granted).hex()


def _hash(token: str) -> bytes:
    """A token holds 256 random bits, so a plain hash is enough (OWASP ASVS 5.0, 6.5.2)."""
    return hashlib.sha256(token.encode()).digest()
