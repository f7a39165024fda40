"""The machine page: the chart with who stands in it, and the same in words."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding import db, drawing, drawing_picture, queries, stuck, words
from onboarding.chart import EVENT_TYPES, STATES
from onboarding.db import snapshot
from onboarding.sealing import Keyring
from onboarding.web import console_machine
from tests import builders
from tests.web.operating import a_quiet_site, at_console, home
from tests.web.visiting import soup


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_quiet_site(ring)


def test_the_picture_says_who_stands_where_and_leads_to_them(app: FastAPI) -> None:
    for state in ("started", "started", "verifying"):
        one = builders.an_onboarding(state)
    builders.age(one, timedelta(minutes=30))
    page = soup(at_console(app, "viewer", "fr").get("/fr/console/machine"))
    boxes = page.select("svg a")
    linked = {parse_qs(urlsplit(str(box["href"])).query)["state"][0]: box for box in boxes}
    assert set(linked) == set(STATES)
    assert str(linked["started"]["aria-label"]).endswith(": 2, dont 0 en retard")
    assert str(linked["verifying"]["aria-label"]).endswith(": 1, dont 1 en retard")
    assert "1 · 1 en retard" in linked["verifying"].text
    assert "30\xa0min · 30\xa0min" in linked["verifying"].text
    assert "suite\xa0: ce programme, sous 10\xa0min" in linked["verifying"].text
    assert not page.select("svg[role=img], svg style, svg [style]")


def test_both_pictures_say_nothing_in_another_language(app: FastAPI) -> None:
    here = home(builders.an_onboarding("started")).replace("/en/", "/fr/", 1)
    asked: set[str] = set()

    def say(sentence: str, **values: object) -> str:
        asked.add(sentence)
        return sentence % values

    drawing_picture.svg("started", say=say)
    assert {each for each in asked if words.translations("fr").gettext(each) == each} == set()
    visitor = at_console(app, "viewer", "fr")
    for page in ("/fr/console/machine", f"{here}/chart.svg"):
        picture = visitor.get(page).text
        assert "La vie d’une demande" in picture
        assert "Checking the aggregator" not in picture
        assert "next:" not in picture


def test_the_tables_say_the_same_and_every_move(app: FastAPI) -> None:
    builders.an_onboarding("seller_linked")
    page = soup(at_console(app, "viewer").get("/en/console/machine"))
    standing, moves = page.select("table.rows")
    counted = {r.th.text: r.select("td")[1].text for r in standing.select("tbody tr") if r.th}
    assert counted[drawing.label("seller_linked")] == "1"
    assert sum(map(int, counted.values())) == 1
    events = {row.th.text for row in moves.select("tbody tr") if row.th}
    assert events == set(EVENT_TYPES) - {"start"}
    told = {(row.event, row.target): row for row in console_machine.rows()}
    refused = told["refuse_aggregator", "awaiting_aggregator"]
    assert refused.who == ["operator", "platform"]
    assert refused.promises == ["send_email: aggregator_refused"]
    assert told["issue_id", "issuing_secret"].promises == ["generate_secret"]
    assert told["issue_id", "issuing_secret"].guard == "contact_verified"


@pytest.mark.parametrize("number", [1, 2, 3, 19, 20, 21])
def test_half_and_most_are_nearest_ranks(database: Engine, number: int) -> None:
    for minutes in range(number):
        builders.age(builders.an_onboarding("started"), timedelta(minutes=minutes))
    with snapshot() as session:
        ages = stuck.ages(session, queries.counts(session))["started"]
        now = db.clock(session)
    minute = timedelta(minutes=1)
    assert (now - ages.half_since) // minute == -(-number // 2) - 1
    assert (now - ages.most_since) // minute == -(-number * 95 // 100) - 1
