"""Every page that a seller can meet, one after the other, in front of one person.

A chapter is a generator: it names a page as soon as the page shows, and goes on when whoever looks
at it is done. Where a state takes long to come to, it is built, and the person is let in.
"""

from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

from onboarding import fences
from onboarding.access import PLATFORM
from onboarding.db import transaction
from tests import builders
from tests.journeys.entering import (
    ask_too_often,
    database_away,
    enter,
    forget_proof,
    give_up_on,
    let_in,
    portal_away,
)
from tests.journeys.gallery_api import api, problems
from tests.journeys.gallery_console import console
from tests.journeys.gallery_handover import handing_over
from tests.journeys.gallery_keys import with_own_keys
from tests.journeys.gallery_secrets import in_use
from tests.journeys.gallery_sellers import sellers
from tests.journeys.gallery_testing import testing
from tests.journeys.pages import Person
from tests.web.visiting import code_in, letters, link_in

EMAIL = "alex@shop.example"
Pages = Iterator[str]


def questions(person: Person) -> Pages:
    """From the start page, by counting values."""
    person.open(f"/{person.locale}/")
    yield "start"
    person.press("Save and continue")
    yield "start-error"
    person.answer("I am not sure")
    yield "values"
    person.answer("2 values only: a login and a password")
    yield "seller-id-elsewhere"
    person.answer("I do not know")
    yield "ask-the-provider"
    person.press("Answer the question")
    person.answer("Yes")
    yield "provider"
    person.answer("A plugin that connects through another company")
    yield "aggregator"
    person.press("Save and continue")
    yield "aggregator-error"
    person.choose_from("Aggregator", "Channel Harbour")
    person.press("Save and continue")


def questions_by_tool(person: Person) -> Pages:
    """From the start page, by each of its other answers."""
    _begin(person, "A feed aggregator")
    person.choose_from("Aggregator", "Feedwise")
    person.press("Save and continue")
    yield "aggregator-asks-for"
    _begin(person, "A plugin on my website")
    yield "direct"
    person.answer("Yes, the plugin on my website connects to you")
    yield "plugin-asks-for"
    person.answer("2 values only: a login and a password")
    person.answer("No")
    yield "older-plugin"
    person.press("Show me where")
    yield "redirected-to-soap"
    _begin(person, "Software that I develop, alone or with a development partner")
    yield "developer"
    _begin(person, "I only need credentials")
    yield "account"
    person.fill("E-mail address", "not an address")
    person.press("Save and continue")
    yield "account-error"


def aggregator(person: Person) -> Pages:
    """Checked, and not approved for one of three reasons."""
    enter(person, builders.an_onboarding("checking_aggregator", delegated=True))
    yield "checking-aggregator"
    for name, why in REFUSED.items():
        enter(person, builders.an_onboarding("awaiting_aggregator", aggregator=name))
        yield f"awaiting-aggregator-{why}"
    person.fill("E-mail address", "alex")
    person.press("Notify me")
    yield "awaiting-aggregator-error"
    person.fill("E-mail address", EMAIL)
    person.press("Notify me")
    yield "awaiting-aggregator-notified"


def client_secret(person: Person) -> Pages:
    """From an address that is to be proved to a secret that is to be stored."""
    here = enter(person, builders.an_onboarding("type_chosen"))
    yield "type-chosen"
    person.fill("E-mail address", "alex(at)shop.example")
    person.press("Send me a code")
    yield "type-chosen-error"
    person.fill("E-mail address", EMAIL)
    person.press("Send me a code")
    yield "contact-code"
    person.fill("Code with 6 digits", "12345")
    person.press("Continue")
    yield "contact-code-error"
    _enter_code(person, here)
    yield "client-id"
    person.press("Create my client ID")
    yield "issuing-secret"
    builders.work(here)
    person.arrives_at("Your client secret is ready")
    yield "secret-ready"
    forget_proof(person)
    person.press("Show my client secret")
    yield "show-that-it-is-you"
    person.press("Send me a code")
    _enter_code(person, here)
    person.press("Show my client secret")
    yield "secret-shown"
    person.open(person.home)
    yield "secret-revealed"
    person.fill("Last 6 characters of the client secret", "abc")
    person.press("Continue")
    yield "secret-revealed-error"
    enter(person, builders.an_onboarding("secret_lapsed"))
    yield "secret-lapsed"
    here = builders.an_onboarding("secret_ready")
    with transaction() as session:
        fences.forfeit(session, here)
    enter(person, here)
    yield "secret-lapsed-other-history"
    here = builders.an_onboarding("issuing_secret")
    builders.age(here, timedelta(minutes=15))
    enter(person, here)
    yield "issuing-secret-late"
    here = builders.an_onboarding("issuing_secret")
    give_up_on(here)
    enter(person, here)
    yield "issuing-secret-failed"


