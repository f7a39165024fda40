"""How it ends: what is ready and where to enter it, what is revoked and what stays."""

from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, select

from onboarding import outbox, queries
from onboarding.access import CLOCK
from onboarding.db import reading
from onboarding.models import Client, Link
from onboarding.sealing import Keyring
from tests.builders import a_walk, an_onboarding, fire, state_of, the
from tests.racing import rounds
from tests.web.visiting import Visitor, a_site, a_visitor, heading, text


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    made = a_site(ring)
    outbox.publish_with(None)
    return made


def look(app: FastAPI, onboarding_id: UUID, path: str = "", locale: str = "en") -> httpx.Response:
    visitor = a_visitor(app, onboarding_id, locale)
    return visitor.open(visitor.home(onboarding_id) + path)


def test_who_delegates_is_told_to_give_the_seller_id(app: FastAPI) -> None:
    onboarding_id = an_onboarding("confirmed", connection_type="aggregator", delegated=True)
    said = text(look(app, onboarding_id))
    assert "Connection ready" in said
    assert the(onboarding_id).reference in said
    assert "Give your Seller ID to Feedwise." in said
    assert "S-4711" in said
    assert "Client secret" not in said
    # Calls are not known to us, so nothing is said of any.
    assert "call yet" not in said


@pytest.mark.parametrize(
    ("connection_type", "where"),
    [
        ("aggregator", "Enter these three values in the settings of Feedwise:"),
        ("plugin", "Enter these three values in the settings of your plugin:"),
        ("own_development", "Your software needs these three values:"),
    ],
)
def test_three_values_are_told_but_for_the_secret(
    app: FastAPI, connection_type: str, where: str
) -> None:
    walk = a_walk("confirmed", connection_type=connection_type)
    page = look(app, walk.id)
    assert where in text(page)
    assert walk.revealed
    assert walk.revealed.client_id in text(page)
    assert "You stored it on" in text(page)
    assert "S-4711" in text(page)
    assert walk.revealed.secret.get_secret_value() not in page.text
    assert ("$CLIENT_SECRET" in page.text) == (connection_type == "own_development")


def test_credentials_alone_say_that_they_act_for_nobody_yet(app: FastAPI) -> None:
    walk = a_walk("credentials_issued")
    said = text(look(app, walk.id))
    assert "Your credentials are ready" in said
    assert "They cannot act for a seller until a seller account is linked" in said
    assert walk.revealed
    assert walk.revealed.client_id in said


@pytest.mark.parametrize("locale", ["en", "fr"])
@pytest.mark.parametrize("connection_type", ["plugin", "credentials_only"])
def test_the_record_is_a_text_file_without_the_secret(
    app: FastAPI, connection_type: str, locale: str
) -> None:
    state = "confirmed" if connection_type == "plugin" else "credentials_issued"
    walk = a_walk(state, connection_type=connection_type)
    record = look(app, walk.id, "/record", locale)
    assert record.headers["content-type"] == "text/plain; charset=utf-8"
    assert record.headers["cache-control"] == "no-store"
    reference = the(walk.id).reference
    assert f'filename="{reference}.txt"' in record.headers["content-disposition"]
    assert reference in record.text
    assert walk.revealed
    assert walk.revealed.client_id in record.text
    secret = walk.revealed.secret.get_secret_value()
    assert secret not in record.text
    assert secret[-6:] not in record.text


def test_there_is_no_record_before_the_end(app: FastAPI) -> None:
    onboarding_id = an_onboarding("seller_linked", connection_type="plugin")
    assert look(app, onboarding_id, "/record").status_code == 404


@pytest.mark.parametrize(("form", "event"), [("start-over", "start_over"), ("cancel", "cancel")])
def test_what_is_revoked_is_said_before_and_then_is(app: FastAPI, form: str, event: str) -> None:
    walk = a_walk("seller_linked", connection_type="plugin", email="seller@shop.example")
    visitor = a_visitor(app, walk.id)
    page = visitor.open(f"{visitor.home(walk.id)}/{form}")
    assert walk.revealed
    ending = walk.revealed.client_id[-4:]
    assert f"the client ID that ends in {ending}" in text(page)
    assert "its client secret, wherever you have entered it" in text(page)
    assert "the link with Corner Shop, Seller ID S-4711" in text(page)
    if form == "start-over":
        assert "your e-mail address, seller@shop.example" in text(page)
    assert alive(walk.id) == (1, 1)
    visitor.press(page, f"/{form}")
    assert alive(walk.id) == (0, 0)
    assert latest_event(walk.id) == event


