"""The sandbox Seller Portal as people meet it: its pages, and how long it remembers them."""

import httpx
import pytest
from bs4 import BeautifulSoup
from playwright.sync_api import Page

from onboarding.sellers.sandbox import COOKIE
from onboarding.sellers.sandbox_accounts import SAMPLE_SELLERS
from onboarding.sellers.sandbox_tokens import write_note
from tests.sellers.sandbox_visit import KEY, PATH, ask, brought, choose, code_for
from tests.servers.browser import accessibility_findings


def question(visitor: httpx.Client, locale: str) -> str:
    """Where a program that signs sellers in sends a browser."""
    return str(httpx.URL(visitor.get("/begin").json()).copy_merge_params({"ui_locales": locale}))


def test_the_page_offers_every_sample_seller_and_asks_for_no_password(
    visitor: httpx.Client,
) -> None:
    page = BeautifulSoup(ask(visitor).text, "html.parser")
    assert "Sandbox Seller Portal: sample sellers, no real accounts" in page.text
    assert [str(field["value"]) for field in page.select("input[type=radio]")] == [*SAMPLE_SELLERS]
    assert not page.select("input[type=password], script, [style], [onclick]")


@pytest.mark.parametrize("step", ["sign-in", "shops"])
def test_every_choice_has_a_label(visitor: httpx.Client, step: str) -> None:
    answer = ask(visitor)
    if step == "shops":
        answer = choose(visitor, answer, seller="two-shops")
    page = BeautifulSoup(answer.text, "html.parser")
    choices = page.select("input[type=radio]")
    assert [field["id"] for field in choices] == [label["for"] for label in page.select("label")]
    described = [
        field["aria-describedby"] for field in choices if "aria-describedby" in field.attrs
    ]
    assert all(page.find(id=str(name)) for name in described)
    assert len(page.select("h1, main, header, title")) == 4


@pytest.mark.parametrize(
    ("ui_locales", "accepted", "language"),
    [("fr", "en", "fr"), ("de fr-CA", "en", "fr"), (None, "fr-FR", "fr"), (None, "de", "en")],
)
def test_the_page_speaks_the_language_that_was_asked_for(
    visitor: httpx.Client, ui_locales: str | None, accepted: str, language: str
) -> None:
    visitor.headers["Accept-Language"] = accepted
    page = BeautifulSoup(ask(visitor, ui_locales=ui_locales).text, "html.parser")
    assert page.select("html")[0]["lang"] == language
    assert ("Choose a sample seller" in page.text) == (language == "en")
    (other,) = page.select("nav a")
    switched = visitor.get(f"{PATH}/{other['href']}")
    assert f'<html lang="{other["hreflang"]}">' in switched.text
    assert brought(choose(visitor, switched, seller="french"))["state"] == "state-1"


@pytest.mark.parametrize("locale", ["en", "fr"])
def test_every_page_is_accessible(visitor: httpx.Client, page: Page, locale: str) -> None:
    page.goto(question(visitor, locale))
    assert accessibility_findings(page) == []
    page.click("button[value=sign-in]")
    assert accessibility_findings(page) == []
    page.check("#two-shops")
    page.click("button[value=sign-in]")
    assert accessibility_findings(page) == []
    for path in ("authorize", "end-session"):
        page.goto(str(visitor.base_url.join(f"{PATH}/{path}")))
        assert accessibility_findings(page) == []


def test_a_browser_without_javascript_gets_back(
    visitor: httpx.Client, page_without_javascript: Page
) -> None:
    page = page_without_javascript
    page.goto(question(visitor, "en"))
    page.check("#two-shops")
    page.click("button[value=sign-in]")
    page.check("#shop-all")
    page.click("button[value=sign-in]")
    assert "Billie Okafor" in page.inner_text("body")


def test_no_page_is_stored_framed_or_loads_from_elsewhere(url: str, visitor: httpx.Client) -> None:
    pages = [ask(visitor), ask(visitor, client_id="x"), visitor.get(f"{PATH}/end-session")]
    pages += [choose(visitor, pages[0], seller="two-shops"), choose(visitor, pages[0], seller="x")]
    for page in pages:
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert policy.endswith(f"form-action 'self' {url}")
        assert page.headers["cache-control"] == "no-store"
    style = visitor.get(f"{PATH}/style.css")
    assert style.headers["content-type"].startswith("text/css")


def test_what_the_client_sends_is_escaped(visitor: httpx.Client) -> None:
    page = ask(visitor, state='"><script>alert(1)</script>')
    assert "<script>" not in page.text
    answer = brought(choose(visitor, page, seller="one-shop"))
    assert answer["state"] == '"><script>alert(1)</script>'


@pytest.mark.parametrize("seller", ["", "nobody"])
def test_choosing_nobody_asks_again(visitor: httpx.Client, seller: str) -> None:
    again = choose(visitor, ask(visitor), seller=seller)
    assert again.status_code == 400
    assert 'role="alert"' in again.text
    assert brought(choose(visitor, again, seller="one-shop"))["code"]


@pytest.mark.parametrize("question", ["", "made-up", write_note(KEY, "question", {}, -1)])
def test_a_page_that_is_too_old_says_where_to_start(visitor: httpx.Client, question: str) -> None:
    answer = visitor.post(f"{PATH}/sign-in", data={"question": question, "seller": "one-shop"})
    assert answer.status_code == 400
    assert "This page is too old" in answer.text


def test_an_earlier_sign_in_is_used_until_it_is_too_old_or_unwanted(visitor: httpx.Client) -> None:
    code_for(visitor)
    assert "code" in brought(ask(visitor))
    assert "code" in brought(ask(visitor, prompt="none"))
    assert "code" in brought(ask(visitor, max_age="600"))
    for changed in ({"prompt": "login"}, {"prompt": "select_account"}, {"max_age": "0"}):
        assert ask(visitor, **changed).status_code == 200
    assert brought(ask(visitor, prompt="none", max_age="0"))["error"] == "login_required"


def test_an_old_sign_in_is_too_old_for_a_max_age(visitor: httpx.Client) -> None:
    facts = {"sub": "one-shop", "seller_ids": ["123456"], "auth_time": 1_000_000_000}
    visitor.cookies.set(COOKIE, write_note(KEY, "session", facts, 60))
    assert "code" in brought(ask(visitor))
    assert ask(visitor, max_age="600").status_code == 200


def test_signing_out_forgets_the_sign_in(visitor: httpx.Client) -> None:
    code_for(visitor)
    assert visitor.get(f"{PATH}/end-session").status_code == 200
    assert ask(visitor).status_code == 200


def test_a_made_up_cookie_signs_nobody_in(visitor: httpx.Client) -> None:
    facts = {"sub": "one-shop", "seller_ids": ["123456"], "auth_time": 1_000_000_000}
    for cookie in (
        "x",
        write_note(bytes(32), "session", facts, 60),
        write_note(KEY, "code", facts, 60),
    ):
        visitor.cookies.set(COOKIE, cookie)
        assert ask(visitor).status_code == 200


def test_the_cookie_is_for_the_portal_alone(visitor: httpx.Client) -> None:
    answer = choose(visitor, ask(visitor), seller="one-shop")
    cookie = answer.headers["set-cookie"].lower()
    assert cookie.startswith(f"{COOKIE}=")
    assert all(part in cookie for part in (f"path={PATH}", "httponly", "samesite=lax"))
