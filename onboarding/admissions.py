"""What others may do here, changed at a terminal or by a system: each change stands in the trail, done or refused.

It is about aggregators, API keys, sources of events and endpoints. No reason is needed, so that programs
can do it: then the row has none. Of what was refused the trail keeps why, and not what was typed, which
may be a secret in the wrong place.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy.orm import Session

from onboarding import actions, audit
from onboarding.audit import Attempt
from onboarding.db import transaction
from onboarding.errors import NotFound, Refusal, Unavailable
from onboarding.models import Aggregator
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

    What is refused leaves a row, too, but for what is not there; and so that nothing is called refused
    that may have been done, an outage leaves none.
    """
    about: dict[str, Any] = {}
    try:
        with transaction() as session:
            why = actions.checked(change.reason) if change.reason else ""
            yield session, about
            # Whoever writes to the trail has others wait: what locks rows comes before.
            session.flush()
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


def _attempt(change: Change, why: str, outcome: str, about: Mapping[str, Any]) -> Attempt:
    return Attempt(change.actor, change.role, change.action, why, outcome, details=about)
