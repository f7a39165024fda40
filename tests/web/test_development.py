"""The e-mails that are files can be read in a browser: on this machine, and nowhere else."""

from uuid import UUID, uuid4

import pytest
from bs4 import BeautifulSoup
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding.mail import Letter
from onboarding.masking import Personal
from onboarding.sealing import Keyring
from onboarding.settings import settings
from onboarding.web.app import create_app
from onboarding.web.development import PATH
from tests import builders
from tests.composing import hand_over
from tests.databases import forget_settings
from tests.web.visiting import (
    Visitor,
    a_site,
    a_visitor,
    heading,
    soup,
    text,
)

EMAIL = "ada@shop.example"


@pytest.fixture
def app(ring: Keyring) -> FastAPI:
    return a_site(ring)


def a_letter(subject: str = "Hello", body: str = "Hello", html: str = "<p>Hello</p>") -> UUID:
    letter = Letter(uuid4(), uuid4(), "contact_code", "en", Personal(EMAIL), subject, body, html)
    hand_over(letter, settings())
    return letter.message_id


def test_no_e_mails_say_so(sqlite: Engine, app: FastAPI) -> None:
    page = Visitor(app).get(PATH)
    assert page.status_code == 200
    assert "There are no e-mails yet." in text(page)


def test_e_mails_are_listed_and_shown(sqlite: Engine, app: FastAPI) -> None:
    first, second = a_letter("First"), a_letter("Second <b>")
    visitor = Visitor(app)
    links = [(a.text, str(a["href"])) for a in soup(visitor.get(PATH)).select("main li a")]
    assert links == [("Second <b>", f"{PATH}/{second}"), ("First", f"{PATH}/{first}")]
    page = visitor.get(links[0][1])
    assert heading(page) == "Second <b>"
    assert EMAIL in text(page)
    assert page.headers["cache-control"] == "no-store"


def test_links_in_an_e_mail_can_be_followed_and_nothing_else_comes_alive(
    sqlite: Engine, app: FastAPI
) -> None:
    url = "http://127.0.0.1:8000/en/resume/abc_-1"
    letter = a_letter(body=f"Continue\n\n{url}\n\n<script>x</script>")
    page = Visitor(app).get(f"{PATH}/{letter}")
    found = BeautifulSoup(page.text, "html.parser").select("pre")[0]
    assert [str(a["href"]) for a in found.select("a")] == [url]
    assert not found.select("script")


def test_the_html_of_an_e_mail_has_a_policy_of_its_own(sqlite: Engine, app: FastAPI) -> None:
    letter = a_letter(html="<p style='color:red'>Hello</p><script>x</script>")
    page = Visitor(app).get(f"{PATH}/{letter}/html")
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert page.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("name", ["x", str(UUID(int=0)), "%2e%2e%2fonboarding.db", "%00"])
@pytest.mark.parametrize("tail", ["", "/html"])
def test_other_files_are_not_there(sqlite: Engine, app: FastAPI, name: str, tail: str) -> None:
    assert Visitor(app).get(f"{PATH}/{name}{tail}").status_code == 404


@pytest.mark.parametrize(
    ("public_url", "host"),
    [
        ("https://access.marketplace.example", "127.0.0.1:8000"),
        ("http://127.0.0.1:8000", "access.marketplace.example"),
        ("http://127.0.0.1:8000", "rebound.evil.example:8000"),
    ],
)
def test_nobody_reads_them_from_elsewhere(
    sqlite: Engine, ring: Keyring, monkeypatch: pytest.MonkeyPatch, public_url: str, host: str
) -> None:
    letter = a_letter()
    monkeypatch.setenv("ONBOARDING_PUBLIC_URL", public_url)
    forget_settings()
    visitor = Visitor(create_app(settings(), ring))
    for path in (PATH, f"{PATH}/{letter}", f"{PATH}/{letter}/html"):
        assert visitor.get(path, host=host).status_code == 404


@pytest.mark.parametrize(
    ("address", "status"),
    [("127.0.0.1", 200), ("::1", 200), ("192.0.2.7", 404), ("testclient", 404)],
)
def test_the_name_that_is_asked_for_does_not_make_it_this_machine(
    sqlite: Engine, app: FastAPI, address: str, status: int
) -> None:
    """Whoever reaches the port from elsewhere can send any Host."""
    letter = a_letter()
    visitor = Visitor(app, address=address)
    for path in (PATH, f"{PATH}/{letter}", f"{PATH}/{letter}/html"):
        assert visitor.get(path, host="localhost").status_code == status


def test_with_a_mail_server_there_is_no_such_page(
    sqlite: Engine, ring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONBOARDING_SMTP_URL", "smtp://127.0.0.1:1")
    forget_settings()
    assert Visitor(create_app(settings(), ring)).get(PATH).status_code == 404


def test_the_page_that_asks_for_a_code_leads_there(sqlite: Engine, app: FastAPI) -> None:
    onboarding_id = builders.an_onboarding("type_chosen")
    visitor = a_visitor(app, onboarding_id)
    page = visitor.open(visitor.home(onboarding_id))
    asked = visitor.follow(visitor.press(page, "/contact", email=EMAIL))
    assert PATH in [str(a["href"]) for a in soup(asked).select("main a")]
