"""Which onboarding a caller has seen: its ETag, and If-Match (RFC 9110 §8.8.3, §13.1.1)."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Final

from fastapi import Depends, Header
from sqlalchemy.orm import Session
from starlette.requests import Request

from onboarding.errors import Invalid, MovedOn
from onboarding.models import Onboarding
from onboarding.web.api_view import view
from onboarding.web.refusals import Stale
from onboarding.web.schemas import OnboardingView, SecretState
from onboarding.words import N_

_TAG: Final = re.compile(r'"(\d{1,9})(?:\.[!#-~]{1,120})?"')
# If-Match compares strongly (RFC 9110 §8.8.3.2), so a weak tag is no transition that there is.
_WEAK: Final = re.compile(r'W/"[!#-~]{0,130}"')
_NEVER: Final = 0
# Several header lines are one list (RFC 9110 §5.3), and a tag may have a comma in it.
_LISTED: Final = re.compile(r'(?:[ \t]*,)*[ \t]*((?:W/)?"[!#-~]{0,130}")[ \t]*(?:,[ \t]*|$)')

_NO_TAG: Final = {"if-match": N_('An ETag as it was sent, quotes included, as in "7".')}

# The transitions that a caller has seen, one of which is to be the latest; None for any.
Numbers = tuple[int, ...] | None


def tag(onboarding: Onboarding, shown: OnboardingView) -> str:
    """The number of its latest transition; after a dot, what is shown otherwise without one."""
    return f'"{".".join([str(shown.sequence), *_besides(onboarding, shown)])}"'


def _besides(onboarding: Onboarding, shown: OnboardingView) -> Iterator[str]:
    """What time, people and failures change of what is shown, and no transition tells."""
    asked = shown.requirements
    due = [*asked.currently_due, *asked.eventually_due]
    if onboarding.extra_days:
        yield str(onboarding.extra_days)
    if shown.next_move and shown.next_move.overdue:
        yield "late"
    if any(each.code == "verified" for each in due):
        yield "unverified"
    if any(each.waiting_on == "developer" for each in due):
        yield "developer"
    if asked.blocked_reason:
        yield asked.blocked_reason
    if shown.client_id and shown.next_move is None:
        yield from _secret(shown.secret)


def _secret(secret: SecretState | None) -> Iterator[str]:
    """Where an onboarding is done, its secret is replaced or found elsewhere without a transition."""
    version = secret.version if secret else 0
    if version != 1:
        yield f"v{version}"


async def seen(
    request: Request,
    if_match: Annotated[
        str,
        Header(
            alias="If-Match", description='The ETag that you have seen last, as in "7"; * for any.'
        ),
    ],
) -> Numbers:
    """What a caller has seen last. Raises Invalid for no ETag of ours."""
    sent = ",".join(request.headers.getlist("if-match")).strip()
    return None if sent == "*" else tuple(map(_number, _listed(sent)))


Seen = Annotated[Numbers, Depends(seen)]


def expected(numbers: Numbers, onboarding: Onboarding) -> int | None:
    """The transition that must be the latest still when the row is locked; None for any."""
    if numbers is None:
        return None
    return onboarding.sequence if onboarding.sequence in numbers else numbers[0]


def _listed(sent: str) -> list[str]:
    tags, at = [], 0
    while found := _LISTED.match(sent, at):
        tags.append(found[1])
        at = found.end()
    if not tags or at < len(sent):
        raise Invalid(_NO_TAG)
    return tags


def _number(tag: str) -> int:
    if _WEAK.fullmatch(tag):
        return _NEVER
    found = _TAG.fullmatch(tag)
    if found is None:
        raise Invalid(_NO_TAG)
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
