"""The pages of a client with more sellers than one: its owner asks, a seller decides, either ends it."""

from datetime import timedelta
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding import further_sellers
from onboarding.db import reading
from onboarding.models import FurtherLink, SellerInvitation
from onboarding.sealing import Keyring
from tests import builders
from tests.another_seller import OTHER, linked, suspend
from tests.builders import an_onboarding
from tests.web import secret_walk
from tests.web.inviting import a_seller, asked
from tests.web.operating import at_console
from tests.web.secret_walk import click_often, count, let_pass
from tests.web.signing_in import served_site, sign_in_as
from tests.web.test_wizard_afterwards import done
from tests.web.visiting import a_site, a_visitor, errors, heading, letters, soup, text

EMAIL = "ada@shop.example"


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_site(ring)


def confirmed(state: str = "confirmed") -> UUID:
    one = an_onboarding(state, email=EMAIL)
    builders.work(one)
    return one


def alive(onboarding_id: UUID) -> list[str]:
    with reading() as session:
        return [each.seller_id for each in further_sellers.alive(session, onboarding_id)]


@pytest.mark.parametrize("state", ["confirmed", "credentials_issued"])
def test_an_owner_makes_a_link_and_a_seller_agrees(app: FastAPI, state: str) -> None:
    one = confirmed(state)
    owner = a_visitor(app, one)
    listed = owner.open("/en/connections")
    way = soup(listed).select_one('a[href$="/sellers"]')
    assert way
    page = owner.open(str(way["href"]))
    assert heading(page) == "Seller accounts of this connection"
    page = owner.follow(owner.press(page, "/sellers"))
    url = soup(page).select_one("#link-1")
    assert url
    path = url.text.removeprefix(str(app.state.settings.base_url))

    seller = a_seller(app)
    page = seller.open(path)
    assert heading(page) == "May this client act for your seller account?"
    assert "Example Shop SARL" in text(page)
    assert "compared the client ID" in text(page)
    page = seller.follow(seller.press(page, path))
    assert "Clients that may act for your seller accounts" in text(page)
    assert alive(one) == ["123456"]

    shown = text(owner.open(f"{owner.home(one)}/sellers"))
    assert "Ready Example Shop SARL, Seller ID 123456" in shown
    assert "Links that no seller has used yet" not in shown
    assert "Example Shop SARL" in text(owner.open(owner.home(one)))
    record = owner.get(f"{owner.home(one)}/record").text
    assert "Example Shop SARL" in record
    (letter,) = letters("another seller account is linked")
    assert letter.to == EMAIL
    assert "Example Shop SARL" in letter.text
    # Whoever is acted for owns nothing of it.
    assert seller.get(seller.home(one)).status_code == 404


def test_a_link_is_taken_back(app: FastAPI) -> None:
    one = confirmed()
    owner = a_visitor(app, one)
    path = asked(one)
    page = owner.open(f"{owner.home(one)}/sellers")
    page = owner.follow(owner.press(page, "/sellers/withdraw"))
    assert "Links that no seller has used yet" not in text(page)
    answer = a_seller(app).get(path)
    assert (answer.status_code, heading(answer)) == (410, "This link is over")


def test_of_two_shops_one_has_to_be_chosen(app: FastAPI) -> None:
    one = confirmed()
    seller, path = a_seller(app, "two-shops"), asked(one)
    again = seller.press(seller.open(path), path)
    assert again.status_code == 422
    assert errors(again) == {"seller_id": "Select a seller account"}
    assert alive(one) == []
    seller.press(again, path, seller_id="234562")
    assert alive(one) == ["234562"]


@pytest.mark.parametrize("who", ["suspended", "sub-user"])
def test_an_account_that_may_not_be_connected_is_not(app: FastAPI, who: str) -> None:
    one = confirmed()
    seller, path = a_seller(app, who), asked(one)
    page = seller.open(path)
    assert heading(page) == "You cannot connect this seller account"
    for seller_id in ("456789", "123456"):
        assert seller.post(path, {"seller_id": seller_id}).status_code == 422
    assert alive(one) == []


def test_a_check_that_does_not_pass_is_told_to_both(app: FastAPI) -> None:
    one = confirmed()
    seller, path = a_seller(app), asked(one)
    suspend("123456")
    page = seller.follow(seller.press(seller.open(path), path))
    assert "Our check did not pass, so it never acted." in text(page)
    (letter,) = letters("could not be linked")
    assert "suspended" in letter.text
    assert alive(one) == []


def test_twenty_clicks_agree_once(app: FastAPI) -> None:
    one = confirmed()
    seller, path = a_seller(app), asked(one)
    clicks = click_often(seller, seller.open(path), path)
    assert {answer.status_code for _, answer in clicks} == {303}
    assert count(FurtherLink) == 1
    assert len(letters("another seller account is linked")) == 1


