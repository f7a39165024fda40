"""What others may do here, changed at a terminal or by a system: each change stands in the trail, done or refused.

It is about aggregators, API keys, sources of events, endpoints and the way into a sandbox's console. No
reason is needed, so that programs can do it: then the row has none. Of what was refused the trail keeps
why, and not what was typed, which may be a secret in the wrong place.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from onboarding import actions, audit
from onboarding.audit import Attempt
from onboarding.db import transaction
from onboarding.errors import NotFound, Refusal, Unavailable
from onboarding.models import Aggregator, Webhook
from onboarding.sealing import Keyring

SET_AGGREGATOR: Final = "aggregator.set"


@dataclass(frozen=True, slots=True)
class Change:
    """Who changes something and as what, how the trail calls it, and why, if that was said."""

    actor: str
    role: str | None
    action: str
    reason: str = ""


@contextmanager
def written_down(ring: Keyring, change: Change) -> Iterator[tuple[Session, dict[str, Any]]]:
    """A transaction that ends with its row; the block adds what it is about. Raises Invalid for the reason.

    A block that says nothing of what it is about has done nothing now: a request that is sent again has
    its row already. What is refused leaves a row, too, but for what is not there; and so that nothing is
    called refused that may have been done, an outage leaves none.
    """
    about: dict[str, Any] = {}
    try:
        with transaction() as session:
            why = actions.checked(change.reason) if change.reason else ""
            yield session, about
            # Whoever writes to the trail has others wait: what locks rows comes before.
            session.flush()
            if about:
                audit.append(session, ring, _attempt(change, why, "done", about))
    except (NotFound, Unavailable):
        raise
    except Refusal as error:
        tried = about | {"why": error.code}
        with transaction() as session:
            said = actions.cut(change.reason)
            audit.append(session, ring, _attempt(change, said, "refused", tried))
        raise


def entry(aggregator: Aggregator | None) -> dict[str, Any] | None:
    """What the registry says of one, before a change or after it; None where it says nothing."""
    if aggregator is None:
        return None
    return {
        "name": aggregator.name,
        "status": aggregator.status,
        "uses_rest": aggregator.uses_rest,
        "asks_for": aggregator.asks_for,
    }


def endpoint(webhook: Webhook) -> dict[str, Any]:
    """What the trail keeps of one that may be gone by then. The rest of its URL may hold a secret."""
    return {
        "webhook": str(webhook.id),
        "system": str(webhook.system_id),
        **told_where(webhook),
    }


def told_where(webhook: Webhook) -> dict[str, Any]:
    """Where and of what its owner is told, before a change or after it."""
    return {
        "host": urlsplit(webhook.url).hostname,
        "types": webhook.event_types,
        "enabled": webhook.disabled_at is None,
    }


def _attempt(change: Change, why: str, outcome: str, about: Mapping[str, Any]) -> Attempt:
    return Attempt(change.actor, change.role, change.action, why, outcome, details=about)
