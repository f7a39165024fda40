"""Letters for tests: an onboarding brought to a notice, and the letter composed for it."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from bs4 import BeautifulSoup
from sqlalchemy import update

from onboarding import connections, credentials, db, expiring, lifecycle, mail, notices, proofs
from onboarding.access import CLOCK, PLATFORM
from onboarding.afterwards import AFTERWARDS
from onboarding.chart import NEXT_MOVE, NOTICES
from onboarding.db import reading, transaction
from onboarding.ids import new_id
from onboarding.mail import Letter
from onboarding.models import Client, Onboarding, Secret
from onboarding.outbox import Claim
from onboarding.settings import Settings
from tests import another_seller
from tests.builders import (
    SELLER,
    Walk,
    a_walk,
    fire,
    keyring,
    promised,
    the,
)

EMAIL: Final = "ada@shop.example"
PUBLIC_URL: Final = "https://access.market.example"
LANGUAGES: Final = ("en", "fr")
# Every notice there is: those of the chart, and those that it does not promise.
TOLD: Final = sorted(
    {
        *NOTICES.values(),
        *(each.notice for each in AFTERWARDS.values() if each.notice),
        "contact_code",
        "first_call",
        "new_secret_shown",
        "no_call_yet",
        "reminder",
        "resume_link",
        "secret_leaked",
        "secret_expires",
        "secret_stored",
    }
)
REMINDED: Final = sorted(state for state, move in NEXT_MOVE.items() if move.reminders)


def put(onboarding_id: UUID, **values: Any) -> None:
    """Write facts of an onboarding that no event sets."""
    with transaction() as session:
        session.execute(update(Onboarding).where(Onboarding.id == onboarding_id).values(**values))


def a_claim(onboarding_id: UUID, notice: str, **about: Any) -> Claim:
    """A turn at the message that the latest transition promised."""
    sequence = the(onboarding_id).sequence
    about = {"notice": notice, **about}
    return Claim(new_id(), "send_email", 1, 8, onboarding_id, sequence, about)


def compose(claim: Claim, locale: str = "en", **given: Any) -> Letter | None:
    assert claim.onboarding_id is not None
    put(claim.onboarding_id, locale=locale)
    with transaction() as session:
        return notices.compose(session, claim, keyring(), Settings(public_url=PUBLIC_URL, **given))


def hand_over(letter: Letter, chosen: Settings) -> None:
    """One letter, in a conversation of its own."""
    with mail.handing_over(chosen) as do:
        do(letter)


def written(onboarding_id: UUID, notice: str, locale: str = "en", **about: Any) -> Letter:
    letter = compose(a_claim(onboarding_id, notice, **about), locale)
    assert letter is not None
    return letter


def brought_to(notice: str) -> Walk:
    """An onboarding at the transition that promises this notice."""
    before = {
        "aggregator_refused": "awaiting_aggregator",
        "aggregator_approved": "type_chosen",
        "verification_failed": "verifying",
        "started_over": "seller_linked",
        "cancelled": "seller_linked",
        "expired": "secret_revealed",
        "contact_code": "type_chosen",
        "credentials_revoked": "confirmed",
        "first_call": "confirmed",
        "further_link_ended": "confirmed",
        "further_link_failed": "confirmed",
        "further_link_verified": "confirmed",
        "link_ended": "confirmed",
        "new_secret_shown": "confirmed",
        "no_call_yet": "confirmed",
        "reminder": "secret_revealed",
        "resume_link": "secret_revealed",
        "secret_leaked": "confirmed",
        "secret_stored": "awaiting_seller",
        "secret_expired": "confirmed",
        "secret_expires": "confirmed",
    }
    kind = "aggregator" if notice == "aggregator_approved" else None
    walk = a_walk(before.get(notice, notice), connection_type=kind)
    put(walk.id, contact_email=EMAIL, connection_name="My shop plugin")
    match notice:
        case "verification_failed":
            fire(walk.id, "verification_failed", PLATFORM, details={"cause": "link_missing"})
        case "started_over":
            fire(walk.id, "start_over")
        case "first_call":
            _call(walk.id)
        case "credentials_revoked":
            _end(walk.id, connections.revoke)
        case "secret_expired" | "secret_expires":
            _expire(walk.id, over=notice == "secret_expired")
        case "link_ended":
            _end(walk.id, connections.unlink)
        case "further_link_verified" | "further_link_failed" | "further_link_ended":
            _link_another(walk.id, notice)
        case "cancelled":
            fire(walk.id, "cancel")
        case "expired":
            fire(walk.id, "expire", CLOCK)
    return walk


def _end(onboarding_id: UUID, verb: Callable[..., bool]) -> None:
    with transaction() as session:
        assert verb(session, onboarding_id, SELLER)


def _link_another(onboarding_id: UUID, notice: str) -> None:
    """Another seller has let the client act; that works, or does not, or is over."""
    if notice == "further_link_failed":
        another_seller.suspend(another_seller.OTHER.seller_id)
    link = another_seller.linked(onboarding_id)
    if notice == "further_link_ended":
        assert another_seller.ended(link)


def _expire(onboarding_id: UUID, *, over: bool) -> None:
    """As if its secret were too old, or would be in half a day."""
    of_it = Secret.client_id == client_id_of(onboarding_id)
    expires_at = db.in_seconds(-1 if over else 43_200)
    with transaction() as session:
        session.execute(update(Secret).where(of_it).values(expires_at=expires_at))
    with transaction() as session:
        assert not over or expiring.settle(session, onboarding_id)


def _call(onboarding_id: UUID) -> None:
    """As if a token had just been issued to its client."""
    of_it = Client.onboarding_id == onboarding_id
    with transaction() as session:
        session.execute(update(Client).where(of_it).values(first_used_at=db.now()))


def a_code(onboarding_id: UUID, email: str = EMAIL) -> str:
    """Send a code and return its ID."""
    with transaction() as session:
        proofs.send_code(session, lifecycle.lock(session, onboarding_id), email)
    return str(promised("send_email", onboarding_id)[-1].about["code"])


def about_of(notice: str, onboarding_id: UUID) -> dict[str, Any]:
    if notice == "contact_code":
        return {"code": a_code(onboarding_id)}
    if notice == "secret_expires":
        return {"version": 1, "days": 1}
    return {"number": 1} if notice == "reminder" else {}


def client_id_of(onboarding_id: UUID) -> str:
    with reading() as session:
        client = credentials.live_client(session, onboarding_id)
        assert client is not None
        return client.id


def deadline(onboarding_id: UUID) -> datetime:
    row = the(onboarding_id)
    then_after = NEXT_MOVE[row.state].then_after
    assert then_after is not None
    return row.entered_at + then_after


def addresses(letter: Letter) -> set[str]:
    """Every address in either form of the letter."""
    soup = BeautifulSoup(letter.html, "html.parser")
    linked = {str(link["href"]) for link in soup.find_all("a")}
    return linked | set(re.findall(r"https?://\S+", letter.text))