def test_whoever_is_linked_already_is_told_so(app: FastAPI) -> None:
    one = confirmed()
    seller = a_seller(app)
    seller.press(seller.open(path := asked(one)), path)
    page = seller.press(seller.open(path := asked(one)), path)
    assert page.status_code == 409
    assert errors(page) == {}
    assert "This seller account is linked already" in text(page)


def test_a_seller_ends_it_and_the_owner_is_told(app: FastAPI) -> None:
    one = confirmed()
    seller = a_seller(app)
    seller.press(seller.open(path := asked(one)), path)
    page = seller.open("/en/connections")
    way = soup(page).select_one('a[href$="/end"]')
    assert way
    page = seller.open(str(way["href"]))
    assert heading(page) == "End the link with this seller account?"
    page = seller.follow(seller.press(page, "/end"))
    assert "act for your seller accounts no longer" in text(page)
    assert alive(one) == []
    assert letters("link with another seller has ended")


def test_an_owner_ends_one_with_a_fresh_proof(app: FastAPI) -> None:
    owner, caller = done(app)
    link = linked(caller.id)
    path = f"/en/seller-links/{link}/end"
    asked_first = owner.open(path)
    let_pass(owner, timedelta(minutes=11))
    proof = owner.follow(owner.press(asked_first, "/end"))
    assert heading(proof) == "Show that it is you"
    assert alive(caller.id) != []
    secret_walk.prove(owner, proof)
    page = owner.follow(owner.press(owner.open(path), "/end"))
    assert heading(page) == "Seller accounts of this connection"
    assert alive(caller.id) == []


def test_before_it_is_revoked_it_says_whose_links_end(app: FastAPI) -> None:
    owner, caller = done(app)
    linked(caller.id)
    page = owner.open(f"{owner.home(caller.id)}/revoke")
    assert "1 other seller account is linked to it" in text(page)
    owner.press(page, "/revoke")
    assert alive(caller.id) == []


@pytest.mark.parametrize("state", ["started", "seller_linked", "cancelled"])
def test_where_it_is_not_done_the_page_leads_home(app: FastAPI, state: str) -> None:
    one = an_onboarding(state)
    owner = a_visitor(app, one)
    answer = owner.get(f"{owner.home(one)}/sellers")
    assert answer.headers["location"] == owner.home(one)
    owner.post(f"{owner.home(one)}/sellers")
    assert count(SellerInvitation) == 0


def test_looking_changes_nothing(app: FastAPI) -> None:
    one = confirmed()
    path = asked(one)
    stranger = a_visitor(app)
    for _ in range(5):
        assert stranger.send("HEAD", path).status_code == 200
        assert stranger.get(path).status_code == 200
    assert a_seller(app).get(path).status_code == 200


def test_a_seller_who_really_signs_in_agrees(
    sqlite: Engine, ring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served_site(ring, monkeypatch) as site:
        one = confirmed("credentials_issued")
        browser = site.browser()
        path = asked(one)
        page = browser.get(path)
        assert "Sign in to your seller account to see who asks" in text(page)
        page = sign_in_as(browser, page, "one-shop")
        assert page.url.path == path
        assert heading(page) == "May this client act for your seller account?"
        action = str(page.url.join(path))
        page = browser.post(action, data={"seller_id": "123456"})
        assert page.url.path == "/en/connections"
        assert alive(one) == ["123456"]


def test_french(app: FastAPI) -> None:
    one = confirmed("credentials_issued")
    owner = a_visitor(app, one, "fr")
    page = owner.open(f"{owner.home(one)}/sellers")
    assert heading(page) == "Comptes vendeurs de cette connexion"
    page = owner.follow(owner.press(page, "/sellers"))
    url = soup(page).select_one("#link-1")
    assert url
    assert "/fr/invitations/" in url.text
    seller = a_seller(app, locale="fr")
    page = seller.open(path := asked(one, "fr"))
    assert heading(page) == "Ce client peut-il agir pour votre compte vendeur\xa0?"
    page = seller.follow(seller.press(page, path))
    assert "Clients qui peuvent agir pour vos comptes vendeurs" in text(page)


def test_operators_see_it_at_the_console_and_no_seller_id(app: FastAPI) -> None:
    one = confirmed()
    linked(one)
    asked(one)
    operator = at_console(app, "viewer")
    page = operator.open(f"/en/console/onboardings/{builders.the(one).reference}")
    shown = text(page)
    assert "Other sellers that it acts for" in shown
    assert "linked since" in shown
    assert "1 link for another seller is open" in shown
    assert "Another seller has let the client act for them" in shown
    assert OTHER.seller_id not in page.text
