"""The start page, in the visitor's language; and a start that happens once, to its own browser only."""

import re
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, func, select

from onboarding import db, proofs, queries, routing
from onboarding.db import reading, transaction
from onboarding.models import BrowserSession, Onboarding
from onboarding.routing_questions import TREE
from onboarding.sealing import Keyring
from tests import builders, racing
from tests.web.visiting import Visitor, a_site, a_visitor, errors, form_of, heading, soup, text

QUESTION = {"en": "How will you connect to our API?", "fr": "Comment vous connecter à notre API"}
ACTION = "/onboardings"
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def site(database: Engine, ring: Keyring) -> FastAPI:
    return a_site(ring)


@pytest.fixture
def site_on_sqlite(sqlite: Engine, ring: Keyring) -> FastAPI:
    return a_site(ring)


@pytest.mark.parametrize(
    ("path", "accept_language", "locale"),
    [
        ("/", "", "en"),
        ("/", "de, fr-CA;q=0.8, en;q=0.2", "fr"),
        ("/en", "fr", "en"),
        ("/en/", "fr", "en"),
        ("/fr", "en", "fr"),
        ("/fr/", "en", "fr"),
    ],
)
def test_the_start_page_asks_in_the_visitors_language(
    site_on_sqlite: FastAPI, path: str, accept_language: str, locale: str
) -> None:
    page = Visitor(site_on_sqlite).get(path, accept_language=accept_language)
    assert (page.status_code, page.headers["cache-control"]) == (200, "no-store")
    assert heading(page).startswith(QUESTION[locale])
    assert form_of(page, ACTION)[0] == f"/{locale}/onboardings"
    assert page.headers.get("vary") == ("Accept-Language" if path == "/" else None)


@pytest.mark.parametrize("path", ["/de", "/EN", "/english", "/%00", "/fr/nothing"])
def test_there_is_no_other_start_page(site_on_sqlite: FastAPI, path: str) -> None:
    assert Visitor(site_on_sqlite).get(path).status_code == 404


@pytest.mark.parametrize("path", ["/", "/en", "/fr/"])
def test_looking_writes_nothing_down(site_on_sqlite: FastAPI, path: str) -> None:
    visitor = Visitor(site_on_sqlite)
    for method in ("HEAD", "GET", "GET"):
        assert visitor.send(method, path).status_code == 200
    assert (count(Onboarding), count(BrowserSession)) == (0, 0)


def test_every_type_can_be_chosen(site_on_sqlite: FastAPI) -> None:
    page = Visitor(site_on_sqlite).get("/en")
    offered = [str(field["value"]) for field in soup(page).select("input[type=radio]")]
    assert tuple(offered) == TREE["connection_type"].question.options
    assert "You are about to manage your REST API client ID" in text(page)
    assert "login for the REST API" in text(page)


@pytest.mark.parametrize("locale", ["en", "fr"])
def test_a_start_leads_to_an_onboarding_of_this_browser(site: FastAPI, locale: str) -> None:
    visitor = Visitor(site, locale)
    answer = started(visitor)
    assert answer.status_code == 303
    onboarding = builders.the(started_id(answer))
    assert answer.headers["location"] == visitor.home(onboarding.id)
    assert (onboarding.state, onboarding.sequence, onboarding.locale) == ("started", 1, locale)
    assert onboarding.rule_set == routing.CURRENT.version
    assert onboarding.answers == {"connection_type": "plugin"}
    assert visitor.follow(answer).status_code == 200
    assert Visitor(site, locale).get(visitor.home(onboarding.id)).status_code == 404


def test_whoever_chooses_soap_is_told_at_once_where_to_go(site: FastAPI) -> None:
    visitor = Visitor(site)
    answer = started(visitor, "legacy_soap")
    assert builders.state_of(started_id(answer)) == "redirected_to_soap"
    assert "Nothing was created here" in text(visitor.follow(answer))


