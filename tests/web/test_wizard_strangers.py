"""An ID in an address is never a capability, and nothing that a form may send breaks a page."""

from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding import outbox
from onboarding.sealing import Keyring
from tests.builders import an_onboarding, state_of, the
from tests.web.signing_in import signed_in
from tests.web.visiting import Visitor, a_site, heading, soup, text

MISSING = "/en/onboardings/0190f3a0-0000-7000-8000-000000000000"


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    made = a_site(ring)
    outbox.publish_with(None)
    return made


def delegated(state: str = "awaiting_seller") -> UUID:
    """An onboarding whose aggregator asks for the Seller ID only; its tasks do not run."""
    return an_onboarding(state, connection_type="aggregator", delegated=True)


@pytest.mark.parametrize("path", ["", "/unlink", "/start-over", "/cancel", "/record"])
@pytest.mark.parametrize("state", ["awaiting_seller", "seller_linked", "confirmed"])
def test_an_id_is_no_capability(app: FastAPI, state: str, path: str) -> None:
    """T03."""
    onboarding_id = delegated(state)
    other = signed_in(app, "one-shop", delegated())
    stranger = Visitor(app)
    for visitor in (other, stranger):
        foreign = visitor.get(visitor.home(onboarding_id) + path)
        missing = visitor.get(MISSING + path)
        assert foreign.status_code == missing.status_code == 404
        assert text(foreign) == text(missing)


def test_whose_browser_has_forgotten_them_is_led_to_their_connections(app: FastAPI) -> None:
    here = f"/fr/onboardings/{delegated()}"
    sent = Visitor(app).post(f"{here}/contact-code", {"code": "123456"})
    assert sent.headers["location"] == here
    found = Visitor(app).get(here)
    assert found.status_code == 404
    assert soup(found).select("main a.govuk-button")[0]["href"] == "/fr/connections"
    assert "Ouvrez le lien de notre dernier e-mail" in text(found)


@pytest.mark.parametrize(
    "form", ["link", "unlink", "confirm", "recheck", "notify", "start-over", "cancel", "sign-in"]
)
def test_no_form_moves_somebody_elses_onboarding(app: FastAPI, form: str) -> None:
    onboarding_id = delegated("seller_linked")
    before = the(onboarding_id).sequence
    other = signed_in(app, "one-shop", delegated())
    data = {"seller_id": "123456", "sequence": str(before), "email": "a@b.example"}
    answer = other.post(f"{other.home(onboarding_id)}/{form}", data)
    missing = other.post(f"{MISSING}/{form}", data)
    assert answer.status_code == missing.status_code == 404
    assert text(answer) == text(missing)
    assert the(onboarding_id).sequence == before


def test_who_signs_in_to_the_linked_account_may_go_on(app: FastAPI) -> None:
    onboarding_id = delegated()
    first = signed_in(app, "one-shop", onboarding_id)
    first.press(first.open(first.home(onboarding_id)), "/link")
    same_person = signed_in(app, "one-shop")
    assert heading(same_person.open(same_person.home(onboarding_id))) == "Check and confirm"
    # The same shop, but somebody else who works there.
    colleague = signed_in(app, "sub-user")
    assert colleague.get(colleague.home(onboarding_id)).status_code == 404


@pytest.mark.parametrize(
    "sent",
    [
        {"content": b"\x00\xff", "headers": {"content-type": "application/octet-stream"}},
        {"content": b"{}", "headers": {"content-type": "application/json"}},
        {"content": b"--x", "headers": {"content-type": "multipart/form-data; boundary=x"}},
        {"content": b"sequence=1&sequence=2&seller_id=%ED%A0%80&seller_id=%00"},
        {"content": b"sequence=" + b"9" * 50_000},
        {"content": b"sequence=one"},
        {"files": {"seller_id": b"a file", "sequence": b"a file", "email": b"a file"}},
        {"content": b"email=%00%F0%9F%92%A9" + b"a" * 60_000},
    ],
)
@pytest.mark.parametrize("form", ["link", "unlink", "confirm", "recheck", "notify", "cancel"])
def test_no_input_breaks_a_form(app: FastAPI, form: str, sent: dict[str, object]) -> None:
    onboarding_id = delegated()
    visitor = signed_in(app, "two-shops", onboarding_id)
    given = {"headers": {"content-type": "application/x-www-form-urlencoded"}, **sent}
    if "files" in sent:
        given.pop("headers")
    answer = visitor.send("POST", f"{visitor.home(onboarding_id)}/{form}", **given)
    assert answer.status_code < 500
    # Without a number, a cancellation is a cancellation; nothing else fits this state.
    assert state_of(onboarding_id) in {"awaiting_seller", "cancelled"}
