"""Looking at what the seller sees: their page, in their language, and nothing on it does anything."""

import pytest
from bs4 import BeautifulSoup
from fastapi import FastAPI
from sqlalchemy import Engine, update

from onboarding import audit
from onboarding.chart import STATES
from onboarding.db import reading, transaction
from onboarding.models import AuditEntry, BrowserSession
from onboarding.sealing import Keyring
from onboarding.web import inert
from tests import builders
from tests.composing import put
from tests.dumping import dump
from tests.web.operating import a_quiet_site, at_console, home
from tests.web.visiting import Visitor, a_visitor, heading, soup, text

WHY = "the seller is on the phone"


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_quiet_site(ring)


def trail() -> list[AuditEntry]:
    with reading() as session:
        return [*audit.latest(session, 20)]


@pytest.mark.parametrize("locale", ["en", "fr"])
@pytest.mark.parametrize("state", STATES)
def test_it_is_the_page_of_the_seller_without_its_effects(
    app: FastAPI, state: str, locale: str
) -> None:
    walk = builders.a_walk(state, email="alexandra@harbour-shop.example")
    put(walk.id, locale=locale)
    seller, lead = a_visitor(app, walk.id, locale), at_console(app, "lead")
    theirs = seller.get(seller.home(walk.id))
    page = lead.press(lead.get(home(walk.id)), "/as-seller", reason=WHY)
    assert (page.status_code, theirs.status_code) == (200, 200)
    assert text(page) == text(theirs)
    assert soup(page).select_one(f'html[lang="{locale}"]')
    banner = soup(page).select_one(".as-seller")
    assert banner
    assert "You see what the seller sees now." in banner.text
    assert [link["href"] for link in banner.select("a")] == [home(walk.id)]
    assert "set-cookie" not in page.headers
    assert not walk.revealed or walk.revealed.secret.get_secret_value() not in page.text
    nothing_acts(soup(page))


def nothing_acts(page: BeautifulSoup) -> None:
    """No form, no control that is enabled, no way out but the banner's, no script."""
    assert not page.select(
        "form, script, iframe, meta[http-equiv], [formaction], [data-follow] form"
    )
    assert all(c.has_attr("disabled") for c in page.select("button, input, select, textarea"))
    elsewhere = [a for a in page.select("a[href]") if not str(a["href"]).startswith("#")]
    assert [a.find_parent(class_="as-seller") is not None for a in elsewhere] == [True]


@pytest.mark.parametrize("state", ["secret_ready", "secret_revealed"])
def test_the_secret_is_hidden_and_that_is_said(app: FastAPI, state: str) -> None:
    walk = builders.a_walk(state)
    page = at_console(app, "admin").post(f"{home(walk.id)}/as-seller", {"reason": WHY})
    assert "The client secret is hidden" in page.text
    secret = (walk.revealed or builders.reveal(walk.id)).secret.get_secret_value()
    assert secret not in page.text
    assert secret[-20:] not in page.text


def test_nobody_is_signed_in_and_only_the_trail_is_written(app: FastAPI, database: Engine) -> None:
    onboarding_id = builders.an_onboarding("awaiting_seller")
    lead = at_console(app, "lead")
    before, cookies = dump(database), dict(lead.cookies)
    page = lead.post(f"{home(onboarding_id)}/as-seller", {"reason": WHY})
    assert page.status_code == 200
    assert lead.cookies == cookies
    after = dump(database)
    assert {table for table in after if after[table] != before[table]} <= {"audit", "audit_head"}
    (entry,) = trail()
    assert (entry.action, entry.reason, entry.onboarding_id) == ("view_as", WHY, onboarding_id)
    # With the operator's own cookie, the seller's pages stay closed.
    for path in ("", "/save", "/cancel"):
        assert lead.get(f"/en/onboardings/{onboarding_id}{path}").status_code == 404
    assert lead.post(f"/en/onboardings/{onboarding_id}/cancel").status_code == 404
    assert builders.state_of(onboarding_id) == "awaiting_seller"