@pytest.mark.parametrize("locale", ["en", "fr"])
def test_without_a_choice_nothing_starts_and_the_page_says_so(
    site_on_sqlite: FastAPI, locale: str
) -> None:
    visitor = Visitor(site_on_sqlite, locale)
    answer = visitor.press(visitor.get(f"/{locale}"), ACTION)
    assert answer.status_code == 422
    said = {"en": "Select how you will connect", "fr": "Sélectionnez comment vous allez"}[locale]
    assert errors(answer)["connection_type"].startswith(said)
    # The page can be sent again, and looked at in the other language.
    assert visitor.press(answer, ACTION, connection_type="plugin").status_code == 303
    assert visitor.get(f"/{locale}/onboardings").headers["location"] == f"/{locale}/"


BAD: dict[str, dict[str, object]] = {
    "nothing": {},
    "an unknown code": {"data": {"connection_type": "teapot"}},
    "a longer code": {"data": {"connection_type": "plugin" * 5000}},
    "NUL": {"data": {"connection_type": "plugin\0"}},
    "half a surrogate pair": {"content": "connection_type=%ED%A0%80", "headers": FORM},
    "no UTF-8": {"content": b"connection_type=\xff\xfe%ff", "headers": FORM},
    "the last of two": {
        "content": "connection_type=plugin&connection_type=",
        "headers": FORM,
    },
    "too many fields": {"data": {f"field-{n}": "1" for n in range(60)}},
    "a file": {"files": {"connection_type": ("plugin", b"plugin")}},
    "a multipart form of a strange charset": {
        "content": b'--x\r\ncontent-disposition: form-data; name="a"\r\n\r\nxn--a\r\n--x--\r\n',
        "headers": {"content-type": "multipart/form-data; boundary=x; charset=undefined"},
    },
    "JSON": {"json": {"connection_type": "plugin"}},
    "a form that is declared as text": {
        "content": "connection_type=plugin",
        "headers": {"content-type": "text/plain"},
    },
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD.keys())
def test_what_is_no_choice_starts_nothing(
    site_on_sqlite: FastAPI, content: dict[str, object]
) -> None:
    visitor = Visitor(site_on_sqlite)
    visitor.get("/en")
    answer = visitor.send("POST", "/en/onboardings", **content)
    assert answer.status_code == 422
    assert errors(answer) == {"connection_type": "Select how you will connect"}
    assert count(Onboarding) == 0


def test_a_browser_without_cookies_is_told_what_it_needs(site_on_sqlite: FastAPI) -> None:
    visitor = Visitor(site_on_sqlite)
    page = visitor.get("/en")
    visitor.cookies.clear()
    answer = visitor.press(page, ACTION, connection_type="plugin")
    assert answer.status_code == 422
    assert "Allow cookies" in text(answer)
    (chosen,) = soup(answer).select("[checked]")
    assert chosen["value"] == "plugin"
    assert count(Onboarding) == 0
    assert visitor.press(answer, ACTION, connection_type="plugin").status_code == 303


@pytest.mark.parametrize("browser", ["known", "new"])
@pytest.mark.parametrize("chosen", ["plugin", "legacy_soap"])
def test_sent_twenty_times_at_once_it_starts_once(site: FastAPI, browser: str, chosen: str) -> None:
    visitor = a_visitor(site) if browser == "known" else Visitor(site)
    action, hidden = form_of(visitor.get("/en"), ACTION)

    def send(cookies: dict[str, str]) -> tuple[str, int]:
        clicker = Visitor(site, cookies=cookies)
        answer = clicker.insist(action, hidden | {"connection_type": chosen})
        # Whichever answer the browser sees last, its cookie leads on.
        return answer.headers["location"], clicker.follow(answer).status_code

    outcomes = racing.race(*[lambda: send(dict(visitor.cookies)) for _ in range(20)])
    assert count(Onboarding) == 1
    assert set(outcomes) == {(visitor.home(the_only().id), 200)}
    with reading() as session:
        steps = [step.event for step in queries.history(session, the_only().id)]
    assert steps == (["start", "choose_type"] if chosen == "legacy_soap" else ["start"])


def test_the_same_page_sent_again_with_another_choice_changes_the_answer(site: FastAPI) -> None:
    visitor = Visitor(site)
    page = visitor.get("/en")
    first = visitor.press(page, ACTION, connection_type="plugin")
    second = visitor.press(page, ACTION, connection_type="aggregator")
    assert first.headers["location"] == second.headers["location"]
    assert the_only().answers == {"connection_type": "aggregator"}
    visitor.press(page, ACTION, connection_type="legacy_soap")
    third = visitor.press(page, ACTION, connection_type="plugin")
    assert "Nothing was created here" in text(visitor.follow(third))


