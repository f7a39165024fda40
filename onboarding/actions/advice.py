"""Which action would move an onboarding that is stuck: the one to try first."""

from collections.abc import Iterator, Mapping
from typing import Final

from onboarding import queries
from onboarding.actions import ACTIONS, Order
from onboarding.causes import CAUSES
from onboarding.standing import Standing

# What moves it where a reminder would not.
_MOVED_BY: Final[Mapping[str, str]] = {
    "awaiting_aggregator": "recheck_aggregator",
    "secret_lapsed": "reissue_secret",
}


def first(standing: Standing, order: Order) -> str | None:
    """The name of the action, whatever this operator's role; None where nothing is stuck, or nothing helps."""
    makes_sense = (
        name for name in _helping(standing) if ACTIONS[name].why_not(standing, order) is None
    )
    return next(makes_sense, None)


def _helping(standing: Standing) -> Iterator[str]:
    """What has failed comes before what is late: it may be late because of that."""
    if any(_is_ours(message.cause) for message in standing.failed):
        yield "retry"
    if queries.is_overdue(standing.onboarding, standing.now):
        yield _MOVED_BY.get(standing.onboarding.state, "nudge")


def _is_ours(cause: str | None) -> bool:
    """Whoever else must act has to do so before it can succeed."""
    known = CAUSES.get(cause or "")
    return known is None or known.acts == "operator"
