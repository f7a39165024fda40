"""Ways into the middle of a journey: a browser that is let in, a proof that is old, a task that has failed."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from onboarding import db, proofs
from onboarding.db import transaction
from onboarding.ids import new_id
from onboarding.models import BrowserSession, ContactCode, Message
from onboarding.sellers.sandbox_accounts import SAMPLE_SELLERS
from onboarding.settings import settings
from tests.composing import put
from tests.journeys.pages import Person
from tests.web.signing_in import COOKIE


def enter(person: Person, onboarding_id: UUID, seller: str = "") -> UUID:
    """Let the person in from a new browser, signed in as this sample seller, and open the page."""
    put(onboarding_id, locale=person.locale)
    with transaction() as session:
        browser, token = proofs.open_session(session)
        session.flush()
        proofs.grant(session, browser, onboarding_id)
        if seller:
            _sign_in(browser, seller)
    cookie = {"name": COOKIE, "value": token, "url": person.url}
    person.page.context.add_cookies([cookie])  # type: ignore[list-item]
    person.open(f"/{person.locale}/onboardings/{onboarding_id}")
    return onboarding_id


def let_in(person: Person, onboarding_id: UUID) -> None:
    """The person's browser may move this onboarding too."""
    with transaction() as session:
        proofs.grant(session, _session_of(session, person), onboarding_id)


def forget_proof(person: Person) -> None:
    """As if the person had shown long ago who they are."""
    with transaction() as session:
        _session_of(session, person).proved_at = None


def prove_sign_in(person: Person) -> None:
    """As if the person were back from the Seller Portal this instant."""
    with transaction() as session:
        _session_of(session, person).proved_at = db.clock(session)


def give_up_on(onboarding_id: UUID) -> None:
    """As if every attempt at what is promised had failed."""
    with transaction() as session:
        session.execute(
            update(Message)
            .where(Message.onboarding_id == onboarding_id)
            .values(failed_at=db.now(), cause="task_failed")
        )


def ask_too_often(onboarding_id: UUID) -> None:
    """As if so many codes had been asked for within the hour that there is no other one."""
    with transaction() as session:
        for _ in range(proofs.CODES_AN_HOUR):
            session.add(
                ContactCode(id=new_id(), onboarding_id=onboarding_id, email="alex@shop.example")
            )


@contextmanager
def portal_away(person: Person) -> Iterator[None]:
    """While it lasts, the browser does not get to the Seller Portal, and stays where it was."""
    person.page.route("**/seller-portal/authorize?*", lambda route: route.abort("aborted"))
    yield
    person.page.unroute_all()


@contextmanager
def database_away() -> Iterator[None]:
    """While it lasts, the program's database does not answer."""
    before = db.engine().url
    db.connect("sqlite:////nowhere/onboarding.db")
    yield
    db.connect(before.render_as_string(hide_password=False))


def _sign_in(browser: BrowserSession, seller: str) -> None:
    sample = SAMPLE_SELLERS[seller]
    browser.issuer, browser.subject = settings().issuer, sample.subject
    browser.signed_in_at = datetime.now(UTC)
    browser.seller_name = sample.name
    browser.accounts = {"accounts": [asdict(account) for account in sample.accounts]}


def _session_of(session: Session, person: Person) -> BrowserSession:
    cookies = person.page.context.cookies(person.url)
    token = next(one["value"] for one in cookies if one["name"] == COOKIE)
    found = proofs.find_session(session, token)
    assert found is not None
    return found
