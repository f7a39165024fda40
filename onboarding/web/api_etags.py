"""Which onboarding a caller has seen: its ETag, and If-Match (RFC 9110 §8.8.3, §13.1.1)."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final

from fastapi import Header
from sqlalchemy.orm import Session

from onboarding.errors import Invalid, MovedOn
from onboarding.models import Onboarding
from onboarding.web.api_view import view
from onboarding.web.refusals import Stale
from onboarding.web.schemas import OnboardingView

_TAG: Final = re.compile(r'"(\d{1,9})(?:\.[0-9a-z.]{1,20})?"')

IfMatch = Annotated[
    str,
    Header(alias="If-Match", description='The ETag that you have seen last, as in "7"; * for any.'),
]


def tag(onboarding: Onboarding, shown: OnboardingView) -> str:
    """The number of its latest transition; after a dot, what time and operators have changed since."""
    parts = [str(shown.sequence)]
    if onboarding.extra_days:
        parts.append(str(onboarding.extra_days))
    if shown.next_move and shown.next_move.overdue:
        parts.append("late")
    return f'"{".".join(parts)}"'


def expected(if_match: str) -> int | None:
    """The transition that a caller has seen last; None for any. Raises Invalid for no ETag of ours."""
    if if_match.strip() == "*":
        return None
    found = _TAG.fullmatch(if_match.strip())
    if found is None:
        raise Invalid({"if-match": 'One ETag as it was sent, quotes included, as in "7".'})
    return int(found[1])


@contextmanager
def unless_stale(session: Session, onboarding: Onboarding) -> Iterator[None]:
    """Tell who was too late where it stands now. Raises Stale."""
    try:
        yield
    except MovedOn:
        shown = view(session, onboarding)
        raise Stale(
            tag(onboarding, shown), shown.state, shown.sequence, shown.allowed_events
        ) from None
