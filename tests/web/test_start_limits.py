"""Whoever starts request after request fills the database for nobody, and holds up nobody else."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, func, select, update
from starlette.requests import HTTPConnection

from onboarding.db import reading, transaction
from onboarding.models import BrowserSession, Onboarding
from onboarding.sealing import Keyring
from onboarding.settings import settings
from onboarding.web.quotas import STARTS, Quota, Quotas
from onboarding.web.refusals import QuotaExceeded
from onboarding.web.wizard_start import CLICKS
from tests.racing import PATIENCE
from tests.web.standing_still import Now
from tests.web.visiting import Visitor, a_site, soup

ACTION = "/onboardings"
OFFICE, ANOTHER = "203.0.113.1", "198.51.100.1"


@pytest.fixture
def site(sqlite: Engine, ring: Keyring) -> FastAPI:
    return a_site(ring)


@pytest.fixture
def now(site: FastAPI) -> Now:
    now = Now()
    site.state.quotas = Quotas(settings(), now)
    return now


def rows() -> tuple[int, int]:
    with reading() as session:
        onboardings = session.scalar(select(func.count()).select_from(Onboarding)) or 0
        return onboardings, session.scalar(select(func.count()).select_from(BrowserSession)) or 0


def start(app: FastAPI, address: str = OFFICE) -> int:
    """As a browser that nobody has seen before."""
    visitor = Visitor(app, address=address)
    return visitor.press(visitor.get("/en"), ACTION, connection_type="plugin").status_code


@pytest.mark.parametrize(
    ("locale", "said"), [("en", "Too many requests were started"), ("fr", "Trop de demandes")]
)
def test_a_network_starts_so_many_a_minute_and_keeps_what_it_entered(
    site: FastAPI, now: Now, locale: str, said: str
) -> None:
    """T25."""
    assert {start(site) for _ in range(STARTS)} == {303}
    visitor = Visitor(site, locale, address="203.0.113.254")
    page = visitor.press(visitor.get(f"/{locale}"), ACTION, connection_type="plugin")
    assert (page.status_code, page.headers["retry-after"]) == (429, "60")
    assert said in soup(page).select(".govuk-error-summary")[0].text
    assert rows() == (STARTS, STARTS)
    (chosen,) = soup(page).select("input[type=radio][checked]")
    assert chosen["value"] == "plugin"
    assert start(site, ANOTHER) == 303
    now.at += 60
    assert visitor.press(page, ACTION, connection_type="plugin").status_code == 303


def test_a_form_with_a_mistake_takes_nothing_from_the_others(site: FastAPI, now: Now) -> None:
    visitor = Visitor(site, address=OFFICE)
    page = visitor.get("/en")
    assert [visitor.press(page, ACTION).status_code for _ in range(2)] == [422] * 2
    assert {start(site) for _ in range(STARTS)} == {303}


def test_a_second_click_is_the_same_start_and_takes_nothing_from_the_others(
    site: FastAPI, now: Now
) -> None:
    visitor = Visitor(site, address=OFFICE)
    page = visitor.get("/en")
    first = visitor.press(page, ACTION, connection_type="plugin")
    assert {start(site) for _ in range(STARTS - 1)} == {303}
    again = visitor.press(page, ACTION, connection_type="plugin")
    assert (again.status_code, again.headers["location"]) == (303, first.headers["location"])
    assert start(site) == 429


def test_first_clicks_at_one_instant_are_the_same_start_too(site: FastAPI) -> None:
    """Each is counted before any of them has begun anything: nobody else may write until then."""
    counted = threading.Semaphore(0)

    def clock() -> float:
        counted.release()
        return 0.0

    site.state.quotas = Quotas(settings(), clock)
    first = Visitor(site, address=OFFICE)
    page = first.get("/en")
    second = replace(first, cookies=dict(first.cookies))
    assert {start(site) for _ in range(STARTS - 1)} == {303}
    assert all(counted.acquire(timeout=PATIENCE) for _ in range(STARTS - 1))
    with ThreadPoolExecutor(2) as pool:
        with transaction() as session:
            session.execute(update(Onboarding).values(locale="en"))
            clicks = [
                pool.submit(each.press, page, ACTION, connection_type="plugin")
                for each in (first, second)
            ]
            assert all(counted.acquire(timeout=PATIENCE) for _ in clicks)
        answers = [click.result(PATIENCE) for click in clicks]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert rows() == (STARTS, STARTS + 1)
    assert start(site) == 429


def test_what_is_sent_at_one_instant_is_free_so_often_and_only_once_it_was_counted() -> None:
    request = HTTPConnection({"type": "http"})
    quota = Quota("starts", 2, Now())

    def take(name: str) -> bool:
        try:
            quota.take_once(request, OFFICE, name, 1)
        except QuotaExceeded:
            return False
        return True

    assert [take(name) for name in ("one", "one", "one")] == [True, True, True]
    assert [take(name) for name in ("one", "one", "two", "two")] == [True, False, False, False]


def test_clicks_whose_answers_are_lost_are_the_same_start_but_fill_no_database(
    site: FastAPI, now: Now
) -> None:
    """Each comes without the session that the answer before it would have brought."""
    visitor = Visitor(site, address=OFFICE)
    page = visitor.get("/en")
    marked = dict(visitor.cookies)

    def click() -> int:
        visitor.cookies = dict(marked)
        return visitor.press(page, ACTION, connection_type="plugin").status_code

    assert {click() for _ in range(CLICKS)} == {303}
    assert {start(site) for _ in range(STARTS - 1)} == {303}
    assert click() == 429
    assert rows() == (STARTS, STARTS - 1 + CLICKS)