def test_what_their_browser_knows_is_seen_too(app: FastAPI) -> None:
    onboarding_id = builders.an_onboarding("awaiting_seller")
    shops = [
        {"seller_id": f"S-{n}", "shop_name": name, "may_connect_api": True, "status": "active"}
        for n, name in ((1, "Harbour Shop"), (2, "Hill Shop"))
    ]
    seller = a_visitor(app, onboarding_id)
    with transaction() as session:
        session.execute(
            update(BrowserSession).values(
                issuer="https://portal.example",
                subject="alex",
                seller_name="Alex",
                accounts={"accounts": shops},
                signed_in_at=BrowserSession.created_at,
            )
        )
    page = at_console(app, "lead").post(f"{home(onboarding_id)}/as-seller", {"reason": WHY})
    assert heading(page) == heading(seller.get(seller.home(onboarding_id)))
    assert "Hill Shop" in text(page)


@pytest.mark.parametrize("role", ["viewer", "auditor", "operator"])
def test_it_takes_the_role_for_personal_data(app: FastAPI, role: str) -> None:
    onboarding_id = builders.an_onboarding("secret_ready")
    visitor = at_console(app, role)
    assert "See what the seller sees" not in visitor.get(home(onboarding_id)).text
    assert visitor.post(f"{home(onboarding_id)}/as-seller", {"reason": WHY}).status_code == 403
    (entry,) = trail()
    assert (entry.action, entry.outcome) == ("view_as", "refused")


def test_without_a_reason_nothing_is_shown(app: FastAPI) -> None:
    onboarding_id = builders.an_onboarding("secret_ready", email="alexandra@shop.example")
    lead = at_console(app, "lead")
    page = lead.post(f"{home(onboarding_id)}/as-seller", {"reason": " "})
    assert page.status_code == 422
    assert "alexandra" not in page.text
    (entry,) = trail()
    assert (entry.action, entry.outcome, entry.reason) == ("view_as", "refused", "")


def test_reloaded_it_leads_back(app: FastAPI) -> None:
    onboarding_id = builders.an_onboarding("secret_ready")
    answer = at_console(app, "lead").get(f"{home(onboarding_id)}/as-seller")
    assert answer.headers["location"] == home(onboarding_id)
    assert trail() == []
    assert Visitor(app).get(f"{home(onboarding_id)}/as-seller").status_code == 401


def test_whatever_a_page_holds_is_inert() -> None:
    acting = """<!DOCTYPE html><html><head><title>&lt;a&gt; &#233;</title>
    <meta charset="utf-8"><meta http-equiv="refresh" content="0;url=/x">
    <script>go()</script><base href="/x"></head><body class="b"><header></header><a href="#main">down</a>
    <a href="/x" ping="/y" class="c" download>out</a><iframe src="/x"><form></form></iframe>
    <form action="/x" method="post"><input name="a" value="&quot;1" formaction="/x">
    <button formaction="/y">go</button><select><option>1</option></select>
    <textarea>t</textarea><input type="image" src="x"/></form>
    <svg viewBox="0 0 1 1"><path d="M1"/></svg></body></html>"""
    page = inert.page(acting, 200, head="<link>", banner="<i>ours</i>")
    made = BeautifulSoup(bytes(page.body).decode(), "html.parser")
    assert not made.select("form, script, base, iframe, meta[http-equiv], [formaction], [ping]")
    assert [a.get("href") for a in made.select("a")] == ["#main", None]
    controls = made.select("button, input, select, textarea")
    assert [c.has_attr("disabled") for c in controls] == [True] * 5
    assert made.select("input")[0]["value"] == '"1'
    assert [str(made.title), made.select("body > i")[0].text] == [
        "<title>&lt;a&gt; é</title>",
        "ours",
    ]
    assert 'viewBox="0 0 1 1"' in bytes(page.body).decode()
    assert "form-action 'none'" in page.headers["content-security-policy"]
