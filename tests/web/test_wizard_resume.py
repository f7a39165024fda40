"""Coming back: a link changes nothing until its button is pressed, works once, and opens no secret."""

from datetime import timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, select

from onboarding import proofs
from onboarding.db import reading
from onboarding.models import Message, Transition
from onboarding.sealing import Keyring
from tests import builders
from tests.racing import race
from tests.web.resume_walk import EMAIL, grants, let_pass, saved, the
from tests.web.visiting import (
    Visitor,
    a_site,
    a_visitor,
    code_in,
    errors,
    heading,
    letters,
    link_in,
    soup,
    text,
)

CLICKS = 20
SUBJECT = "continue connecting"
STATES = ("started", "awaiting_seller", "awaiting_aggregator", "type_chosen", "secret_ready")


@pytest.fixture
def app(ring: Keyring) -> FastAPI:
    return a_site(ring)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("locale", ["en", "fr"])
def test_a_link_leads_back_from_another_browser(
    sqlite: Engine, app: FastAPI, state: str, locale: str
) -> None:
    onboarding_id = builders.an_onboarding(state)
    _, link = saved(app, onboarding_id, locale=locale)
    other = Visitor(app, locale)
    page = other.get(link)
    assert the(onboarding_id).reference in text(page)
    back = other.press(page, link)
    assert (back.status_code, back.headers["location"]) == (
        303,
        f"/{locale}/onboardings/{onboarding_id}",
    )
    assert other.open(other.home(onboarding_id)).status_code == 200


def test_the_page_says_where_the_link_went(sqlite: Engine, app: FastAPI) -> None:
    onboarding_id = builders.an_onboarding("type_chosen")
    visitor = a_visitor(app, onboarding_id)
    page = visitor.open(f"{visitor.home(onboarding_id)}/save")
    # This browser needs no link: it is led to the request, not to where links are asked for.
    kept = soup(page).select("main li a")
    assert [link["href"] for link in kept] == [visitor.home(onboarding_id)]
    assert "72 hours" in text(page)
    sent = visitor.follow(visitor.press(page, "/save", email=f" {EMAIL}\u200b "))
    assert heading(sent) == "We have sent you a link"
    assert EMAIL in text(sent)
    assert "72 hours" in text(sent)
    assert [letter.to for letter in letters()] == [EMAIL]


@pytest.mark.parametrize(("typed", "said"), [("", "Enter your"), ("ada", "in the right form")])
def test_a_wrong_address_is_said_and_kept(
    sqlite: Engine, app: FastAPI, typed: str, said: str
) -> None:
    onboarding_id = builders.an_onboarding("type_chosen")
    visitor = a_visitor(app, onboarding_id)
    page = visitor.open(f"{visitor.home(onboarding_id)}/save")
    wrong = visitor.press(page, "/save", email=typed)
    assert wrong.status_code == 422
    assert said in errors(wrong)["email"]
    assert soup(wrong).select("#email")[0]["value"] == typed
    assert letters() == []


def test_an_address_that_was_proved_is_not_asked_for(sqlite: Engine, app: FastAPI) -> None:
    onboarding_id = builders.an_onboarding("type_chosen")
    visitor = a_visitor(app, onboarding_id)
    page = visitor.open(visitor.home(onboarding_id))
    asked = visitor.follow(visitor.press(page, "/contact", email=EMAIL))
    visitor.press(asked, "/contact-code", code=code_in(letters()[0]))
    page = visitor.open(f"{visitor.home(onboarding_id)}/save")
    assert EMAIL in text(page)
    assert not soup(page).select("input[name=email]")
    visitor.press(page, "/save", email="mallory@shop.example")
    assert [letter.to for letter in letters(SUBJECT)] == [EMAIL]


def test_looking_at_a_link_fifty_times_spends_nothing(sqlite: Engine, app: FastAPI) -> None:
    """T23."""
    onboarding_id = builders.an_onboarding("type_chosen")
    _, link = saved(app, onboarding_id)
    scanner, before = Visitor(app), grants()
    for _ in range(50):
        assert scanner.get(link).status_code == 200
        head = scanner.send("HEAD", link)
        assert (head.status_code, head.text) == (200, "")
    assert scanner.cookies == {}
    assert grants() == before
    other = Visitor(app)
    assert other.press(other.get(link), link).headers["location"].endswith(str(onboarding_id))


def test_a_link_works_once(sqlite: Engine, app: FastAPI) -> None:
    """T23."""
    onboarding_id = builders.an_onboarding("type_chosen")
    _, link = saved(app, onboarding_id)
    first, second = Visitor(app), Visitor(app)
    pages = first.get(link), second.get(link)
    assert first.follow(first.press(pages[0], link)).status_code == 200
    gone = second.follow(second.press(pages[1], link))
    assert (gone.status_code, heading(gone)) == (410, "This link does not work")
    assert second.get(second.home(onboarding_id)).status_code == 404
    # Whoever has used it is simply led back.
    assert first.get(link).headers["location"] == first.home(onboarding_id)


