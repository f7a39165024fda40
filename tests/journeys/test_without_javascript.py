"""Every connection type walked to its end in both languages, in a browser that runs no JavaScript."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from onboarding import registry
from onboarding.db import transaction
from onboarding.words import LOCALES
from tests.journeys.letterbox import Letterbox
from tests.journeys.pages import Person, somebody
from tests.journeys.steps import (
    READY,
    confirm,
    create_client_id,
    history,
    prove_address,
    shown_once,
    sign_in,
    take_secret,
)
from tests.servers.smtp import Smtp
from tests.system import System

SECRET = [
    ("issue_id", "issuing_secret"),
    ("secret_generated", "secret_ready"),
    ("reveal_secret", "secret_revealed"),
]
LINK = [
    ("link_seller", "seller_linked"),
    ("confirm", "verifying"),
    ("verification_passed", "confirmed"),
]
START = ("start", "started")
CHECK = ("choose_type", "checking_aggregator")


@pytest.fixture(params=LOCALES)
def person(request: pytest.FixtureRequest, browser: Browser, journeys: System) -> Iterator[Person]:
    """Somebody at the start page, which has found their language by itself."""
    with somebody(browser, journeys.url, request.param, javascript=False) as made:
        made.open("/")
        made.arrives_at("How will you connect to our API?")
        yield made


@pytest.fixture
def letterbox(request: pytest.FixtureRequest, shared_smtp: Smtp, person: Person) -> Letterbox:
    """The e-mails of this journey's person."""
    name = request.node.originalname.replace("_", "-")
    return Letterbox(shared_smtp, f"{name[:50]}-{person.locale}@shop.example")


def test_an_aggregator_that_needs_the_seller_id_only(person: Person, letterbox: Letterbox) -> None:
    choose_aggregator(person, "Feedwise", "1 value: my Seller ID")
    person.waits_for("Sign in to your seller account")
    person.press("Sign in and continue")
    sign_in(person)
    confirm(person, "Feedwise")
    assert person.read("seller_id") == "123456"
    assert history(person) == [START, CHECK, ("approve_aggregator", "awaiting_seller"), *LINK]
    letterbox.holds(person.onboarding_id, [])


def test_an_aggregator_that_needs_all_three_values(person: Person, letterbox: Letterbox) -> None:
    asks_for = "3 values: a client ID, a client secret and my Seller ID"
    choose_aggregator(person, "Channel Harbour", asks_for)
    person.waits_for("Your client ID")
    prove_address(person, letterbox)
    create_client_id(person, "My shop")
    taken = take_secret(person)
    person.press("Sign in and continue")
    sign_in(person, "Camille Durand")
    confirm(person, "Channel Harbour")
    assert (person.read("client_id"), person.read("seller_id")) == (taken.client_id, "345678")
    checked = [CHECK, ("approve_aggregator", "type_chosen")]
    acknowledged = ("acknowledge_secret", "awaiting_seller")
    assert history(person) == [START, *checked, *SECRET, acknowledged, *LINK]
    told = ["contact_code", "secret_ready", "secret_revealed", "seller_linked", "confirmed"]
    letterbox.holds(person.onboarding_id, told)
    letterbox.is_in(person.locale)
    letterbox.never_says(taken.client_secret, taken.client_id)
    shown_once(taken.client_secret, person)


def test_an_aggregator_on_soap_leads_to_the_seller_portal(
    person: Person, letterbox: Letterbox
) -> None:
    name = "Catalogue Express"
    choose_aggregator(person, name, "1 value: my Seller ID")
    person.waits_for("%(aggregator)s does not use the REST API yet", aggregator=name)
    person.press("Choose another way")
    person.answer("The older SOAP APIs")
    person.arrives_at("SOAP credentials are managed in your Seller Portal")
    refused = ("refuse_aggregator", "awaiting_aggregator")
    assert history(person) == [START, CHECK, refused, ("choose_type", "redirected_to_soap")]
    letterbox.holds(person.onboarding_id, [])


def test_a_suspended_aggregator_is_asked_about_again_and_given_up(
    person: Person, letterbox: Letterbox
) -> None:
    name = "Listing Loop"
    # The list offers those that can be connected; whoever types the name hears why this one cannot.
    choose_aggregator(person, "My aggregator is not in the list", "1 value: my Seller ID", name)
    person.waits_for("%(aggregator)s cannot be connected at the moment", aggregator=name)
    person.fill("E-mail address", letterbox.address)
    person.press("Notify me")
    assert letterbox.address in person.read()
    person.press("Check again now")
    person.waits_for("%(aggregator)s cannot be connected at the moment", aggregator=name)
    person.follow("Cancel this request")
    person.press("Cancel this request")
    person.arrives_at("Your request was cancelled")
    refused = ("refuse_aggregator", "awaiting_aggregator")
    again = ("recheck_aggregator", "checking_aggregator")
    assert history(person) == [START, CHECK, refused, again, refused, ("cancel", "cancelled")]
    letterbox.holds(person.onboarding_id, ["aggregator_refused", "cancelled"])
    letterbox.is_in(person.locale)


