"""Views of the console: each is an address, and the search box finds by whatever is at hand."""

import re
from datetime import timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding.sealing import Keyring
from tests import builders
from tests.composing import put
from tests.web.operating import a_quiet_site, at_console, home
from tests.web.visiting import soup, text


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_quiet_site(ring)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"started", "awaiting_seller", "awaiting_aggregator"}),
        ("state=started", {"started"}),
        ("waiting_on=seller", {"started", "awaiting_seller"}),
        ("waiting_on=aggregator", {"awaiting_aggregator"}),
        ("waiting_on=developer", set()),
        ("overdue=yes", {"awaiting_seller"}),
        ("overdue=yes&type=plugin", set()),
        ("type=aggregator", {"awaiting_aggregator"}),
        ("state=started&waiting_on=aggregator", set()),
        ("failing=yes", set()),
        ("q=nothing", set()),
    ],
)
def test_a_view_is_an_address(app: FastAPI, query: str, found: set[str]) -> None:
    made = {s: builders.an_onboarding(s) for s in ("started", "awaiting_seller")}
    made["awaiting_aggregator"] = builders.an_onboarding("awaiting_aggregator", delegated=True)
    builders.age(made["awaiting_seller"], timedelta(days=8))
    page = at_console(app, "viewer").get(f"/en/console/onboardings?{query}")
    assert page.status_code == 200
    shown = {state for state, one in made.items() if builders.the(one).reference in page.text}
    assert shown == found
    assert (f"{len(found)} onboarding" in text(page)) == bool(found)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("q=nothing+%26+all", "Only those found by “nothing & all”."),
        ("run=7", "Only those of the run B-7."),
        ("email={hash}", "Only those of one e-mail address."),
    ],
)
def test_what_no_field_shows_is_said_and_can_be_left_out(
    app: FastAPI, query: str, says: str
) -> None:
    put(builders.an_onboarding("started"), contact_email="alex@shop.example")
    operator = at_console(app, "viewer")
    hashed = operator.post("/en/console/find", {"q": "nobody@shop.example"}).headers["location"]
    query = query.format(hash=hashed.partition("email=")[2])
    page = operator.get(f"/en/console/onboardings?state=started&{query}")
    assert says in text(page)
    (left,) = [link["href"] for link in soup(page).select("main p a") if "Leave" in link.text]
    assert left == "/en/console/onboardings?state=started"
    assert says not in text(operator.get(str(left)))
    assert "1 onboarding" in text(operator.get(str(left)))


@pytest.mark.parametrize("query", ["state=gone", "overdue=perhaps", "q=" + "x" * 200, "cause=%00"])
def test_a_view_that_cannot_be_read_says_so(app: FastAPI, query: str) -> None:
    page = at_console(app, "viewer").get(f"/en/console/onboardings?{query}")
    assert page.status_code == 422
    assert "There is a problem" in text(page)


def test_the_box_finds_by_whatever_is_at_hand(app: FastAPI) -> None:
    builders.an_onboarding("started")
    onboarding_id = builders.an_onboarding("confirmed")
    builders.an_onboarding("awaiting_aggregator")
    put(onboarding_id, contact_email="alex@shop.example")
    reference = builders.the(onboarding_id).reference
    visitor = at_console(app, "viewer")
    page = visitor.get(home(onboarding_id))
    client_id = re.findall(r"cid_\w+", page.text)[0]
    for q in (reference, reference.lower(), str(onboarding_id), client_id, "alex@shop.example"):
        answer = visitor.post("/en/console/find", {"q": f" {q} "})
        assert answer.headers["location"] == home(onboarding_id), q
    for q in ("channel-harbour", "Chännel  HARBOUR!"):
        answer = visitor.post("/en/console/find", {"q": q})
        assert answer.headers["location"] == "/en/console/onboardings?aggregator=channel-harbour", q
    for q in ("nobody@shop.example", "nothing", "", "\0"):
        answer = visitor.follow(visitor.post("/en/console/find", {"q": q}))
        assert answer.status_code in {200, 422}
        assert "@" not in str(answer.request.url)


def test_a_search_for_an_address_that_several_have_is_a_view_to_send(app: FastAPI) -> None:
    two = [builders.an_onboarding(email="alex@shop.example") for _ in range(2)]
    visitor = at_console(app, "viewer")
    answer = visitor.post("/en/console/find", {"q": "alex@shop.example"})
    assert re.fullmatch(r"/en/console/onboardings\?email=[0-9a-f.]+", answer.headers["location"])
    page = visitor.follow(answer)
    assert all(builders.the(one).reference in page.text for one in two)
    assert "alex" not in page.text
    wrong = visitor.get("/en/console/onboardings?email=alex@shop.example")
    assert wrong.status_code == 422


@pytest.mark.parametrize("path", ["onboardings/ONB-AAAAA-AAAAA/retry", "causes/none/such"])
def test_what_is_not_there_says_to_an_operator_where_to_look(app: FastAPI, path: str) -> None:
    page = at_console(app, "lead").get(f"/en/console/{path}")
    assert page.status_code == 404
    assert "what was archived is here no more" in text(page)
    assert "your latest e-mail" not in text(page)


def test_a_keyboard_gets_to_what_was_found_at_once(app: FastAPI) -> None:
    """Past the views and the fields of the filter, which are thirty stops."""
    there = at_console(app, "viewer")
    nothing = there.get("/en/console/onboardings").text
    assert "#found" not in nothing
    builders.an_onboarding("started")
    page = there.get("/en/console/onboardings").text
    assert page.index('href="#found"') < page.index('class="views"') < page.index('id="found"')
