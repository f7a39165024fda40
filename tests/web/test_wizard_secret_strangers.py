"""On the way to a secret: what is not ours or not understood gets the same page, and breaks nothing."""

from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, select

from onboarding.db import transaction
from onboarding.models import Grant
from onboarding.sealing import Keyring
from tests.web.secret_walk import EMAIL, at, path_of, the
from tests.web.visiting import Visitor, a_site, a_visitor, soup

PAGES = ("", "/sequence", "/contact", "/contact-code", "/proof", "/save", "/saved")
FORMS = ("/client-id", "/contact", "/secret-reveal", "/secret-acknowledgement", "/secret-reissue")
BAD_TEXTS = (
    "",
    " ",
    "\x00",
    "a\x00@b.example",
    "\ud800",
    "\u202e",
    "'; --",
    "<b>",
    "٣" * 6,
    "9" * 9,
    "9" * 5_000,
)
_TYPED = ("email", "code", "ending", "connection_name", "version", "sequence")
_ENCODED = "application/x-www-form-urlencoded"
BAD_BODIES: tuple[dict[str, Any], ...] = (
    {"data": {}},
    {"content": b"", "headers": {"content-type": "text/plain"}},
    {"content": b"{}", "headers": {"content-type": "application/json"}},
    {"content": b"x", "headers": {"content-type": "multipart/form-data; boundary=y"}},
    {"content": b"a=%ff&email=%00&=&&&", "headers": {"content-type": "x/y; charset=none"}},
    {"content": b"email=a", "headers": {"content-type": f"{_ENCODED}; charset=none"}},
    {"files": dict.fromkeys(_TYPED, b"x")},
    {"data": dict.fromkeys(_TYPED, "a" * 9_000)},
    {"data": {"email": "a" * 100_000}},
    {"data": {"email": ["a", "b@"], "code": ["1", "2"], "sequence": ["1", "x"], "stored": "yes"}},
)


@pytest.fixture
def app(ring: Keyring) -> FastAPI:
    return a_site(ring)


@pytest.mark.parametrize("path", PAGES)
def test_other_peoples_onboardings_look_like_none(sqlite: Engine, app: FastAPI, path: str) -> None:
    owner, stranger = at(app, "secret_ready"), a_visitor(app)
    theirs = stranger.get(path_of(owner) + path)
    nobodys = stranger.get(stranger.home(uuid4()) + path)
    assert theirs.status_code == nobodys.status_code == 404
    assert neutral(theirs) == neutral(nobodys)
    assert Visitor(app).get(path_of(owner) + path).status_code == 404


@pytest.mark.parametrize("path", FORMS)
def test_other_people_move_nothing(sqlite: Engine, app: FastAPI, path: str) -> None:
    owner, stranger = at(app, "secret_ready"), a_visitor(app)
    before = the(owner).sequence
    form = {"sequence": str(before), "email": EMAIL, "stored": "yes", "ending": "abcdef"}
    theirs = stranger.post(path_of(owner) + path, form)
    nobodys = stranger.post(stranger.home(uuid4()) + path, form)
    assert theirs.status_code == nobodys.status_code == 404
    assert neutral(theirs) == neutral(nobodys)
    assert the(owner).sequence == before


def test_a_grant_is_all_that_counts(sqlite: Engine, app: FastAPI) -> None:
    visitor = at(app, "secret_ready")
    path = path_of(visitor)
    with transaction() as session:
        for grant in session.scalars(select(Grant)):
            session.delete(grant)
    assert visitor.get(path).status_code == 404


@pytest.mark.parametrize("path", ["", *FORMS])
@pytest.mark.parametrize("locale", ["de", "EN", "xx"])
def test_there_are_no_pages_in_other_languages(
    sqlite: Engine, app: FastAPI, path: str, locale: str
) -> None:
    visitor = at(app, "type_chosen")
    there = path_of(visitor).replace("/en/", f"/{locale}/") + path
    assert visitor.get(there).status_code == 404
    assert visitor.post(there).status_code in ({404} if path else {404, 405})


@pytest.mark.parametrize("state", ["type_chosen", "secret_revealed"])
@pytest.mark.parametrize("path", [*FORMS, "/contact-code", "/save"])
def test_no_input_breaks_a_form(sqlite: Engine, app: FastAPI, state: str, path: str) -> None:
    visitor = at(app, state)
    for body in (*BAD_BODIES, *(_all_fields(bad) for bad in BAD_TEXTS)):
        headers = {"sec-fetch-site": "same-origin"} | body.get("headers", {})
        answer = visitor.send("POST", path_of(visitor) + path, **(body | {"headers": headers}))
        assert answer.status_code in {200, 303, 413, 422, 429}, (body, answer.text)


@pytest.mark.parametrize("onboarding_id", ["x", "%00", "%ff", "1" * 3000, str(UUID(int=0))])
def test_no_address_breaks_a_page(sqlite: Engine, app: FastAPI, onboarding_id: str) -> None:
    visitor = a_visitor(app)
    for path in PAGES:
        assert visitor.get(f"/en/onboardings/{onboarding_id}{path}").status_code == 404
    for path in FORMS:
        assert visitor.post(f"/en/onboardings/{onboarding_id}{path}").status_code == 404


def _all_fields(bad: str) -> dict[str, Any]:
    raw = bad.encode("utf-8", "surrogatepass")
    return {"data": dict.fromkeys(_TYPED, raw) | {"stored": "yes"}}


def neutral(page: httpx.Response) -> str:
    """A page without its own address, which its language links repeat."""
    found = soup(page)
    for link in found.select("a[hreflang]"):
        link.decompose()
    return found.prettify()