def test_twenty_clicks_let_one_browser_in(database: Engine, app: FastAPI) -> None:
    onboarding_id = builders.an_onboarding("type_chosen")
    _, link = saved(app, onboarding_id)
    before = grants()

    def click() -> Visitor:
        visitor = Visitor(app)
        assert visitor.insist(link).status_code == 303
        return visitor

    visitors = race(*[click] * CLICKS)
    inside = [v for v in visitors if isinstance(v, Visitor) and v.cookies]
    assert len(visitors) == CLICKS
    assert all(isinstance(v, Visitor) for v in visitors), visitors
    assert len(inside) == 1
    assert grants() == before + 1
    assert inside[0].get(inside[0].home(onboarding_id)).status_code == 200


def test_twenty_clicks_send_one_link(database: Engine, app: FastAPI) -> None:
    onboarding_id = builders.an_onboarding("type_chosen")
    visitor = a_visitor(app, onboarding_id)

    def click() -> int:
        one = Visitor(app, cookies=dict(visitor.cookies))
        return one.insist(f"{one.home(onboarding_id)}/save", {"email": EMAIL}).status_code

    assert race(*[click] * CLICKS) == [303] * CLICKS
    assert len(letters()) == 1
    with reading() as session:
        assert not session.scalars(select(Message)).all()
        steps = session.scalars(
            select(Transition.event).where(Transition.onboarding_id == onboarding_id)
        ).all()
    assert steps == ["start", "choose_type"]


def test_a_mistyped_address_can_be_corrected_at_once(sqlite: Engine, app: FastAPI) -> None:
    onboarding_id = builders.an_onboarding("type_chosen")
    visitor = a_visitor(app, onboarding_id)
    page = visitor.open(f"{visitor.home(onboarding_id)}/save")
    visitor.press(page, "/save", email="aad@shop.example")
    visitor.press(page, "/save", email=EMAIL)
    assert [letter.to for letter in letters()] == [EMAIL, "aad@shop.example"]


def test_a_sixth_link_within_an_hour_is_refused(sqlite: Engine, app: FastAPI) -> None:
    onboarding_id = builders.an_onboarding("type_chosen")
    visitor = a_visitor(app, onboarding_id)
    page = visitor.open(f"{visitor.home(onboarding_id)}/save")
    for _ in range(proofs.RESUME_LINKS_AN_HOUR):
        assert visitor.press(page, "/save", email=EMAIL).status_code == 303
        let_pass(proofs.UNDER_WAY)
    refused = visitor.press(page, "/save", email=EMAIL)
    assert (refused.status_code, heading(refused)) == (429, "Too many attempts")
    assert len(letters()) == proofs.RESUME_LINKS_AN_HOUR
    let_pass(timedelta(hours=1))
    assert visitor.press(page, "/save", email=EMAIL).status_code == 303


def test_a_cookie_that_was_planted_opens_nothing_afterwards(sqlite: Engine, app: FastAPI) -> None:
    """T02."""
    onboarding_id = builders.an_onboarding("type_chosen")
    _, link = saved(app, onboarding_id)
    victim = a_visitor(app)
    planted = Visitor(app, cookies=dict(victim.cookies))
    victim.press(victim.get(link), link)
    assert victim.cookies != planted.cookies
    assert victim.get(victim.home(onboarding_id)).status_code == 200
    assert planted.get(planted.home(onboarding_id)).status_code == 404


def test_a_link_whose_answer_was_lost_leaves_what_was_there(sqlite: Engine, app: FastAPI) -> None:
    onboarding_id, other = (builders.an_onboarding("type_chosen") for _ in range(2))
    _, link = saved(app, onboarding_id)
    visitor = a_visitor(app, other)
    before = dict(visitor.cookies)
    visitor.press(visitor.get(link), link)
    visitor.cookies = dict(before)
    assert visitor.get(visitor.home(other)).status_code == 200


def test_a_link_opens_no_secret(sqlite: Engine, app: FastAPI) -> None:
    onboarding_id = builders.an_onboarding("type_chosen")
    owner = a_visitor(app, onboarding_id)
    asked = owner.follow(
        owner.press(owner.open(owner.home(onboarding_id)), "/contact", email=EMAIL)
    )
    proved = owner.follow(owner.press(asked, "/contact-code", code=code_in(letters()[0])))
    owner.press(proved, "/client-id")
    link = link_in(letters("client secret is ready")[0])
    other = Visitor(app)
    page = other.follow(other.press(other.get(link), link))
    assert heading(page) == "Your client secret is ready"
    asked = other.follow(other.press(page, "/secret-reveal"))
    assert heading(asked) == "Show that it is you"
    assert builders.state_of(onboarding_id) == "secret_ready"


def test_nothing_is_saved_for_others(sqlite: Engine, app: FastAPI) -> None:
    onboarding_id = builders.an_onboarding("type_chosen")
    stranger = a_visitor(app)
    for path in ("/save", "/saved"):
        assert stranger.get(stranger.home(onboarding_id) + path).status_code == 404
    answer = stranger.post(f"{stranger.home(onboarding_id)}/save", {"email": EMAIL})
    assert answer.status_code == 404
    assert letters() == []


def test_what_has_ended_needs_no_link(sqlite: Engine, app: FastAPI) -> None:
    onboarding_id = builders.an_onboarding("cancelled")
    visitor = a_visitor(app, onboarding_id)
    home = visitor.home(onboarding_id)
    for path in ("/save", "/saved"):
        assert visitor.get(home + path).headers["location"] == home
    visitor.post(f"{home}/save", {"email": EMAIL})
    assert letters() == []