def test_each_page_starts_an_onboarding_of_its_own(site_on_sqlite: FastAPI) -> None:
    visitor = Visitor(site_on_sqlite)
    assert started_id(started(visitor)) != started_id(started(visitor))


@pytest.mark.parametrize("browser", ["known", "new"])
def test_somebody_elses_number_opens_nothing(site: FastAPI, browser: str) -> None:
    visitor, other = Visitor(site), a_visitor(site) if browser == "known" else Visitor(site)
    page = visitor.get("/en")
    theirs = started_id(visitor.press(page, ACTION, connection_type="plugin"))
    other.get("/en")
    answer = other.press(page, ACTION, connection_type="plugin")
    assert started_id(answer) != theirs
    assert other.get(other.home(theirs)).status_code == 404


def test_a_form_of_another_site_starts_nothing(site_on_sqlite: FastAPI) -> None:
    visitor = Visitor(site_on_sqlite)
    action, hidden = form_of(visitor.get("/en"), ACTION)
    answer = visitor.post(
        action,
        hidden | {"connection_type": "plugin"},
        headers={"sec-fetch-site": "cross-site"},
    )
    assert (answer.status_code, count(Onboarding)) == (403, 0)


def test_a_client_id_in_use_is_told_to_its_own_browser(site_on_sqlite: FastAPI) -> None:
    onboarding_id = builders.an_onboarding("secret_ready")
    visitor = a_visitor(site_on_sqlite, onboarding_id)
    page = visitor.get("/en")
    with reading() as session:
        client_id = queries.secrets_of(session, onboarding_id)[0].client_id
    assert f"Client ID …{client_id[-4:]} is in use" in text(page)
    assert client_id not in page.text
    assert soup(page).select('a[href="/en/connections"]')
    for stranger in (Visitor(site_on_sqlite), a_visitor(site_on_sqlite)):
        page = stranger.get("/en")
        assert "is in use" not in text(page)


def test_whoever_comes_back_finds_the_way_from_the_start_page(site_on_sqlite: FastAPI) -> None:
    begun = a_visitor(site_on_sqlite, builders.an_onboarding("type_chosen")).get("/en")
    assert "You have begun something in this browser." in text(begun)
    assert begun.text.index("/en/connections") < begun.text.index("<form")
    elsewhere = Visitor(site_on_sqlite).get("/en")
    assert "Have you begun in another browser?" in text(elsewhere)
    assert soup(elsewhere).select('a[href="/en/connections"]')


def test_a_client_id_that_was_revoked_is_not_in_use(site_on_sqlite: FastAPI) -> None:
    onboarding_id = builders.an_onboarding("secret_ready")
    builders.handle(onboarding_id, "cancel")
    page = a_visitor(site_on_sqlite, onboarding_id).get("/en")
    assert "is in use" not in text(page)
    assert soup(page).select('a[href="/en/connections"]')


def test_a_seller_who_signed_in_sees_what_is_linked(site_on_sqlite: FastAPI) -> None:
    builders.an_onboarding("confirmed")
    visitor = a_visitor(site_on_sqlite)
    with transaction() as session:
        browser = proofs.find_session(session, visitor.cookies["onboarding"])
        assert browser is not None
        browser.issuer, browser.subject = builders.ACCOUNT.issuer, builders.ACCOUNT.subject
        browser.signed_in_at = db.clock(session)
    assert re.search("Client ID ….{4} is in use", text(visitor.get("/en")))


def started(visitor: Visitor, connection_type: str = "plugin") -> httpx.Response:
    """The answer to the start page's form."""
    page = visitor.get(f"/{visitor.locale}")
    return visitor.press(page, ACTION, connection_type=connection_type)


def started_id(answer: httpx.Response) -> UUID:
    return UUID(answer.headers["location"].rsplit("/", 1)[-1])


def the_only() -> Onboarding:
    with reading() as session:
        return session.scalars(select(Onboarding)).one()


def count(table: type[Onboarding] | type[BrowserSession]) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0
