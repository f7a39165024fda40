"""Nobody but a seller, who has just signed in, lets a client act for that seller; and nobody gains more by it."""

from datetime import timedelta
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding import credentials, developers, further_sellers, proofs
from onboarding.db import reading
from onboarding.ids import new_id
from onboarding.links import SellerAccount
from onboarding.models import FurtherLink, Link
from onboarding.sealing import Keyring
from tests import another_seller, builders
from tests.another_seller import OTHER, linked
from tests.builders import ACCOUNT, an_onboarding
from tests.web import secret_walk
from tests.web.calling import System, a_system, expect, refused
from tests.web.inviting import a_seller, asked
from tests.web.presenting import a_caller
from tests.web.secret_walk import count, let_pass
from tests.web.test_api_connections import confirmed
from tests.web.visiting import Visitor, a_site, a_visitor, heading, text


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_site(ring)


def test_t04_a_seller_who_is_not_linked_looks_like_one_that_there_is_not(app: FastAPI) -> None:
    caller = a_caller(app)
    linked(caller.id)
    elsewhere = an_onboarding("confirmed")
    linked(elsewhere, SellerAccount(OTHER.issuer, "s-9", "S-9000", "Elsewhere"))
    token = caller.token()
    answers = [caller.whoami(token, each) for each in ("S-9000", "S-0000")]
    for answer in answers:
        refused(answer, 403, "client_not_linked")
    told = [each.json() | {"instance": None, "request_id": None} for each in answers]
    assert told[0] == told[1]


def test_t03_an_owner_alone_links_nobody(app: FastAPI) -> None:
    """With the link, the grant and a proof by code, but no sign-in: it is the seller's to decide."""
    owner = secret_walk.at(app, "secret_revealed", "credentials_only")
    one = secret_walk.the(owner).id
    builders.handle(one, "acknowledge_secret", version=1, ending=_ending(one))
    path = asked(one)
    page = owner.get(path)
    assert heading(page) == "Let a program use the API for your seller account"
    for seller_id in ("123456", ACCOUNT.seller_id, ""):
        assert owner.post(path, {"seller_id": seller_id}).headers["location"] == path
    assert count(FurtherLink) == 0


def test_t13_an_old_sign_in_is_not_enough(app: FastAPI) -> None:
    one = an_onboarding("confirmed")
    seller, path = a_seller(app), asked(one)
    page = seller.open(path)
    let_pass(seller, timedelta(minutes=11))
    assert seller.press(page, path).headers["location"] == path
    assert "to see who asks" in text(seller.open(path))
    assert count(FurtherLink) == 0


def test_t13_nor_is_it_for_ending_a_link(app: FastAPI) -> None:
    one = an_onboarding("confirmed")
    seller = a_seller(app)
    seller.press(seller.open(path := asked(one)), path)
    with reading() as session:
        (link,) = further_sellers.alive(session, one)
    ending = f"/en/seller-links/{link.id}/end"
    page = seller.open(ending)
    let_pass(seller, timedelta(minutes=11))
    assert "Sign in once more" in text(seller.press(page, "/end"))
    assert "Sign in once more" in text(seller.open(ending))
    assert count(FurtherLink, FurtherLink.ended_at.is_not(None)) == 0


def test_t03_a_seller_consents_for_no_other_account(app: FastAPI) -> None:
    one = an_onboarding("confirmed")
    seller, path = a_seller(app), asked(one)
    for other in ("234561", "234562", ACCOUNT.seller_id, "1" * 60_000, "123456\x00"):
        assert seller.post(path, {"seller_id": other}).status_code == 422
    assert count(FurtherLink) == 0


def test_t03_whoever_was_let_in_owns_nothing(app: FastAPI) -> None:
    """Neither the onboarding, nor its credentials, nor the links of others."""
    one = an_onboarding("confirmed", email="ada@shop.example")
    builders.work(one)
    seller = a_seller(app)
    seller.press(seller.open(path := asked(one)), path)
    third = linked(one, SellerAccount(OTHER.issuer, "s-3", "S-4713", "Third"))
    for page in ("", "/sellers", "/client-secret", "/revoke", "/end-link", "/record", "/name"):
        assert seller.get(f"{seller.home(one)}{page}").status_code == 404, page
    for form in ("/sellers", "/revoke", "/end-link", "/client-secret", "/cancel"):
        assert seller.post(f"{seller.home(one)}{form}").status_code in (404, 405), form
    shown = text(seller.open("/en/connections"))
    assert "Third" not in shown
    assert ACCOUNT.shop_name not in shown
    _nothing_there(seller, third)
    assert count(Link, Link.ended_at.is_not(None)) == 0


def test_t03_a_foreign_link_looks_like_one_that_there_is_not(app: FastAPI) -> None:
    link = linked(an_onboarding("confirmed"))
    for stranger in (a_seller(app), a_visitor(app, an_onboarding("confirmed")), Visitor(app)):
        _nothing_there(stranger, link)
    assert count(FurtherLink, FurtherLink.ended_at.is_not(None)) == 0


