"""What operators do about an endpoint: send again what failed or what was sent in a time, enable it again.

Each is looked at first and takes a reason, as whatever is done to an onboarding. If it is not as it was
when it was looked at, nothing happens.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from onboarding import actions, audit, db, deliveries, previews, webhooks
from onboarding.audit import Attempt
from onboarding.errors import Invalid, NotEligible
from onboarding.models import Delivery, Webhook
from onboarding.operators import Who
from onboarding.previews import Preview
from onboarding.reception import Reception
from onboarding.sealing import Keyring
from onboarding.words import N_

REDELIVER: Final = "webhook.redeliver"
ENABLE: Final = "webhook.enable"
PERMISSION: Final = "act"

_ERRORS: Final = {
    "since": "A day or an instant of UTC, as 2026-11-27 14:30.",
    "until": "A day or an instant of UTC that comes after the beginning.",
}
_CHANGED: Final = N_("It has changed since you looked")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which deliveries: one, or those that were noted down in a time; else all that failed for good."""

    delivery: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def query(self) -> str:
        """The same as in an address."""
        said = {
            "delivery": self.delivery,
            "since": self.since.isoformat() if self.since else "",
            "until": self.until.isoformat() if self.until else "",
        }
        return urlencode({name: value for name, value in said.items() if value})

    def options(self) -> str:
        """The same as a terminal is told."""
        said = {
            "delivery": self.delivery,
            "since": _at_a_terminal(self.since),
            "until": _at_a_terminal(self.until),
        }
        return "".join(f" --{name} {value}" for name, value in said.items() if value)


def read(query: Mapping[str, str]) -> Wanted:
    """Which ones, as an address says. Raises Invalid, and NotFound for an ID that is none."""
    if delivery := query.get("delivery", ""):
        return Wanted(str(webhooks.read_id(delivery, "delivery")))
    said = Wanted("", _instant("since", query), _instant("until", query))
    if said.since and said.until and said.until <= said.since:
        raise Invalid({"until": _ERRORS["until"]})
    return said


def look(session: Session, who: Who, webhook: Webhook, wanted: Wanted) -> Preview:
    """How many would be sent again. Raises RoleNeeded, NotFound, NotEligible."""
    who.require(PERMISSION)
    number = _number(session, webhook.id, wanted)
    if not number:
        raise NotEligible(N_("There is nothing to send again"))
    seen = ((webhook.id, number),)
    return previews.make(REDELIVER, who.id, db.clock(session), seen, query=wanted.query())


def carry_out(session: Session, ring: Keyring, who: Who, chosen: Preview, reason: str) -> int:
    """Send them again; how many. Raises RoleNeeded, Invalid, NotFound, NotEligible, PreviewUsed."""
    who.require(PERMISSION)
    why, ((webhook_id, number),) = actions.checked(reason), chosen.items
    webhook = webhooks.one(session, None, str(webhook_id), lock=True)
    wanted = read(dict(parse_qsl(chosen.query)))
    if _number(session, webhook.id, wanted) != number:
        raise NotEligible(_CHANGED)
    which = _which(session, webhook.id, wanted)
    about = _about(session, webhook.id, wanted)
    told = {"webhook": str(webhook.id), "count": number} | dict(parse_qsl(chosen.query))
    _write(session, ring, who, REDELIVER, why, told, chosen, about)
    return deliveries.redeliver(session, webhook.id, *which)


def look_at_enabling(session: Session, who: Who, found: Reception) -> Preview:
    """Raises RoleNeeded, NotEligible."""
    who.require(PERMISSION)
    if found.status == "off":
        raise NotEligible(N_("Its owner has switched it off"))
    if found.status != "disabled":
        raise NotEligible(N_("It is enabled"))
    return previews.make(ENABLE, who.id, db.clock(session), _as_disabled(found.webhook))


def enable(session: Session, ring: Keyring, who: Who, chosen: Preview, reason: str) -> None:
    """Send there again, from where it was. Raises RoleNeeded, Invalid, NotEligible, PreviewUsed."""
    who.require(PERMISSION)
    why, ((webhook_id, _),) = actions.checked(reason), chosen.items
    webhook = webhooks.one(session, None, str(webhook_id), lock=True)
    session.refresh(webhook)
    if webhook.disabled_at is None or _as_disabled(webhook) != chosen.items:
        raise NotEligible(_CHANGED)
    told = {"webhook": str(webhook.id), "because": webhook.disabled_because}
    _write(session, ring, who, ENABLE, why, told, chosen)
    webhooks.enable(session, webhook)


def refused(
    session: Session, ring: Keyring, who: Who, action: str, wanted: str, reason: str, why: str
) -> None:
    """Write down that somebody tried, in a transaction of its own."""
    told = {"webhook": str(webhooks.read_id(wanted)), "why": why}
    kept = actions.cut(reason)
    audit.append(session, ring, Attempt(who.id, who.role, action, kept, "refused", details=told))


def _at_a_terminal(instant: datetime | None) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%S") if instant else ""


def _instant(name: str, query: Mapping[str, str]) -> datetime | None:
    text = query.get(name, "").strip()
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise Invalid({name: _ERRORS[name]}) from None


def _which(session: Session, webhook_id: UUID, wanted: Wanted) -> list[ColumnElement[bool]]:
    if wanted.delivery:
        return [Delivery.id == deliveries.one(session, webhook_id, wanted.delivery).id]
    in_a_time = bool(wanted.since or wanted.until)
    return deliveries.which(failed=not in_a_time, since=wanted.since, until=wanted.until)


def _about(session: Session, webhook_id: UUID, wanted: Wanted) -> UUID | None:
    """The onboarding that it is about, where it is one delivery. Raises NotFound."""
    if not wanted.delivery:
        return None
    return deliveries.one(session, webhook_id, wanted.delivery).onboarding_id


def _number(session: Session, webhook_id: UUID, wanted: Wanted) -> int:
    """Of what has come to an end: the rest is sent anyway."""
    ended = or_(Delivery.delivered_at.is_not(None), Delivery.failed_at.is_not(None))
    which = _which(session, webhook_id, wanted)
    counted = select(func.count()).where(Delivery.webhook_id == webhook_id, ended, *which)
    return session.scalar(counted) or 0


def _as_disabled(webhook: Webhook) -> tuple[tuple[UUID, int]]:
    """Which disabling it is: one that comes after it is another one."""
    at = webhook.disabled_at
    return ((webhook.id, int(at.timestamp() * 1_000_000) if at else 0),)


def _write(
    session: Session,
    ring: Keyring,
    who: Who,
    action: str,
    why: str,
    told: Mapping[str, Any],
    chosen: Preview,
    onboarding_id: UUID | None = None,
) -> None:
    done = Attempt(who.id, who.role, action, why, "done", onboarding_id, told, chosen.id)
    audit.append(session, ring, done)
