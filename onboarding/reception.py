"""How endpoints take what is sent to them: well or not and since when, what waits, what was answered last."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, func, select
from sqlalchemy.orm import Session

from onboarding import webhooks
from onboarding.deliveries import unfinished
from onboarding.models import Delivery, System, Webhook

# As they are told apart everywhere: `off` is what its owner has switched off.
STATUSES: Final = ("well", "failing", "disabled", "off")


@dataclass(frozen=True, slots=True)
class Reception:
    """One endpoint: whose it is, how many deliveries wait there or failed for good, the last one tried."""

    webhook: Webhook
    owner: str
    waiting: int
    failed: int
    last: Delivery | None

    @property
    def status(self) -> str:
        """One of STATUSES."""
        if self.webhook.disabled_at:
            by_owner = self.webhook.disabled_because == webhooks.BY_ITS_OWNER
            return "off" if by_owner else "disabled"
        return "failing" if self.webhook.failures else "well"

    @property
    def address(self) -> str:
        """Where it is, without what may be secret: what follows the path."""
        return address(self.webhook.url)


def every(session: Session) -> list[Reception]:
    """All of them, those first that take nothing."""
    found = [_seen(session, *row) for row in session.execute(_with_owners())]
    return sorted(found, key=lambda each: _WORST_FIRST.index(each.status))


def ill(session: Session) -> list[Reception]:
    """Those that need somebody: disabled, and not by their owner."""
    return [_seen(session, *row) for row in session.execute(_with_owners().where(is_disabled()))]


def one(session: Session, wanted: str) -> Reception:
    """One of them. Raises NotFound."""
    webhook_id = webhooks.one(session, None, wanted).id
    row = session.execute(_with_owners().where(Webhook.id == webhook_id)).one()
    return _seen(session, *row)


def statuses(session: Session) -> dict[str, int]:
    """How many there are of each status."""
    status = case(
        (is_disabled(), "disabled"),
        (Webhook.disabled_at.is_not(None), "off"),
        (Webhook.failures > 0, "failing"),
        else_="well",
    )
    counted = select(status.label("status"), func.count()).group_by("status")
    found = {status: number for status, number in session.execute(counted)}  # noqa: C416 - typed
    return dict.fromkeys(STATUSES, 0) | found


def listed(
    session: Session, webhook_id: UUID, limit: int, after: tuple[bool, UUID] | None = None
) -> Sequence[Delivery]:
    """An endpoint's deliveries: what failed for good first, then the others; the newest of each first.

    `after` is the last of the page before: whether it had failed, and its ID.
    """
    failed: list[Delivery] = []
    if after is None or after[0]:
        failed = [*session.scalars(_page(webhook_id, limit, after and after[1], failed=True))]
    rest = after[1] if after and not after[0] else None
    others = session.scalars(_page(webhook_id, limit - len(failed), rest, failed=False))
    return [*failed, *others]


def of_onboarding(session: Session, onboarding_id: UUID) -> list[tuple[Delivery, str]]:
    """What was or is to be sent about an onboarding, and where."""
    theirs = select(Delivery, Webhook.url).join(Webhook, Webhook.id == Delivery.webhook_id)
    rows = session.execute(theirs.where(Delivery.onboarding_id == onboarding_id))
    return [(delivery, address(url)) for delivery, url in rows]


def is_disabled() -> ColumnElement[bool]:
    """Disabled by us, because it has taken nothing or wants nothing."""
    because = Webhook.disabled_because != webhooks.BY_ITS_OWNER
    return and_(Webhook.disabled_at.is_not(None), because)


def address(url: str) -> str:
    """An address as it may be shown: a query can hold a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}{parts.path}"


_WORST_FIRST: Final = ("disabled", "failing", "well", "off")


def _with_owners() -> Select[Webhook, str]:
    return (
        select(Webhook, System.name)
        .join(System, System.id == Webhook.system_id)
        .order_by(Webhook.id)
    )


def _seen(session: Session, webhook: Webhook, owner: str) -> Reception:
    """An index tells each of these: of what is unfinished, of what failed, and the newest first."""
    theirs = Delivery.webhook_id == webhook.id
    waiting = select(func.count()).where(theirs, unfinished())
    failed = select(func.count()).where(theirs, Delivery.failed_at.is_not(None))
    tried = select(Delivery).where(theirs, Delivery.tried_at.is_not(None))
    last = session.scalars(tried.order_by(Delivery.id.desc()).limit(1)).one_or_none()
    return Reception(webhook, owner, _number(session, waiting), _number(session, failed), last)


def _number(session: Session, counted: Select[Any]) -> int:
    return session.scalar(counted) or 0


def _page(webhook_id: UUID, limit: int, before: UUID | None, *, failed: bool) -> Select[Any]:
    at = Delivery.failed_at
    chosen = [Delivery.webhook_id == webhook_id, at.is_not(None) if failed else at.is_(None)]
    if before:
        chosen.append(Delivery.id < before)
    return select(Delivery).where(*chosen).order_by(Delivery.id.desc()).limit(limit)
