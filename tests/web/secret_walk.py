"""Visitors on their way to a client secret, through the pages, and what they leave behind."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import httpx
from fastapi import FastAPI
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from onboarding import db, proofs, queries
from onboarding.db import reading, transaction
from onboarding.models import (
    BrowserSession,
    ContactCode,
    Onboarding,
    Transition,
)
from tests import builders
from tests.racing import race
from tests.web.visiting import (
    Visitor,
    a_visitor,
    code_in,
    form_of,
    letters,
    soup,
    text,
)

EMAIL: Final = "ada@shop.example"
CLICKS: Final = 20


def at(app: FastAPI, state: str, connection_type: str = "own_development", **more: Any) -> Visitor:
    """A visitor who has come this far through the pages; `visitor.path` leads to the onboarding."""
    walk = {"connection_type": connection_type, **more.pop("walk", {})}
    visitor = a_visitor(app, builders.an_onboarding("type_chosen", **walk), **more)
    for step in _ROAD[: _ROAD.index(state) + 1]:
        _STEPS[step](visitor)
    assert the(visitor).state == state
    return visitor


def path_of(visitor: Visitor) -> str:
    """The address of the onboarding that the visitor has started last."""
    return visitor.home(the(visitor).id)


def the(visitor: Visitor) -> Onboarding:
    with reading() as session:
        browser = _browser(session, visitor)
        return queries.for_browser(session, browser.id)[0]


def page_of(visitor: Visitor) -> httpx.Response:
    return visitor.open(path_of(visitor))


def prove(visitor: Visitor, page: httpx.Response, **typed: str) -> httpx.Response:
    """Ask for a code on a page, and enter it."""
    asked = visitor.follow(visitor.press(page, "/contact", **typed))
    code = code_in(letters("your code")[0] if visitor.locale == "en" else letters()[0])
    return visitor.follow(visitor.press(asked, "/contact-code", code=code))


def secret_on(page: httpx.Response) -> str:
    found = soup(page).select_one("#client_secret")
    assert found, text(page)
    return found.text


def let_pass(visitor: Visitor, length: timedelta) -> None:
    """Everything that was proved or sent is that much older."""
    with transaction() as session:
        for browser in session.scalars(select(BrowserSession)):
            if browser.proved_at:
                browser.proved_at -= length
        for code in session.scalars(select(ContactCode)):
            code.created_at -= length
            if code.used_at:
                code.used_at -= length


def sign_in(visitor: Visitor, subject: str) -> None:
    """As if the visitor were back from the Seller Portal this instant."""
    with transaction() as session:
        browser = _browser(session, visitor)
        browser.issuer, browser.subject = "https://portal.example", subject
        browser.signed_in_at = db.clock(session)
        visitor.cookies["onboarding"] = proofs.prove(session, browser)


def grant_another(visitor: Visitor) -> str:
    """The path of another onboarding that the same browser holds."""
    other = builders.an_onboarding("type_chosen")
    with transaction() as session:
        proofs.grant(session, _browser(session, visitor), other)
    return visitor.home(other)


def count(*what: Any) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(what[0]).where(*what[1:])) or 0


def events(visitor: Visitor, event: str) -> int:
    return count(Transition, Transition.onboarding_id == the(visitor).id, Transition.event == event)


def click_often(visitor: Visitor, page: httpx.Response, form: str, **typed: str) -> list[Any]:
    """The same form, sent from as many threads at the same instant; each with the same cookies."""
    action, hidden = form_of(page, form)

    def click() -> tuple[Visitor, httpx.Response]:
        one = Visitor(visitor.app, visitor.locale, dict(visitor.cookies))
        return one, one.insist(action, hidden | typed)

    outcomes = race(*[click] * CLICKS)
    assert not [o for o in outcomes if isinstance(o, Exception)], outcomes
    return outcomes


_ROAD = ["type_chosen", "secret_ready", "secret_revealed"]


_STEPS: dict[str, Callable[[Visitor], Any]] = {
    "type_chosen": page_of,
    "secret_ready": lambda visitor: visitor.press(
        prove(visitor, page_of(visitor), email=EMAIL), "/client-id"
    ),
    "secret_revealed": lambda visitor: visitor.press(page_of(visitor), "/secret-reveal"),
}


def _browser(session: Session, visitor: Visitor) -> BrowserSession:
    browser = proofs.find_session(session, visitor.cookies["onboarding"])
    assert browser is not None
    return browser