def test_nothing_issued_is_nothing_revoked(app: FastAPI) -> None:
    onboarding_id = an_onboarding("type_chosen", connection_type="plugin")
    for form in ("start-over", "cancel"):
        said = text(look(app, onboarding_id, f"/{form}"))
        assert "Nothing has been issued yet, so nothing is revoked." in said


@pytest.mark.parametrize("event", ["cancel", "expire"])
def test_what_was_revoked_is_said_afterwards(app: FastAPI, event: str) -> None:
    walk = a_walk("seller_linked", connection_type="plugin")
    assert walk.revealed
    if event == "cancel":
        fire(walk.id, event)
    else:
        fire(walk.id, event, CLOCK)
    said = text(look(app, walk.id))
    assert f"The client ID that ends in {walk.revealed.client_id[-4:]}" in said
    assert "The link with Corner Shop, Seller ID S-4711, has ended." in said


def test_an_end_does_not_claim_what_an_earlier_start_over_revoked(app: FastAPI) -> None:
    walk = a_walk("seller_linked", connection_type="plugin")
    fire(walk.id, "start_over")
    fire(walk.id, "cancel")
    assert "Nothing had been issued, so nothing was revoked." in text(look(app, walk.id))


@pytest.mark.parametrize("state", ["cancelled", "expired"])
def test_an_end_offers_to_start_again(app: FastAPI, state: str) -> None:
    page = look(app, an_onboarding(state), locale="fr")
    assert "Commencer une nouvelle demande" in text(page)
    assert 'href="/fr/"' in page.text


@pytest.mark.parametrize(
    ("state", "form"),
    [
        ("started", "start-over"),
        ("verifying", "start-over"),
        ("confirmed", "start-over"),
        ("confirmed", "cancel"),
        ("cancelled", "cancel"),
    ],
)
def test_what_is_not_possible_is_not_offered_and_changes_nothing(
    app: FastAPI, state: str, form: str
) -> None:
    onboarding_id = an_onboarding(state)
    visitor = a_visitor(app, onboarding_id)
    home = visitor.home(onboarding_id)
    assert visitor.get(f"{home}/{form}").headers["location"] == home
    before = the(onboarding_id).sequence
    page = visitor.post(f"{home}/{form}", {"sequence": str(before)})
    assert heading(page) == "You have already continued in another tab"
    assert the(onboarding_id).sequence == before


@pytest.mark.parametrize(("form", "ends_in"), [("start-over", "started"), ("cancel", "cancelled")])
def test_a_form_sent_many_times_at_once_has_one_effect(
    app: FastAPI, form: str, ends_in: str
) -> None:
    onboarding_id = an_onboarding("seller_linked", connection_type="plugin")
    visitor = a_visitor(app, onboarding_id)
    home, sequence = visitor.home(onboarding_id), the(onboarding_id).sequence

    def send(_round: int, _racer: int) -> object:
        one = Visitor(app, cookies=dict(visitor.cookies))
        answer = one.post(f"{home}/{form}", {"sequence": str(sequence)})
        return answer.status_code, answer.headers.get("location")

    (answers,) = rounds(1, 20, send)
    assert set(answers) == {(303, home)}
    assert the(onboarding_id).sequence == sequence + 1
    assert state_of(onboarding_id) == ends_in


def alive(onboarding_id: UUID) -> tuple[int, int]:
    """How many clients and links are."""
    clients = select(Client).where(
        Client.onboarding_id == onboarding_id, Client.revoked_at.is_(None)
    )
    links = select(Link).where(Link.onboarding_id == onboarding_id, Link.ended_at.is_(None))
    with reading() as session:
        return len(session.scalars(clients).all()), len(session.scalars(links).all())


def latest_event(onboarding_id: UUID) -> str:
    with reading() as session:
        return queries.history(session, onboarding_id)[-1].event