def test_t05_before_the_sign_in_a_link_tells_nothing(app: FastAPI) -> None:
    caller = a_caller(app, email="ada@shop.example")
    path = asked(caller.id)
    page = a_visitor(app).get(path)
    for hidden in (caller.client_id, "ada@", builders.the(caller.id).reference):
        assert hidden not in page.text


def test_t23_no_other_link_and_no_forged_one_opens_it(app: FastAPI) -> None:
    one = an_onboarding("confirmed")
    asked_for = another_seller.invited(one)
    ring, seller = builders.keyring(), a_seller(app)
    right = asked(one).rpartition("/")[2]
    wrong = [
        proofs.resume_token(ring, asked_for),
        developers.token(ring, asked_for),
        right[:-1] + ("A" if right[-1] != "A" else "B"),
        right[:-4],
        str(asked_for),
        "x" * 3000,
    ]
    for token in wrong:
        path = f"/en/invitations/{token}"
        assert seller.get(path).status_code == 410, token
        seller.post(path, {"seller_id": "123456"})
        assert seller.post(f"{path}/sign-in").status_code == 410
    assert count(FurtherLink) == 0


def test_t01_another_site_agrees_for_nobody(app: FastAPI) -> None:
    one = an_onboarding("confirmed")
    seller, path = a_seller(app), asked(one)
    foreign = {"sec-fetch-site": "cross-site", "origin": "https://evil.example"}
    answer = seller.post(path, {"seller_id": "123456"}, headers=foreign)
    assert answer.status_code == 403
    assert count(FurtherLink) == 0


def test_t03_another_systems_invitations_and_links_are_not_there(app: FastAPI) -> None:
    mine, theirs = a_system(app), a_system(app)
    onboarding, _ = confirmed(theirs)
    link = linked(UUID(onboarding["id"]))
    path = f"/v1/onboardings/{onboarding['id']}/seller-invitations"
    made = expect(theirs.post(path), 201)
    own, _ = confirmed(mine)
    here = f"/v1/onboardings/{own['id']}"
    for base in (f"/v1/onboardings/{onboarding['id']}", here):
        for what in (f"seller-invitations/{made['id']}", f"links/{link}"):
            refused(mine.send("DELETE", f"{base}/{what}"), 404, "not_found")
    refused(mine.post(path), 404, "not_found")
    refused(mine.get(path), 404, "not_found")
    listed = expect(theirs.get(path), 200)["items"]
    assert [each["id"] for each in listed] == [made["id"]]
    with reading() as session:
        assert session.get_one(FurtherLink, link).ended_at is None


def test_a_system_asks_is_told_and_unlinks(app: FastAPI) -> None:
    system: System = a_system(app)
    onboarding, caller = confirmed(system)
    path = f"/v1/onboardings/{onboarding['id']}/seller-invitations"
    made = expect(system.post(path, idempotency_key="once"), 201)
    assert expect(system.post(path, idempotency_key="once"), 201) == made
    assert expect(system.get(path), 200)["items"] == [made]
    seller = a_seller(app)
    link_path = made["url"].removeprefix(str(app.state.settings.base_url))
    seller.press(seller.open(link_path), link_path)
    token = caller.token()
    expect(caller.whoami(token, "123456"), 200)
    links = expect(system.get(onboarding["links"]["seller_links"]), 200)["items"]
    assert [(each["seller_id"], each["further"]) for each in links] == [
        ("123456", True),
        (ACCOUNT.seller_id, False),
    ]
    page = expect(system.get(f"/v1/events?onboarding={onboarding['id']}"), 200)["items"]
    told = page[-1]
    assert told["type"] == "onboarding.further_link_verified"
    assert told["data"]["details"]["link_id"] == links[0]["id"]
    assert "123456" not in str(page)
    ended = f"{onboarding['links']['seller_links']}/{links[0]['id']}"
    assert expect(system.send("DELETE", ended), 200)["ended_at"]
    assert expect(system.send("DELETE", ended), 200)["ended_at"]
    refused(caller.whoami(token, "123456"), 403, "client_not_linked")
    expect(caller.whoami(token, ACCOUNT.seller_id), 200)


def _nothing_there(visitor: Visitor, link: UUID) -> None:
    answers = []
    for each in (link, new_id()):
        path = f"/en/seller-links/{each}/end"
        looked, posted = visitor.get(path), visitor.post(path)
        assert (looked.status_code, posted.status_code) == (404, 404)
        answers.append((looked.text.replace(str(each), ""), posted.text.replace(str(each), "")))
    assert answers[0] == answers[1]


def _ending(onboarding_id: UUID) -> str:
    with reading() as session:
        secret = credentials.live_secret(session, onboarding_id)
    assert secret
    return secret.ending
