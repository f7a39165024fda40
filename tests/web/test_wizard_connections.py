"""What somebody comes back to: their connections and nobody else's, and the way out."""

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, func, select

from onboarding import outbox
from onboarding.db import reading
from onboarding.models import BrowserSession, Grant
from onboarding.sealing import Keyring
from tests.builders import a_walk, an_onboarding, the
from tests.racing import rounds
from tests.web.signing_in import COOKIE, signed_in
from tests.web.visiting import Visitor, a_site, a_visitor, soup, text


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    made = a_site(ring)
    outbox.publish_with(None)
    return made


@pytest.mark.parametrize(
    ("state", "status", "next_move", "link"),
    [
        ("started", "Your turn", "Choose how you connect", "Continue"),
        ("awaiting_aggregator", "Waiting for Catalogue Express", "Since", "View"),
        ("checking_aggregator", "Checking", "", "View"),
        ("type_chosen", "Your turn", "Create your client ID", "Continue"),
        ("issuing_secret", "Checking", "", "View"),
        ("secret_ready", "Your turn", "Collect your client secret", "Continue"),
        ("secret_lapsed", "Your turn", "Create a new client secret", "Continue"),
        ("secret_revealed", "Your turn", "Confirm that you stored your client secret", "Continue"),
        ("awaiting_seller", "Your turn", "Sign in to your seller account", "Continue"),
        ("seller_linked", "Your turn", "Check and confirm", "Continue"),
        ("verifying", "Checking", "", "View"),
        ("confirmed", "Ready", "", "View"),
        ("credentials_issued", "Ready", "", "View"),
        ("redirected_to_soap", "In your Seller Portal", "", "View"),
        ("cancelled", "Stopped", "", "View"),
        ("expired", "Stopped", "", "View"),
    ],
)
def test_every_connection_says_whose_turn_it_is(
    app: FastAPI, state: str, status: str, next_move: str, link: str
) -> None:
    onboarding_id = an_onboarding(state)
    visitor = a_visitor(app, onboarding_id)
    page = visitor.open("/en/connections")
    tag = soup(page).select_one(".govuk-tag")
    assert tag
    assert tag.text == status
    assert next_move in text(page)
    to = soup(page).select_one(f'main a[href="{visitor.home(onboarding_id)}"]')
    assert to
    assert to.text.startswith(link)
    assert ("By " in text(page)) == (link == "Continue")


def test_an_empty_list_says_what_to_do_and_makes_no_session(app: FastAPI) -> None:
    visitor = Visitor(app)
    page = visitor.open("/en/connections")
    assert "This browser knows of no connection." in text(page)
    assert "Open the link in our latest e-mail" in text(page)
    assert "Sign in to your seller account" in text(page)
    assert not visitor.cookies
    assert _count(BrowserSession) == 0


def test_nobody_elses_connections_are_listed(app: FastAPI) -> None:
    mine, theirs = an_onboarding("confirmed"), an_onboarding("confirmed")
    said = text(a_visitor(app, mine).open("/en/connections"))
    assert the(mine).reference in said
    assert the(theirs).reference not in said


def test_what_is_linked_to_the_account_is_listed_in_any_browser_once(app: FastAPI) -> None:
    onboarding_id = an_onboarding("awaiting_seller", connection_type="aggregator", delegated=True)
    first = signed_in(app, "one-shop", onboarding_id)
    first.press(first.open(first.home(onboarding_id)), "/link")
    for seller in (first, signed_in(app, "one-shop")):
        page = seller.open("/en/connections")
        assert text(page).count(the(onboarding_id).reference) == 2  # Told, and read to the blind.
        assert "You are signed in as Alex Martin." in text(page)
    assert the(onboarding_id).reference not in text(
        signed_in(app, "sub-user").open("/en/connections")
    )


def test_a_client_id_is_told_by_its_ending(app: FastAPI) -> None:
    walk = a_walk("confirmed", connection_type="plugin")
    page = a_visitor(app, walk.id).open("/fr/connections")
    assert walk.revealed
    assert walk.revealed.client_id not in page.text
    assert f"Identifiant client …{walk.revealed.client_id[-4:]}" in text(page)
    assert "Prêt" in text(page)


def test_what_has_stopped_comes_last(app: FastAPI) -> None:
    open_one = an_onboarding("started")
    stopped = an_onboarding("cancelled")
    visitor = signed_in(app, "one-shop", open_one, stopped)
    said = text(visitor.open("/en/connections"))
    assert said.index(the(open_one).reference) < said.index(the(stopped).reference)


def test_signing_out_forgets_the_browser_here_and_there(app: FastAPI) -> None:
    onboarding_id = an_onboarding("confirmed")
    visitor = signed_in(app, "one-shop", onboarding_id)
    token = visitor.cookies[COOKIE]
    answer = visitor.press(visitor.open("/en/connections"), "/sign-out")
    # The portal does not answer here, so nobody is led there.
    assert answer.headers["location"] == "/en/connections?sign_in=goes_on"
    assert "You are still signed in at the Seller Portal" in text(visitor.follow(answer))
    assert 'onboarding=""; ' in answer.headers["set-cookie"]
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert _count(BrowserSession) == _count(Grant) == 0
    thief = Visitor(app, cookies={COOKIE: token})
    assert thief.get(thief.home(onboarding_id)).status_code == 404
    assert the(onboarding_id).state == "confirmed"


def test_signing_out_many_times_at_once_is_signing_out(app: FastAPI) -> None:
    visitor = signed_in(app, "one-shop", an_onboarding("started"))

    def leave(_round: int, _racer: int) -> object:
        return Visitor(app, cookies=dict(visitor.cookies)).post("/en/sign-out").status_code

    (answers,) = rounds(1, 20, leave)
    assert set(answers) == {303}
    assert _count(BrowserSession) == 0


def test_signing_out_needs_a_page_of_ours(app: FastAPI) -> None:
    visitor = signed_in(app, "one-shop")
    answer = visitor.post("/en/sign-out", headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert _count(BrowserSession) == 1


def test_the_cookie_is_taken_back_as_it_was_given(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """T57."""
    app.state.settings = app.state.settings.model_copy(update={"public_url": "https://api.example"})
    given = Visitor(app).post("/en/sign-out").headers["set-cookie"]
    for part in ("__Host-onboarding=", "Secure", "HttpOnly", "Path=/", "SameSite=lax"):
        assert part in given


def _count(table: type[BrowserSession] | type[Grant]) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


@pytest.mark.parametrize("form", ["sign-in", "sign-out"])
def test_the_address_of_a_form_shows_the_connections(app: FastAPI, form: str) -> None:
    """Reloaded, or in the other language, it is asked for with a GET."""
    answer = Visitor(app, "fr").get(f"/fr/{form}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/fr/connections")
