"""What every page of an onboarding has in common: its frame, its form's fields, and what happens to a form that comes too late."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from onboarding import lifecycle, proofs, queries
from onboarding.access import Actor
from onboarding.chart import OPEN
from onboarding.db import reading, transaction
from onboarding.errors import EventNotAllowed, MovedOn, NotFound, TooMany
from onboarding.models import BrowserSession, Onboarding
from onboarding.web import browser, pages
from onboarding.words import LOCALES

Verb = Callable[[Session, Onboarding, Actor, int | None], object]

# The four numbered steps, and which of them a state belongs to.
_STEP_OF_STATE = {
    "type_chosen": "client_id",
    "issuing_secret": "client_secret",
    "secret_ready": "client_secret",
    "secret_lapsed": "client_secret",
    "secret_revealed": "client_secret",
    "awaiting_seller": "seller_authentication",
    "seller_linked": "confirmation",
    "verifying": "confirmation",
    "confirmed": "confirmation",
    "credentials_issued": "confirmation",
}


# Pages of what is done that ask for a proof before they do something.
_ASKED_AT = frozenset({"client-secret", "public-key", "revoke", "end-link", "sellers"})


async def our_language(request: Request) -> None:
    """Pages exist in our languages only. Raises NotFound."""
    if request.path_params.get("locale", LOCALES[0]) not in LOCALES:
        raise NotFound


def home(request: Request, onboarding_id: UUID | str) -> str:
    """The address of an onboarding: it shows the page of the state that it is in."""
    return pages.path_for(request, f"/onboardings/{onboarding_id}")


def to_home(request: Request, onboarding_id: UUID | str) -> RedirectResponse:
    """After a POST, look (303): reloading the page that follows sends nothing again."""
    return RedirectResponse(home(request, onboarding_id), 303)


def asked_at(then: str) -> dict[str, str]:
    """Where a proof was asked for, as forms carry it to its end; nothing for the page of a state."""
    return {"then": then} if then in _ASKED_AT else {}


def after_proof(request: Request, onboarding_id: str, then: str) -> RedirectResponse:
    """Back to what the proof was asked for: whoever is sent elsewhere takes it for done."""
    where = "/".join((home(request, onboarding_id), *asked_at(then).values()))
    return RedirectResponse(where, 303)


def framed(
    request: Request, onboarding: Onboarding, template: str, status: int = 200, **context: Any
) -> Response:
    """A page about an onboarding, with its step, its reference and the way out."""
    frame = {
        "onboarding": onboarding,
        "home": home(request, onboarding.id),
        # Sent back by every form, so that a stale tab is noticed.
        "hidden": {"sequence": onboarding.sequence},
        "step": step_of(onboarding),
        "reference": onboarding.reference,
        "cancel": f"{home(request, onboarding.id)}/cancel" if _may_cancel(onboarding) else None,
        "notice": sign_in_notice(request),
    }
    return pages.page(request, f"wizard/{template}", status, **(frame | context))


def waiting(session: Session, request: Request, onboarding: Onboarding, task: str) -> Response:
    """The page of a state in which one of our tasks works."""
    told = progress(session, onboarding, task)
    return framed(request, onboarding, f"{onboarding.state}.html", **told)


def progress(session: Session, onboarding: Onboarding, task: str) -> dict[str, bool]:
    """Whether our task has failed for good, or takes longer than usual: its page says so."""
    messages, now = queries.waits_for(session, onboarding.id)
    # Of an earlier transition, a message may have failed that nobody waits for any more.
    of_this = [m for m in messages if (m.task, m.sequence) == (task, onboarding.sequence)]
    return {
        "failed": any(message.failed_at for message in of_this),
        "late": queries.is_overdue(onboarding, now),
    }


def sign_in_notice(request: Request) -> str | None:
    """What to say to somebody who comes back from a sign-in that has not succeeded."""
    reason = request.query_params.get("sign_in")
    if reason is None:
        return None
    _ = pages.translator_of(request)
    known = {
        "cancelled": _("You cancelled the sign-in. Nothing was changed."),
        "stale": _(
            "The Seller Portal did not ask you to sign in again, so nothing was changed."
            " Sign out there, then try again here."
        ),
        "goes_on": _(
            "This browser has forgotten your connections. You are still signed in at the Seller"
            " Portal: sign out there too, if others use this browser."
        ),
        "unavailable": _(
            "The Seller Portal does not answer at the moment. Nothing was changed."
            " Try again in a few minutes."
        ),
    }
    other = _(
        "The sign-in did not succeed, and nothing was changed. Try again. If it fails again,"
        " contact us."
    )
    return known.get(reason, other)


def step_of(onboarding: Onboarding) -> tuple[int, int] | None:
    """Which step of how many this page is, counting only those that the connection type has."""
    steps = _steps(onboarding)
    current = _STEP_OF_STATE.get(onboarding.state)
    return (steps.index(current) + 1, len(steps)) if current in steps else None


def move(
    request: Request, onboarding_id: str, event: str, sequence: int | None, verb: Verb
) -> Response:
    """Carry out what a form asks for, then show where the onboarding stands.

    The same form sent twice has one effect and the same answer; a form of a tab that has fallen
    behind gets a page that says so.
    """
    try:
        with transaction() as session:
            visitor, onboarding = acting(session, request, onboarding_id)
            verb(session, onboarding, proofs.actor(visitor), sequence)
    except (MovedOn, EventNotAllowed):
        return too_late(request, onboarding_id, event, sequence)
    return to_home(request, onboarding_id)


def fire(request: Request, onboarding_id: str, event: str, sequence: int | None) -> Response:
    """`move` by an event that needs nothing but its name."""

    def verb(session: Session, onboarding: Onboarding, who: Actor, expected: int | None) -> None:
        lifecycle.fire(session, onboarding.id, event, who, expected=expected)

    return move(request, onboarding_id, event, sequence, verb)


def acting(
    session: Session, request: Request, onboarding_id: str
) -> tuple[BrowserSession, Onboarding]:
    """Whose form this is: their session is kept, and letters follow the language of the page."""
    visitor, onboarding = browser.owned(session, request, onboarding_id)
    proofs.touch(session, visitor)
    onboarding.locale = pages.locale_of(request)
    return visitor, onboarding


def too_late(request: Request, onboarding_id: str, event: str, sequence: int | None) -> Response:
    """A second click ends where the first one led; another tab's progress is told."""
    with reading() as session:
        _, onboarding = browser.owned(session, request, onboarding_id)
        steps = queries.history(session, onboarding.id)
        done = any(s.event == event and s.sequence == (sequence or 0) + 1 for s in steps)
        if done:
            return to_home(request, onboarding_id)
        return framed(request, onboarding, "moved_on.html")


def too_many(request: Request, onboarding_id: str, error: TooMany) -> Response:
    """The page that asks for patience; it leads back to the onboarding, not to the start."""
    _ = pages.translator_of(request)
    return pages.refusal(request, error, _("Back to your request"), home(request, onboarding_id))


def look(request: Request, onboarding_id: str) -> tuple[BrowserSession, Onboarding]:
    """What a GET shows. Raises NotFound."""
    with reading() as session:
        return browser.owned(session, request, onboarding_id)


def _steps(onboarding: Onboarding) -> tuple[str, ...]:
    if onboarding.credential_mode == "delegated":
        return ("seller_authentication", "confirmation")
    if onboarding.connection_type == "credentials_only":
        return ("client_id", "client_secret", "confirmation")
    return ("client_id", "client_secret", "seller_authentication", "confirmation")


def _may_cancel(onboarding: Onboarding) -> bool:
    return onboarding.state in OPEN
