"""Whoever presses the button again and again begins as many sign-ins as an office does, and holds up nobody else."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, func, select

from onboarding.db import reading
from onboarding.models import Base, BrowserSession, PendingSignIn
from onboarding.sealing import Keyring
from onboarding.settings import settings
from onboarding.web.quotas import SIGN_INS, Quotas
from tests.builders import an_onboarding
from tests.databases import forget_settings
from tests.sellers.serving import serving
from tests.web.standing_still import Now
from tests.web.visiting import Visitor, a_site, a_visitor, heading, soup, text


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def app(
    sqlite: Engine, ring: Keyring, now: Now, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FastAPI]:
    """One that is served, so that its own Seller Portal answers it."""
    apps: list[FastAPI] = []

    def make(url: str) -> FastAPI:
        monkeypatch.setenv("ONBOARDING_PUBLIC_URL", url)
        forget_settings()
        apps.append(a_site(ring))
        apps[0].state.quotas = Quotas(settings(), now)
        return apps[0]

    with serving(make):
        yield apps[0]
        apps[0].state.provider.http.close()


def count(table: type[Base]) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def begin(app: FastAPI, times: int, address: str = "203.0.113.1") -> list[int]:
    """Each time as a browser that nobody has seen before."""
    return [Visitor(app, address=address).post("/en/sign-in").status_code for _ in range(times)]


@pytest.mark.parametrize(
    ("locale", "title", "said", "button"),
    [
        ("en", "Too many attempts", "Wait a minute, then go back and sign in again.", "Go back"),
        ("fr", "Trop de tentatives", "Attendez une minute, puis revenez", "Retour"),
    ],
)
def test_a_network_begins_so_many_sign_ins_a_minute(
    app: FastAPI, locale: str, title: str, said: str, button: str
) -> None:
    """T25."""
    assert begin(app, SIGN_INS) == [200] * SIGN_INS
    stranger = Visitor(app, locale, address="203.0.113.254")
    page = stranger.post(f"/{locale}/sign-in")
    assert (page.status_code, heading(page)) == (429, title)
    assert said in text(page)
    assert page.headers["retry-after"] == "60"
    assert [(a.text.strip(), a["href"]) for a in soup(page).select("main a.govuk-button")] == [
        (button, f"/{locale}/connections")
    ]
    # Nothing is written down of it, nor is the browser known from now on.
    assert count(PendingSignIn) == count(BrowserSession) == SIGN_INS
    assert stranger.cookies == {}


def test_others_are_not_held_up_and_after_a_minute_nobody_is(app: FastAPI, now: Now) -> None:
    begin(app, SIGN_INS)
    assert begin(app, 1) == [429]
    assert begin(app, 1, "198.51.100.1") == begin(app, 1, "2001:db8::1") == [200]
    now.at += 60
    assert begin(app, SIGN_INS) == [200] * SIGN_INS


def test_the_page_leads_back_to_where_somebody_came_from(app: FastAPI) -> None:
    """All that begins a sign-in is counted together."""
    onboarding_id = an_onboarding("awaiting_seller", connection_type="aggregator", delegated=True)
    owner = replace(a_visitor(app, onboarding_id), address="203.0.113.1")
    begin(app, SIGN_INS - 1)
    home = owner.home(onboarding_id)
    assert owner.post(f"{home}/sign-in").status_code == 200
    page = owner.post(f"{home}/sign-in")
    assert page.status_code == 429
    assert f'href="{home}"' in page.text
    assert owner.get(home).status_code == 200


def test_whoever_may_not_see_an_onboarding_takes_nothing_from_the_others(app: FastAPI) -> None:
    onboarding_id = an_onboarding("awaiting_seller", connection_type="aggregator", delegated=True)
    stranger = Visitor(app, address="203.0.113.1")
    refused = [stranger.post(f"{stranger.home(onboarding_id)}/sign-in") for _ in range(2)]
    assert [each.status_code for each in refused] == [404] * 2
    assert begin(app, SIGN_INS) == [200] * SIGN_INS
