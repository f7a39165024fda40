"""Links that no longer work, or never did: an honest page, and a new link where one was ours."""

import base64
from datetime import timedelta
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding import proofs
from onboarding.sealing import Keyring
from tests import builders
from tests.web.resume_walk import EMAIL, let_pass, saved
from tests.web.visiting import (
    Visitor,
    a_site,
    heading,
    letters,
    link_in,
    soup,
    text,
)

SUBJECT = "continue connecting"


@pytest.fixture
def app(ring: Keyring) -> FastAPI:
    return a_site(ring)


@pytest.mark.parametrize("used", [True, False])
def test_an_old_link_is_good_for_a_new_one(sqlite: Engine, app: FastAPI, *, used: bool) -> None:
    onboarding_id = builders.an_onboarding("type_chosen")
    _, link = saved(app, onboarding_id)
    other = Visitor(app)
    if used:
        Visitor(app).post(link)
        let_pass(timedelta(minutes=1))
    else:
        let_pass(proofs.RESUME_LINK_LASTS)
    gone = other.get(link)
    assert gone.status_code == 410
    assert EMAIL not in text(gone)
    sent = other.follow(other.press(gone, "/new-link"))
    assert heading(sent) == "We have sent you a link"
    assert EMAIL not in sent.text
    assert str(onboarding_id) not in sent.text
    assert len(letters(SUBJECT)) == 2
    newer = link_in(letters()[0])
    assert other.follow(other.press(other.get(newer), newer)).status_code == 200


def test_an_old_link_of_what_has_ended_sends_nothing(sqlite: Engine, app: FastAPI) -> None:
    onboarding_id = builders.an_onboarding("type_chosen")
    _, link = saved(app, onboarding_id)
    Visitor(app).post(link)
    builders.fire(onboarding_id, "cancel")
    builders.work()
    let_pass(timedelta(minutes=1))
    before, other = len(letters()), Visitor(app)
    gone = other.get(link)
    assert "has ended" in text(gone)
    assert not soup(gone).select("main form")
    assert other.follow(other.post(f"{link}/new-link")).status_code == 410
    assert len(letters()) == before


def test_old_links_do_not_flood_a_mailbox(sqlite: Engine, app: FastAPI) -> None:
    onboarding_id = builders.an_onboarding("type_chosen")
    _, link = saved(app, onboarding_id)
    Visitor(app).post(link)
    other = Visitor(app)
    statuses = []
    for _ in range(8):
        let_pass(proofs.UNDER_WAY)
        statuses.append(other.post(f"{link}/new-link").status_code)
    assert statuses == [303] * 4 + [429] * 4
    assert len(letters()) == proofs.RESUME_LINKS_AN_HOUR


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "AAAA",
        "a" * 64,
        "é",
        "%00",
        "%ff",
        "=",
        "A" * 5000,
        base64.urlsafe_b64encode(UUID(int=1).bytes + bytes(32)).decode().rstrip("="),
    ],
)
def test_garbage_gets_an_honest_page(sqlite: Engine, app: FastAPI, token: str) -> None:
    visitor = Visitor(app)
    page = visitor.get(f"/en/resume/{token}")
    assert page.status_code == 404
    assert not soup(page).select("main form")
    assert visitor.follow(visitor.post(f"/en/resume/{token}")).status_code == 404
    assert visitor.post(f"/en/resume/{token}/new-link").status_code == 404
    assert visitor.get(f"/en/resume/{token}/new-link").status_code == 404
    assert visitor.cookies == {}


def test_a_changed_link_is_garbage(sqlite: Engine, app: FastAPI) -> None:
    onboarding_id = builders.an_onboarding("type_chosen")
    _, link = saved(app, onboarding_id)
    for place in (-1, -30, -60):
        wrong = link[:place] + ("A" if link[place] != "A" else "B") + link[place:][1:]
        if wrong != link:
            assert Visitor(app).get(wrong).status_code == 404
