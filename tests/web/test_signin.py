"""Signing in at the Seller Portal and back: once, in the browser that began it, and under a new cookie."""

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pytest
from sqlalchemy import Engine, func, select, update

from onboarding import db, sign_ins
from onboarding.db import reading, transaction
from onboarding.models import BrowserSession, PendingSignIn
from onboarding.sealing import Keyring
from tests.builders import an_onboarding, state_of, the
from tests.racing import rounds
from tests.web.signing_in import (
    Site,
    choose_seller,
    cookie,
    go_on,
    leads_to,
    press,
    served_site,
    sign_in_as,
    way_back,
)
from tests.web.visiting import heading, text


@pytest.fixture
def site(database: Engine, ring: Keyring, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with served_site(ring, monkeypatch) as served:
        yield served


def waiting_browser(site: Site) -> tuple[httpx.Client, str]:
    """A browser whose onboarding waits for its seller, and the onboarding's address."""
    onboarding_id = an_onboarding("awaiting_seller", connection_type="aggregator", delegated=True)
    return site.browser(onboarding_id), f"/en/onboardings/{onboarding_id}"


@pytest.mark.parametrize(
    ("seller", "title", "said"),
    [
        ("one-shop", "Is this the right seller account?", "Example Shop SARL"),
        ("french", "Is this the right seller account?", "Boutique Exemple SAS"),
        ("two-shops", "Which seller account do you want to connect?", "Example Garden Ltd"),
        ("suspended", "You cannot connect this seller account", "is suspended. Ask the support"),
        ("sub-user", "You cannot connect this seller account", "Only the owner of the account may"),
    ],
)
def test_whoever_signs_in_reads_what_they_may_connect(
    site: Site, seller: str, title: str, said: str
) -> None:
    browser, home = waiting_browser(site)
    page = sign_in_as(browser, browser.get(home), seller)
    assert heading(page) == title
    assert said in text(page)
    assert ("/link" in page.text) == title.endswith("?")


def test_the_cookie_changes_at_the_sign_in_and_the_old_one_knows_nobody(site: Site) -> None:
    """T02."""
    browser, home = waiting_browser(site)
    planted = cookie(browser)
    sign_in_as(browser, browser.get(home), "one-shop")
    assert cookie(browser) != planted
    thief = site.browser(token=planted)
    assert heading(thief.get(home)) == "Sign in to your seller account"
    assert "Alex Martin" not in thief.get("/en/connections").text
    press(browser, browser.get(home), "/link")
    assert thief.get(home).status_code == 404
    assert browser.get(home).status_code == 200


def test_a_sign_in_whose_answer_was_lost_locks_nobody_out(site: Site) -> None:
    browser, home = waiting_browser(site)
    before = cookie(browser)
    sign_in_as(browser, browser.get(home), "one-shop")
    again = site.browser(token=before)
    page = sign_in_as(again, again.get(home), "one-shop")
    assert heading(page) == "Is this the right seller account?"


def test_an_answer_counts_once(site: Site) -> None:
    """T09."""
    browser, home = waiting_browser(site)
    back = way_back(browser, browser.get(home), "one-shop")
    assert heading(browser.get(back)) == "Is this the right seller account?"
    again = browser.get(back)
    assert (again.status_code, heading(again)) == (404, "This sign-in is over")
    assert heading(browser.get(home)) == "Is this the right seller account?"


def test_of_an_answer_sent_many_times_at_once_one_counts(site: Site) -> None:
    browser, home = waiting_browser(site)
    back = way_back(browser, browser.get(home), "one-shop")
    token = cookie(browser)

    def come_back(_round: int, _racer: int) -> httpx.Response:
        return site.browser(token=token).get(back, follow_redirects=False)

    (answers,) = rounds(1, 20, come_back)
    statuses = sorted(a.status_code for a in answers if isinstance(a, httpx.Response))
    assert statuses == [303, *[404] * 19]


def test_another_browser_cannot_use_an_answer(site: Site) -> None:
    """T09."""
    browser, home = waiting_browser(site)
    stranger, _ = waiting_browser(site)
    back = way_back(browser, browser.get(home), "one-shop")
    assert stranger.get(back).status_code == 404
    assert site.browser().get(back).status_code == 404
    # Nor has it used up what belongs to the first.
    assert heading(browser.get(back)) == "Is this the right seller account?"


@pytest.mark.parametrize(
    "query", ["", "state=", "state=x", "state=%00", "state=%ED%A0%80&code=%FF"]
)
def test_garbage_is_no_answer(site: Site, query: str) -> None:
    browser, _home = waiting_browser(site)
    answer = browser.get(f"/sign-in/callback?{query}", headers={"accept-language": "fr"})
    assert (answer.status_code, heading(answer)) == (404, "Cette connexion est terminée")
    assert answer.headers["cache-control"] == "no-store"


def test_an_answer_that_comes_after_an_hour_is_too_late(site: Site) -> None:
    browser, home = waiting_browser(site)
    back = way_back(browser, browser.get(home), "one-shop")
    with transaction() as session:
        earlier = db.clock(session) - sign_ins.LASTS - timedelta(seconds=1)
        session.execute(update(PendingSignIn).values(created_at=earlier))
    assert browser.get(back).status_code == 404
    assert heading(browser.get(home)) == "Sign in to your seller account"


def test_a_false_code_signs_nobody_in_and_the_page_says_so(site: Site) -> None:
    browser, home = waiting_browser(site)
    back = way_back(browser, browser.get(home), "one-shop")
    answer = browser.get(back.replace("code=", "code=x"))
    assert heading(answer) == "Sign in to your seller account"
    assert "The sign-in did not succeed, and nothing was changed." in text(answer)


def test_whoever_cancels_reads_so_on_the_page_they_came_from(site: Site) -> None:
    browser, home = waiting_browser(site)
    portal = press(browser, browser.get(home), "/sign-in")
    page = press(browser, portal, "sign-in", seller="one-shop", action="cancel")
    assert page.url.path == home
    assert "You cancelled the sign-in. Nothing was changed." in text(page)


@pytest.mark.parametrize("reason", ["cancelled", "stale", "unavailable", "<b>", "no-such-reason"])
def test_what_the_page_says_of_a_sign_in_is_ours(site: Site, reason: str) -> None:
    browser, home = waiting_browser(site)
    page = browser.get(home, params={"sign_in": reason})
    assert page.status_code == 200
    assert "<b>" not in page.text
    assert "othing was changed" in text(page)


def test_a_portal_that_does_not_answer_is_said_on_the_page(
    site: Site, monkeypatch: pytest.MonkeyPatch, ring: Keyring
) -> None:
    browser, home = waiting_browser(site)
    monkeypatch.setenv("ONBOARDING_OIDC_ISSUER", "http://127.0.0.1:9")
    with served_site(ring, monkeypatch) as other:
        elsewhere = other.browser(token=cookie(browser))
        answer = press(elsewhere, elsewhere.get(home), "/sign-in")
        assert answer.url.path == home
        assert "The Seller Portal does not answer at the moment." in text(answer)
        answer = press(elsewhere, elsewhere.get("/en/connections"), "/sign-in")
        assert answer.url.path == "/en/connections"
        assert "The Seller Portal does not answer at the moment." in text(answer)


def test_another_account_is_asked_for_anew(site: Site) -> None:
    browser, home = waiting_browser(site)
    page = sign_in_as(browser, browser.get(home), "one-shop")
    portal = press(browser, page, "/sign-in")
    assert "/sandbox/seller-portal/" in portal.url.path
    page = choose_seller(browser, portal, "french")
    assert "Boutique Exemple SAS" in text(page)
    assert "Example Shop SARL" not in text(page)


def test_signing_in_vouches_for_the_contact(site: Site) -> None:
    browser, home = waiting_browser(site)
    sign_in_as(browser, browser.get(home), "one-shop")
    assert the(_id(home)).contact_verified_at is not None


def test_signing_in_does_not_vouch_for_who_wants_credentials_only(site: Site) -> None:
    onboarding_id = an_onboarding("type_chosen", connection_type="credentials_only")
    browser = site.browser(onboarding_id)
    portal = go_on(browser, browser.post(f"/en/onboardings/{onboarding_id}/sign-in"))
    choose_seller(browser, portal, "one-shop")
    assert the(onboarding_id).contact_verified_at is None


def test_only_who_may_move_an_onboarding_signs_in_for_it(site: Site) -> None:
    _browser, home = waiting_browser(site)
    stranger, _other = waiting_browser(site)
    for browser in (stranger, site.browser()):
        refused = browser.post(f"{home}/sign-in")
        unknown = browser.post("/en/onboardings/0190f3a0-0000-7000-8000-000000000000/sign-in")
        assert refused.status_code == unknown.status_code == 404
        assert text(refused) == text(unknown)
    assert _pending() == 0


def test_a_new_visitor_gets_a_session_only_by_signing_in(site: Site) -> None:
    visitor = site.browser()
    page = visitor.get("/en/connections")
    assert not visitor.cookies
    page = sign_in_as(visitor, page, "two-shops", shop="234561")
    assert page.url.path == "/en/connections"
    assert "Example Home Ltd, Seller ID 234561" in text(page)
    assert "Example Garden Ltd" not in text(page)


def test_a_sign_in_that_returns_after_signing_out_changes_nothing(site: Site) -> None:
    browser, home = waiting_browser(site)
    back = way_back(browser, browser.get(home), "one-shop")
    browser.post("/en/sign-out")
    assert browser.get(back).status_code == 404
    assert _pending() == 0


def test_signing_out_ends_the_sign_in_at_the_portal_too(site: Site) -> None:
    browser, home = waiting_browser(site)
    sign_in_as(browser, browser.get(home), "one-shop")
    out = press(browser, browser.get("/en/connections"), "/sign-out")
    assert out.url.path.endswith("/end-session")
    assert heading(out) == "You are signed out"
    again = press(browser, browser.get("/en/connections"), "/sign-in")
    assert "/authorize" in again.url.path, "the portal asks who it is"


def test_who_is_signed_in_nowhere_is_led_nowhere_to_sign_out(site: Site) -> None:
    browser, _home = waiting_browser(site)
    assert press(browser, browser.get("/fr/connections"), "/sign-out").url.path == "/fr/connections"


@pytest.mark.parametrize("locale", ["de", "xxxxxxxxxx", "en-GB"])
def test_there_are_no_pages_in_other_languages(site: Site, locale: str) -> None:
    browser, home = waiting_browser(site)
    assert browser.post(home.replace("/en/", f"/{locale}/") + "/sign-in").status_code == 404
    assert browser.post(f"/{locale}/sign-in").status_code == 404
    assert _pending() == 0


def test_the_way_to_the_portal_speaks_the_language_of_the_page(site: Site) -> None:
    browser, home = waiting_browser(site)
    answer = browser.post(home.replace("/en/", "/fr/") + "/sign-in")
    assert heading(answer) == "Vers le Portail vendeur"
    asked = parse_qs(urlsplit(leads_to(answer) or "").query)
    assert asked["ui_locales"] == ["fr"]
    assert "prompt" not in asked


def test_nobody_is_linked_by_signing_in(site: Site) -> None:
    browser, home = waiting_browser(site)
    sign_in_as(browser, browser.get(home), "one-shop")
    assert state_of(_id(home)) == "awaiting_seller"
    with reading() as session:
        names = session.scalars(select(BrowserSession.seller_name)).all()
    assert [name for name in names if name] == ["Alex Martin"]


def _id(home: str) -> UUID:
    return UUID(home.rpartition("/")[2])


def _pending() -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(PendingSignIn)) or 0