def seller_account(person: Person) -> Pages:
    """Signing in at the sandbox, and choosing the account."""
    here = enter(person, builders.an_onboarding("awaiting_seller"))
    yield "awaiting-seller"
    person.press("Sign in and continue")
    yield "portal-sign-in"
    person.press("Sign in")
    yield "portal-sign-in-error"
    person.press("Cancel")
    yield "awaiting-seller-cancelled"
    with portal_away(person):
        with person.page.expect_event("requestfailed"):
            person.button("Sign in and continue").click()
        yield "leaving"
    person.press("Continue")
    person.choose("Billie Okafor")
    person.press("Sign in")
    yield "portal-shops"
    person.choose("All of them")
    person.press("Continue")
    yield "seller-accounts"
    person.press("Connect this account")
    yield "seller-accounts-error"
    for seller, name in (("one-shop", "seller-account"), ("suspended", "seller-account-unusable")):
        enter(person, here, seller)
        yield name
    person.open("/sign-in/callback?state=of-nobody")
    yield "sign-in-over"


def confirmation(person: Person) -> Pages:
    """Checked, confirmed, verified, done."""
    here = enter(person, builders.an_onboarding("seller_linked"), "one-shop")
    yield "seller-linked"
    person.open(f"{person.home}/unlink")
    yield "unlink"
    person.open(person.home)
    builders.fire(here, "unlink_seller")
    person.press("Confirm and connect %(user)s", user=person.says("your software"))
    yield "moved-on"
    here = enter(person, builders.an_onboarding("verifying"))
    yield "verifying"
    builders.fire(here, "verification_failed", PLATFORM, details={"cause": "link_missing"})
    person.arrives_at("Check and confirm")
    yield "seller-linked-failed"
    for connection, delegated in (
        ("own_development", False),
        ("plugin", False),
        ("aggregator", True),
    ):
        done = builders.an_onboarding("confirmed", connection_type=connection, delegated=delegated)
        enter(person, done)
        yield f"confirmed-{connection.replace('_', '-')}"
    enter(person, builders.an_onboarding("credentials_issued"))
    yield "credentials-issued"


def other_ends(person: Person) -> Pages:
    """Cancelled, started over, expired; and the list of all that one has."""
    person.page.context.clear_cookies()
    person.open(f"/{person.locale}/connections")
    yield "connections-none"
    here = enter(person, builders.an_onboarding("secret_revealed"), "one-shop")
    for state in CONNECTIONS:
        let_in(person, builders.an_onboarding(state))
    person.open(f"/{person.locale}/connections")
    yield "connections"
    person.open(f"/{person.locale}/onboardings/{here}/start-over")
    yield "start-over"
    person.open(f"/{person.locale}/onboardings/{here}/cancel")
    yield "cancel"
    person.press("Cancel this request")
    yield "cancelled"
    enter(person, builders.an_onboarding("expired"))
    yield "expired"


def coming_back(person: Person) -> Pages:
    """Saved, and resumed through a link; with the e-mails of a program without a mail server."""
    here = enter(person, builders.an_onboarding("type_chosen"))
    person.open(f"{person.home}/save")
    yield "save"
    person.press("Send me a link")
    yield "save-error"
    person.fill("E-mail address", EMAIL)
    person.press("Send me a link")
    yield "saved"
    builders.work(here)
    link = link_in(letters()[0])
    person.open("/development/mail")
    yield "letters"
    person.page.locator("main li a").first.click()
    yield "letter"
    person.open(link)
    yield "resume"
    person.press("Continue")
    person.page.context.clear_cookies()
    person.open(link)
    yield "resume-used"
    person.press("Send a new link")
    yield "resume-new-link"
    person.open(link[:-10])
    yield "resume-unknown"
    enter(person, here)
    ask_too_often(here)
    person.fill("E-mail address", "somebody@else.example")
    person.press("Send me a code")
    yield "too-many"
    person.open(f"/{person.locale}/nowhere")
    yield "not-found"
    with database_away():
        person.open(f"/{person.locale}/onboardings/{here}")
        yield "unavailable"
    person.press("Try again")


REFUSED = {
    "Northern Feeds": "not-registered",
    "Catalogue Express": "soap-only",
    "Listing Loop": "suspended",
}
CONNECTIONS = ("awaiting_aggregator", "verifying", "confirmed", "credentials_issued", "cancelled")
CHAPTERS: tuple[Callable[[Person], Pages], ...] = (
    questions,
    questions_by_tool,
    aggregator,
    client_secret,
    seller_account,
    confirmation,
    in_use,
    other_ends,
    coming_back,
    testing,
    problems,
    api,
    console,
    # The last, so that the pictures of the others keep their numbers.
    handing_over,
    sellers,
    with_own_keys,
)


def _begin(person: Person, answer: str) -> None:
    person.open(f"/{person.locale}/")
    person.answer(answer)


def _enter_code(person: Person, here: UUID) -> None:
    builders.work(here)
    person.fill("Code with 6 digits", code_in(letters("code")[0]))
    person.press("Continue")