def test_an_aggregator_that_registers_later_is_connected_in_another_browser(
    person: Person, letterbox: Letterbox, browser: Browser
) -> None:
    name = f"Northern Feeds {person.locale}"
    choose_aggregator(person, "My aggregator is not in the list", "1 value: my Seller ID", name)
    person.waits_for("%(aggregator)s has not registered with us yet", aggregator=name)
    person.fill("E-mail address", letterbox.address)
    person.press("Notify me")
    with transaction() as session:
        registry.upsert(
            session, name=name.upper(), status="registered", uses_rest=True, asks_for="delegated"
        )
    with somebody(browser, person.url, "en", javascript=False) as elsewhere:
        elsewhere.locale = person.locale
        come_back(elsewhere, letterbox.link(person.says("Continue your request")))
        elsewhere.arrives_at("Sign in to your seller account")
        elsewhere.press("Sign in and continue")
        sign_in(elsewhere)
        confirm(elsewhere, name.upper())
        walked = history(elsewhere)
    refused = ("refuse_aggregator", "awaiting_aggregator")
    again = ("recheck_aggregator", "checking_aggregator")
    approved = ("approve_aggregator", "awaiting_seller")
    assert walked == [START, CHECK, refused, again, approved, *LINK]
    told = ["aggregator_approved", "seller_linked", "confirmed"]
    letterbox.holds(person.onboarding_id, told)
    letterbox.is_in(person.locale)


def test_a_plugin_by_signing_in_first(person: Person, letterbox: Letterbox) -> None:
    person.answer("A plugin on my website")
    person.answer("Yes, the plugin on my website connects to you")
    person.answer("3 values: a client ID, a client secret and my Seller ID")
    person.press("Sign in to your seller account")
    sign_in(person)
    create_client_id(person)
    taken = take_secret(person)
    confirm(person, "your plugin")
    assert person.read("client_id") == taken.client_id
    chosen = ("choose_type", "type_chosen")
    acknowledged = ("acknowledge_secret", "awaiting_seller")
    assert history(person) == [START, chosen, *SECRET, acknowledged, *LINK]
    letterbox.holds(person.onboarding_id, [])
    shown_once(taken.client_secret, person)


def test_own_development_saved_and_continued_in_another_browser(
    person: Person, letterbox: Letterbox, browser: Browser
) -> None:
    person.answer("Software that I develop, alone or with a development partner")
    person.choose("A development partner")
    partner = "E-mail address of your development partner (optional)"
    person.fill(partner, "partner@agency.example")
    person.press("Save and continue")
    prove_address(person, letterbox)
    create_client_id(person, "ERP")
    person.follow("Save and come back later")
    person.press("Send me a link")
    with somebody(browser, person.url, "en", javascript=False) as elsewhere:
        elsewhere.locale = person.locale
        come_back(elsewhere, letterbox.link(person.says("Continue your request")))
        elsewhere.arrives_at(READY)
        elsewhere.press("Show my client secret")
        elsewhere.arrives_at("Show that it is you")
        prove_address(elsewhere, letterbox)
        taken = take_secret(elsewhere)
        elsewhere.press("Sign in and continue")
        sign_in(elsewhere)
        confirm(elsewhere, "your software")
        walked = history(elsewhere)
        shown_once(taken.client_secret, person, elsewhere)
    chosen = ("choose_type", "type_chosen")
    assert walked == [
        START,
        chosen,
        *SECRET,
        ("acknowledge_secret", "awaiting_seller"),
        *LINK,
    ]
    told = ["contact_code", "secret_ready", "resume_link", "contact_code"]
    told += ["secret_revealed", "seller_linked", "confirmed"]
    letterbox.holds(person.onboarding_id, told)
    letterbox.is_in(person.locale)
    letterbox.never_says(taken.client_secret, taken.client_id)


def test_the_older_soap_apis(person: Person, letterbox: Letterbox) -> None:
    person.answer("The older SOAP APIs")
    person.arrives_at("SOAP credentials are managed in your Seller Portal")
    assert person.says("Go to Settings, then User Rights Management.") in person.read()
    assert history(person) == [START, ("choose_type", "redirected_to_soap")]
    letterbox.holds(person.onboarding_id, [])


def test_credentials_only(person: Person, letterbox: Letterbox) -> None:
    person.answer("I only need credentials")
    person.fill("Organisation", "Example Integrations")
    person.fill("E-mail address", letterbox.address)
    person.answer("An integration partner")
    prove_address(person, letterbox)
    create_client_id(person)
    taken = take_secret(person)
    person.arrives_at("Your credentials are ready")
    assert person.read("client_id") == taken.client_id
    chosen = ("choose_type", "type_chosen")
    done = ("acknowledge_secret", "credentials_issued")
    assert history(person) == [START, chosen, *SECRET, done]
    told = ["contact_code", "secret_ready", "secret_revealed", "credentials_issued"]
    letterbox.holds(person.onboarding_id, told)
    letterbox.is_in(person.locale)
    letterbox.never_says(taken.client_secret, taken.client_id)
    shown_once(taken.client_secret, person)


def test_somebody_who_is_not_sure_counts_the_values(person: Person, letterbox: Letterbox) -> None:
    person.answer("I am not sure")
    person.answer("I do not know")
    person.arrives_at("Ask the provider of your tool")
    person.press("Answer the question")
    person.answer("2 values only: a login and a password")
    person.answer("Yes")
    person.answer("A plugin that connects through another company")
    person.arrives_at("Which feed aggregator do you use?")
    person.choose_from("Aggregator", "Channel Harbour")
    person.press("Save and continue")
    person.waits_for("Your client ID")
    assert history(person) == [START, CHECK, ("approve_aggregator", "type_chosen")]
    letterbox.holds(person.onboarding_id, [])


def choose_aggregator(person: Person, chosen: str, asks_for: str, name: str = "") -> None:
    """From the start page to the check of the aggregator."""
    person.answer("A feed aggregator")
    person.choose_from("Aggregator", chosen)
    person.fill("If it is not in the list, its name", name)
    person.press("Save and continue")
    person.answer(asks_for)


def come_back(person: Person, link: str) -> None:
    """Open a link from an e-mail; only the button does anything."""
    person.open(link)
    person.arrives_at("Continue your request?")
    person.press("Continue")
