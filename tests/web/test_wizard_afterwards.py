"""The pages of a connection that works: named, unlinked, revoked; each says first what will happen."""

from datetime import timedelta
from urllib.parse import quote
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding import credentials, links
from onboarding.db import reading
from onboarding.ids import new_id
from onboarding.models import Client, Link
from onboarding.sealing import Keyring
from tests import builders
from tests.builders import ACCOUNT, an_onboarding
from tests.web import secret_walk
from tests.web.calling import expect
from tests.web.presenting import Caller
from tests.web.secret_walk import click_often, count, let_pass, path_of, secret_on
from tests.web.visiting import (
    Visitor,
    a_site,
    a_visitor,
    code_in,
    errors,
    form_of,
    heading,
    letters,
    soup,
    text,
)

FORMS = ("name", "end-link", "revoke")


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_site(ring)


def done(app: FastAPI) -> tuple[Visitor, Caller]:
    """A visitor whose credentials are issued, who has just proved an address, and their program."""
    visitor = secret_walk.at(app, "secret_revealed", "credentials_only")
    page = httpx.Response(200, text=visitor.bodies[-1])
    client_id = soup(page).select_one("#client_id")
    assert client_id
    caller = Caller(app, secret_walk.the(visitor).id, client_id.text, secret_on(page))
    expect(caller.ask(), 200)
    return visitor, caller


def linked(app: FastAPI, *, delegated: bool = False) -> tuple[Visitor, UUID]:
    """Whoever is signed in to the account that a connection links, just now; nothing was granted."""
    one = an_onboarding("confirmed", delegated=delegated, email="ada@shop.example")
    builders.work()
    visitor = a_visitor(app)
    secret_walk.sign_in(visitor, ACCOUNT.subject)
    return visitor, one


def test_revoking_says_what_ends_and_until_when_tokens_go_on(app: FastAPI) -> None:
    visitor, caller = done(app)
    listed = visitor.open("/en/connections")
    link = soup(listed).select_one('a[href$="/revoke"]')
    assert link
    asked = visitor.open(str(link["href"]))
    assert heading(asked) == "Revoke these credentials?"
    assert "15 minutes more" in text(asked)
    assert caller.client_id[-4:] in text(asked)
    expect(caller.ask(), 200)
    page = visitor.follow(visitor.press(asked, "/revoke"))
    assert heading(page) == "These credentials were revoked"
    assert "may accept one until" in text(page)
    expect(caller.ask(), 401)
    (letter,) = letters("credentials were revoked")
    assert "15 minutes more" in " ".join(letter.text.split())
    again = visitor.open("/en/connections")
    assert "Revoked" in text(again)
    assert not soup(again).select('a[href$="/revoke"], a[href$="/client-secret"]')
    assert heading(visitor.open(f"{path_of(visitor)}/revoke")) == heading(page)


def test_revoking_needs_a_fresh_proof(app: FastAPI) -> None:
    visitor, caller = done(app)
    asked = visitor.open(f"{path_of(visitor)}/revoke")
    let_pass(visitor, timedelta(minutes=11))
    proof = visitor.follow(visitor.press(asked, "/revoke"))
    assert heading(proof) == "Show that it is you"
    assert "cannot be brought back" in text(proof)
    expect(caller.ask(), 200)
    back = secret_walk.prove(visitor, proof)
    assert heading(back) == heading(asked)
    visitor.press(back, "/revoke")
    expect(caller.ask(), 401)


def test_a_proof_leads_back_however_often_it_was_mistyped_or_sent_again(app: FastAPI) -> None:
    visitor, _ = done(app)
    asked = visitor.open(f"{path_of(visitor)}/revoke")
    let_pass(visitor, timedelta(minutes=11))
    page = visitor.follow(visitor.press(asked, "/revoke"))
    page = visitor.follow(visitor.press(page, "/contact"))
    for typed in ("12345", "000000"):
        page = visitor.press(page, "/contact-code", code=typed)
        assert page.status_code == 422
    page = visitor.follow(visitor.press(page, "/contact"))
    assert "already on its way" in text(page)
    right = code_in(letters("your code")[0])
    answer = visitor.press(page, "/contact-code", code=right)
    assert answer.headers["location"] == f"{path_of(visitor)}/revoke"


@pytest.mark.parametrize("then", ["", "cancel", "../../connections", "//evil.example", "revoke/x"])
def test_a_proof_leads_to_no_page_but_those_that_ask_for_one(app: FastAPI, then: str) -> None:
    visitor, _ = done(app)
    proof = visitor.open(f"{path_of(visitor)}/proof?then={quote(then)}")
    asked = visitor.follow(visitor.press(proof, "/contact", then=then))
    right = code_in(letters("your code")[0])
    answer = visitor.press(asked, "/contact-code", code=right, then=then)
    assert answer.headers["location"] == path_of(visitor)


def test_twenty_clicks_revoke_once(app: FastAPI) -> None:
    visitor, _ = done(app)
    clicks = click_often(visitor, visitor.open(f"{path_of(visitor)}/revoke"), "/revoke")
    assert {answer.status_code for _, answer in clicks} == {303}
    assert secret_walk.events(visitor, "revoke_credentials") == 1
    assert len(letters("credentials were revoked")) == 1


