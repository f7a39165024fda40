"""Operators sign in at their own provider: its groups say which role they have, and it may be hostile."""

from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from bs4 import BeautifulSoup
from fastapi import FastAPI
from fastapi.responses import JSONResponse
from sqlalchemy import Engine, select

from onboarding import operators, outbox
from onboarding.db import reading
from onboarding.models import Operator
from onboarding.sealing import Keyring
from onboarding.settings import Settings
from onboarding.web.app import create_app
from tests.sellers.stub_provider import CLIENT_ID, CLIENT_SECRET, Stub
from tests.web.visiting import Visitor, heading, text

ROLES = "ops=operator, team leads=lead, watch=viewer"
CALLBACK = "/console/sign-in/callback"


@pytest.fixture
def app(sqlite: Engine, ring: Keyring, stub: Stub) -> Iterator[FastAPI]:
    settings = Settings(
        console_issuer=stub.issuer,
        console_client_id=CLIENT_ID,
        console_client_secret=CLIENT_SECRET,
        console_roles=ROLES,
    )
    outbox.publish_with(None)
    made = create_app(settings, ring)
    yield made
    made.state.console_provider.http.close()
    made.state.provider.http.close()


def leave(visitor: Visitor, stub: Stub) -> dict[str, str]:
    """To the provider; returns what it was asked."""
    page = visitor.get(f"/{visitor.locale}/console/sign-in")
    away = visitor.press(page, "/sign-in")
    link = BeautifulSoup(away.text, "html.parser").select_one("main a.govuk-button")
    assert link is not None
    stub.asked = dict(parse_qsl(urlsplit(str(link["href"])).query))
    return stub.asked


def come_back(visitor: Visitor, stub: Stub, **changed: str) -> httpx.Response:
    brought = {"code": "code-1", "state": stub.asked["state"], "iss": stub.issuer} | changed
    return visitor.get(f"{CALLBACK}?{httpx.QueryParams(brought)}")


@pytest.mark.parametrize(
    ("groups", "role"),
    [
        (["ops"], "operator"),
        (["watch", "others", "team leads"], "lead"),
        ("watch", "viewer"),
    ],
)
def test_groups_give_the_role_that_may_most(
    app: FastAPI, stub: Stub, groups: object, role: str
) -> None:
    stub.claims = {"groups": groups, "seller_accounts": None}
    visitor = Visitor(app, "fr")
    asked = leave(visitor, stub)
    assert (asked["code_challenge_method"], asked["ui_locales"]) == ("S256", "fr")
    answer = come_back(visitor, stub)
    assert answer.headers["location"] == "/fr/console"
    assert heading(visitor.follow(answer)) == "Vue d’ensemble"
    given = answer.headers.get_list("set-cookie")
    assert [each for each in given if each.startswith('console-sign-in="";')]
    with reading() as session:
        (known,) = session.scalars(select(Operator))
    assert (known.issuer, known.subject, known.role) == (stub.issuer, "seller-1", role)


@pytest.mark.parametrize("groups", [[], ["others"], None, "ops2", [["ops"]], {"ops": True}, 7])
def test_whose_groups_have_no_role_gets_no_further(
    app: FastAPI, stub: Stub, groups: object
) -> None:
    stub.claims = {"groups": groups}
    stub.userinfo = {"groups": groups}
    visitor = Visitor(app)
    leave(visitor, stub)
    answer = come_back(visitor, stub)
    assert answer.status_code == 403
    assert "none of your groups" in text(answer)
    assert visitor.get("/en/console").status_code == 401


def test_an_answer_counts_in_the_browser_that_asked(app: FastAPI, stub: Stub) -> None:
    stub.claims = {"groups": ["ops"]}
    visitor, stranger = Visitor(app), Visitor(app)
    leave(visitor, stub)
    assert come_back(stranger, stub).status_code == 401
    assert come_back(visitor, stub, state="another").status_code == 401
    forged = dict(visitor.cookies)
    forged["console-sign-in"] = forged["console-sign-in"][:-2] + "00"
    stranger.cookies = forged
    assert come_back(stranger, stub).status_code == 401
    assert stub.requests["token"] == 0
    assert come_back(visitor, stub).status_code == 303


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        ({"error": "access_denied"}, "The sign-in did not succeed."),
        ({"error": "temporarily_unavailable"}, "The identity provider does not answer."),
        ({"iss": "https://elsewhere.example"}, "The sign-in did not succeed."),
    ],
)
def test_what_goes_wrong_there_is_said_here(
    app: FastAPI, stub: Stub, answer: dict[str, str], sentence: str
) -> None:
    visitor = Visitor(app)
    leave(visitor, stub)
    page = come_back(visitor, stub, **answer)
    assert page.status_code == 401
    assert sentence in text(page)
    assert "Sign in" in text(page)


def test_a_provider_that_is_away_is_a_reason_to_try_again(app: FastAPI, stub: Stub) -> None:
    stub.answering("metadata", lambda: JSONResponse({}, 503))
    visitor = Visitor(app)
    page = visitor.press(visitor.get("/en/console/sign-in"), "/sign-in")
    assert page.status_code == 401
    assert "does not answer" in text(page)


def test_whoever_has_no_session_is_shown_the_way_in(app: FastAPI) -> None:
    visitor = Visitor(app)
    refused = visitor.get("/en/console")
    link = BeautifulSoup(refused.text, "html.parser").select_one("main a.govuk-button")
    assert link is not None
    assert (refused.status_code, link["href"]) == (401, "/en/console/sign-in")
    assert "account at work" in text(visitor.get(str(link["href"])))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "onboarding operators link"),
        ({"oidc_issuer": "https://portal.example"}, "ONBOARDING_CONSOLE_ISSUER"),
    ],
)
def test_without_a_provider_the_page_says_what_to_do(
    sqlite: Engine, ring: Keyring, settings: dict[str, str], says: str
) -> None:
    visitor = Visitor(create_app(Settings(**settings), ring))  # type: ignore[arg-type]
    assert says in text(visitor.get("/en/console/sign-in"))
    assert visitor.post("/en/console/sign-in").status_code == 401
    assert visitor.get(CALLBACK).status_code == 401


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ({"email": "mara@market.example", "email_verified": True}, "mara@market.example"),
        ({"email": "mara@market.example", "email_verified": False}, None),
        ({"email": "mara@market.example", "email_verified": "true"}, None),
        ({"email": "mara@market.example"}, None),
        ({"email": "no address", "email_verified": True}, None),
        ({"email": ["mara@market.example"], "email_verified": True}, None),
        ({"email_verified": True}, None),
    ],
)
def test_only_an_address_that_the_provider_has_verified_is_kept(
    app: FastAPI, stub: Stub, said: dict[str, object], kept: str | None
) -> None:
    stub.claims = {"groups": ["ops"], "email": "before@market.example", "email_verified": True}
    visitor = Visitor(app)
    assert leave(visitor, stub)["scope"] == "openid profile email"
    come_back(visitor, stub)
    stub.claims = {"groups": ["ops"]} | said
    leave(visitor, stub)
    assert come_back(visitor, stub).status_code == 303
    with reading() as session:
        operator = session.scalars(select(Operator)).one()
        address = operators.address(session, operator.id)
    assert operator.email == kept
    assert (address.clear if address else None) == kept
