"""The pages of an onboarding that waits for its aggregator: why, and three ways forward."""

from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding import outbox, proofs, registry
from onboarding.db import transaction
from onboarding.sealing import Keyring
from onboarding.web.wizard_aggregator import RECHECKS_AN_HOUR
from tests.builders import an_onboarding, state_of, the, work
from tests.web.visiting import a_site, a_visitor, errors, heading, letters, soup, text

CAUSES = {
    "Nonesuch Feeds": "Nonesuch Feeds has not registered with us yet",
    "Catalogue Express": "Catalogue Express does not use the REST API yet",
    "Listing Loop": "Listing Loop cannot be connected at the moment",
}


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_site(ring)


def waiting_for(aggregator: str) -> UUID:
    return an_onboarding(
        "awaiting_aggregator",
        connection_type="aggregator",
        delegated=True,
        aggregator=aggregator,
    )


@pytest.mark.parametrize(("aggregator", "title"), CAUSES.items())
def test_the_page_says_why_and_offers_three_ways(app: FastAPI, aggregator: str, title: str) -> None:
    onboarding_id = waiting_for(aggregator)
    visitor = a_visitor(app, onboarding_id)
    page = visitor.open(visitor.home(onboarding_id))
    assert heading(page) == title
    message = soup(page).select_one("#message")
    assert message
    assert message.text.startswith("Hello,")
    assert aggregator in message.text
    assert f"{visitor.home(onboarding_id)}/notify" in page.text
    assert f'href="{visitor.home(onboarding_id)}/questions/connection_type"' in page.text


def test_the_message_is_in_the_readers_language(app: FastAPI) -> None:
    onboarding_id = waiting_for("Catalogue Express")
    visitor = a_visitor(app, onboarding_id, "fr")
    page = visitor.open(visitor.home(onboarding_id))
    assert heading(page) == "Catalogue Express n’utilise pas encore l’API REST"
    assert "Quand passerez-vous à son API REST" in text(page)


def test_a_name_that_somebody_typed_is_shown_as_text(app: FastAPI) -> None:
    onboarding_id = waiting_for("<script>x</script> & Söhne")
    visitor = a_visitor(app, onboarding_id)
    page = visitor.open(visitor.home(onboarding_id))
    assert heading(page) == "<script>x</script> & Söhne has not registered with us yet"
    assert "<script>x" not in page.text


def test_an_address_is_kept_and_hears_when_it_is_possible(app: FastAPI) -> None:
    onboarding_id = waiting_for("Nonesuch Feeds")
    visitor = a_visitor(app, onboarding_id)
    home = visitor.home(onboarding_id)
    typed = " \u200bseller@shop.example "
    page = visitor.follow(visitor.press(visitor.open(home), "/notify", email=typed))
    assert "We will e-mail seller@shop.example as soon as Nonesuch Feeds can be connected." in text(
        page
    )
    with transaction() as session:
        registry.upsert(
            session,
            name="Nonesuch Feeds",
            status="registered",
            uses_rest=True,
            asks_for="delegated",
        )
    work()
    assert state_of(onboarding_id) == "awaiting_seller"
    assert letters("Nonesuch Feeds is registered")[0].to == "seller@shop.example"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "Enter your e-mail address"),
        ("  \u200b ", "Enter your e-mail address"),
        ("nobody", "Enter an e-mail address in the right form, like name@example.com"),
        ("a@b.example\r\nBcc: c@d.example", "Enter an e-mail address in the right form"),
        ("a\x00@b.example", "Enter an e-mail address in the right form"),
        ("a" * 300 + "@b.example", "Enter an e-mail address in the right form"),
    ],
)
def test_what_is_no_address_is_said_and_kept(app: FastAPI, typed: str, said: str) -> None:
    onboarding_id = waiting_for("Listing Loop")
    visitor = a_visitor(app, onboarding_id)
    page = visitor.press(visitor.open(visitor.home(onboarding_id)), "/notify", email=typed)
    assert page.status_code == 422
    assert errors(page)["email"].startswith(said)
    assert soup(page).title.text.startswith("Error: ")  # type: ignore[union-attr]
    field = soup(page).select_one("#email")
    assert field
    assert str(field["value"])[:2] == typed[:2]
    assert the(onboarding_id).contact_email is None


def test_an_address_that_was_proved_is_not_replaced(app: FastAPI, ring: Keyring) -> None:
    onboarding_id = waiting_for("Listing Loop")
    outbox.publish_with(None)
    with transaction() as session:
        onboarding = session.get_one(type(the(onboarding_id)), onboarding_id)
        proofs.send_code(session, onboarding, "owner@shop.example")
        code = proofs.latest_code(session, onboarding_id)
        assert code
        proofs.check_code(session, ring, onboarding, proofs.code_of(ring, code.id))
    visitor = a_visitor(app, onboarding_id)
    page = visitor.open(visitor.home(onboarding_id))
    assert "We will e-mail owner@shop.example" in text(page)
    assert "/notify" not in page.text
    visitor.post(f"{visitor.home(onboarding_id)}/notify", {"email": "thief@other.example"})
    assert the(onboarding_id).contact_email == "owner@shop.example"


def test_a_check_asked_for_again_finds_what_has_changed(app: FastAPI) -> None:
    onboarding_id = waiting_for("Catalogue Express")
    visitor = a_visitor(app, onboarding_id)
    page = visitor.open(visitor.home(onboarding_id))
    page = visitor.follow(visitor.press(page, "/recheck"))
    assert heading(page) == CAUSES["Catalogue Express"]
    outbox.publish_with(None)
    with transaction() as session:
        registry.upsert(
            session,
            name="Catalogue Express",
            status="registered",
            uses_rest=True,
            asks_for="delegated",
        )
    page = visitor.follow(visitor.press(page, "/recheck"))
    assert heading(page) == "We are checking Catalogue Express"
    work()
    assert state_of(onboarding_id) == "awaiting_seller"


def test_a_check_may_be_asked_for_a_few_times_an_hour(app: FastAPI) -> None:
    onboarding_id = waiting_for("Listing Loop")
    visitor = a_visitor(app, onboarding_id)
    home = visitor.home(onboarding_id)
    for _ in range(RECHECKS_AN_HOUR):
        assert visitor.press(visitor.open(home), "/recheck").status_code == 303
    page = visitor.press(visitor.open(home), "/recheck")
    assert page.status_code == 429
    assert "retry-after" in page.headers
    assert state_of(onboarding_id) == "awaiting_aggregator"