@pytest.mark.parametrize("delegated", [False, True])
def test_a_seller_ends_the_link_and_sees_when(app: FastAPI, *, delegated: bool) -> None:
    visitor, one = linked(app, delegated=delegated)
    asked = visitor.open(f"{visitor.home(one)}/end-link")
    assert ACCOUNT.shop_name in text(asked)
    assert count(Link, Link.ended_at.is_not(None)) == 0
    page = visitor.follow(visitor.press(asked, "/end-link"))
    assert heading(page) == "Your API connections"
    assert "No longer linked to your seller account" in text(page)
    assert "The link ended on" in text(page)
    assert letters("link with your seller account has ended")
    with reading() as session:
        assert links.live_link(session, one) is None
        assert bool(credentials.live_client(session, one)) != delegated
    # What was theirs to move is so no longer.
    assert visitor.get(visitor.home(one)).status_code == 404


def test_whoever_holds_the_request_sees_what_still_works(app: FastAPI) -> None:
    visitor, one = linked(app)
    owner = a_visitor(app, one)
    visitor.press(visitor.open(f"{visitor.home(one)}/end-link"), "/end-link")
    page = owner.open(owner.home(one))
    assert heading(page) == "The link with your seller account has ended"
    assert "What still works" in text(page)
    assert "No longer linked" in text(owner.open("/en/connections"))


def test_ending_the_link_needs_a_fresh_sign_in(app: FastAPI) -> None:
    visitor, one = linked(app, delegated=True)
    asked = visitor.open(f"{visitor.home(one)}/end-link")
    let_pass(visitor, timedelta(minutes=11))
    proof = visitor.follow(visitor.press(asked, "/end-link"))
    assert heading(proof) == "Show that it is you"
    assert form_of(proof, "/sign-in")
    assert count(Link, Link.ended_at.is_not(None)) == 0


def test_whose_account_is_linked_does_not_revoke_what_others_made(app: FastAPI) -> None:
    visitor, one = linked(app)
    asked = visitor.open(f"{visitor.home(one)}/revoke")
    assert heading(visitor.follow(visitor.press(asked, "/revoke"))) == "Show that it is you"
    assert count(Client, Client.revoked_at.is_not(None)) == 0


def test_a_browser_that_was_let_in_needs_a_proof_of_its_own(app: FastAPI) -> None:
    _, one = linked(app)
    friend = a_visitor(app, one)
    for form in ("end-link", "revoke"):
        asked = friend.open(f"{friend.home(one)}/{form}")
        assert heading(friend.follow(friend.press(asked, f"/{form}"))) == "Show that it is you"
    assert count(Link, Link.ended_at.is_not(None)) == 0


def test_a_connection_gets_another_name(app: FastAPI) -> None:
    one = an_onboarding("confirmed")
    visitor = a_visitor(app, one)
    asked = visitor.open(f"{visitor.home(one)}/name")
    page = visitor.follow(visitor.press(asked, "/name", connection_name=" Été <b>2</b> "))
    assert "Été <b>2</b>" in text(page)
    assert soup(page).select_one("main h2 b") is None


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "Enter a name for the connection"),
        ("a" * 81, "The name of the connection must be 80 characters or fewer"),
        ("a\x07b", "The name of the connection holds a character that we cannot read"),
    ],
)
def test_what_is_no_name_is_said_and_kept(app: FastAPI, name: str, sentence: str) -> None:
    one = an_onboarding("confirmed")
    visitor = a_visitor(app, one)
    answer = visitor.post(f"{visitor.home(one)}/name", {"connection_name": name})
    assert answer.status_code == 422
    assert errors(answer) == {"connection_name": sentence}
    field = soup(answer).select_one("#connection_name")
    assert field
    assert len(str(field.get("value", ""))) == len(name) or "\x07" in name
    assert builders.the(one).connection_name is None


@pytest.mark.parametrize("form", FORMS)
def test_nobody_else_gets_anywhere(app: FastAPI, form: str) -> None:
    """A foreign connection looks like one that there is not."""
    one = an_onboarding("confirmed")
    stranger = a_visitor(app, an_onboarding("confirmed"))
    nothing = new_id()
    sent = {"connection_name": "Mine"}
    answers = []
    for each in (one, nothing):
        path = f"{stranger.home(each)}/{form}"
        looked, posted = stranger.get(path), stranger.post(path, sent)
        assert (looked.status_code, posted.status_code) == (404, 404)
        answers.append((looked.text.replace(str(each), ""), posted.text.replace(str(each), "")))
    assert answers[0] == answers[1]
    assert builders.the(one).connection_name is None
    assert count(Link, Link.ended_at.is_not(None)) == 0


@pytest.mark.parametrize("state", ["started", "secret_ready", "seller_linked", "cancelled"])
@pytest.mark.parametrize("form", FORMS)
def test_where_it_is_not_done_the_page_leads_home(app: FastAPI, state: str, form: str) -> None:
    one = an_onboarding(state)
    visitor = a_visitor(app, one)
    answer = visitor.get(f"{visitor.home(one)}/{form}")
    assert answer.headers["location"] == visitor.home(one)


def test_a_tab_that_has_fallen_behind_ends_nothing(app: FastAPI) -> None:
    visitor, caller = done(app)
    asked = visitor.open(f"{path_of(visitor)}/revoke")
    visitor.press(visitor.open(f"{path_of(visitor)}/name"), "/name", connection_name="Mine")
    page = visitor.press(asked, "/revoke")
    assert heading(page) == "You have already continued in another tab"
    expect(caller.ask(), 200)


def test_french(app: FastAPI) -> None:
    visitor, _ = done(app)
    visitor.locale = "fr"
    home = path_of(visitor)
    assert heading(visitor.open(f"{home}/name")) == "Renommer cette connexion"
    asked = visitor.open(f"{home}/revoke")
    assert heading(asked) == "Révoquer ces identifiants\xa0?"
    page = visitor.follow(visitor.press(asked, "/revoke"))
    assert heading(page) == "Ces identifiants ont été révoqués"
    assert "Révoquée" in text(visitor.open("/fr/connections"))
