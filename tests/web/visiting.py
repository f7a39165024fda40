"""Visitors of the pages: a browser's cookies and forms without a browser, and the letters they get."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx
from bs4 import BeautifulSoup, Tag
from fastapi import FastAPI

from onboarding import mail, outbox, proofs
from onboarding.db import transaction
from onboarding.mail import StoredMail
from onboarding.outbox import Announcement
from onboarding.sealing import Keyring
from onboarding.settings import settings
from onboarding.web.app import create_app
from workers import turns

BASE = "http://127.0.0.1:8000"
# What every browser of today adds to a form of the page that it shows.
SAME_ORIGIN = {"sec-fetch-site": "same-origin"}
_BUSY = 503


def a_site(ring: Keyring) -> FastAPI:
    """The whole application; what it promises is done before its answer is read."""
    outbox.publish_with(_at_once)
    return create_app(settings(), ring)


@dataclass
class Visitor:
    """A browser: it keeps cookies, sends forms as they stand, and remembers every body it got."""

    app: FastAPI
    locale: str = "en"
    cookies: dict[str, str] = field(default_factory=dict)
    bodies: list[str] = field(default_factory=list)
    address: str = "127.0.0.1"

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.send("GET", path, headers=headers)

    def post(self, path: str, form: dict[str, Any] | None = None, **more: Any) -> httpx.Response:
        return self.send("POST", path, data=form or {}, **({"headers": SAME_ORIGIN} | more))

    def insist(self, path: str, form: dict[str, Any] | None = None) -> httpx.Response:
        """Send a form again while the service is too busy, as its page asks; five times at most.

        Where many wait for one row and the disk is slow, the last of them are told so.
        """
        for _ in range(4):
            if (answer := self.post(path, form)).status_code != _BUSY:
                return answer
        return self.post(path, form)

    def open(self, path: str) -> httpx.Response:
        """The page that an address leads to."""
        return self.follow(self.get(path))

    def follow(self, answer: httpx.Response) -> httpx.Response:
        while answer.is_redirect:
            answer = self.get(answer.headers["location"])
        return answer

    def home(self, onboarding_id: UUID | str) -> str:
        return f"/{self.locale}/onboardings/{onboarding_id}"

    def press(self, page: httpx.Response, form: str, **typed: str) -> httpx.Response:
        """Send the form of a page whose address ends so, with its hidden fields."""
        action, hidden = form_of(page, form)
        return self.post(action, hidden | typed)

    def send(self, method: str, path: str, **content: Any) -> httpx.Response:
        """Underscores in header names are hyphens. What the app raises is an answer too."""
        named = {k.replace("_", "-"): v for k, v in content.pop("headers", {}).items()}

        async def answer() -> httpx.Response:
            transport = httpx.ASGITransport(
                self.app, raise_app_exceptions=False, client=(self.address, 50_000)
            )
            async with httpx.AsyncClient(
                transport=transport, base_url=BASE, cookies=dict(self.cookies)
            ) as client:
                return await client.request(method, path, headers=named, **content)

        got = asyncio.run(answer())
        self.cookies |= dict(got.cookies)
        self.bodies.append(got.text)
        return got


def a_visitor(app: FastAPI, onboarding_id: UUID | None = None, locale: str = "en") -> Visitor:
    """A browser with a session and, if it is said, with an onboarding of its own."""
    with transaction() as session:
        browser, token = proofs.open_session(session)
        session.flush()
        if onboarding_id:
            proofs.grant(session, browser, onboarding_id)
    return Visitor(app, locale, {"onboarding": token})


def form_of(page: httpx.Response, ending: str) -> tuple[str, dict[str, str]]:
    """The address and the hidden fields of a form."""
    found = [f for f in soup(page).select("form") if str(f["action"]).endswith(ending)]
    assert found, f"no form to {ending}: {text(page)}"
    hidden = found[0].select("input[type=hidden]")
    return str(found[0]["action"]), {str(f["name"]): str(f["value"]) for f in hidden}


def soup(page: httpx.Response) -> BeautifulSoup:
    return BeautifulSoup(page.text, "html.parser")


def heading(page: httpx.Response) -> str:
    """The page's heading."""
    found = soup(page).select_one("h1")
    assert found, page.text
    return found.text.strip()


def text(page: httpx.Response) -> str:
    """What a page says, on one line."""
    main = soup(page).select_one("main")
    return " ".join((main or soup(page)).text.split())


def errors(page: httpx.Response) -> dict[str, str]:
    """The error summary: what is wrong, by field."""
    links: Sequence[Tag] = soup(page).select(".govuk-error-summary a")
    return {str(link["href"]).removeprefix("#"): link.text for link in links}


def letters(subject: str = "") -> list[StoredMail]:
    """The e-mails so far with this in their subject, newest first."""
    return [m for m in mail.stored(settings()) if subject.lower() in m.subject.lower()]


def code_in(letter: StoredMail) -> str:
    """The six digits of a letter."""
    (code,) = re.findall(r"^\d{6}$", letter.text, re.MULTILINE)
    return str(code)


def link_in(letter: StoredMail) -> str:
    """The path of the link of a letter."""
    (url,) = re.findall(r"^https?://[^/]+(/\S+/resume/\S+)$", letter.text, re.MULTILINE)
    return str(url)


def _at_once(announcements: Sequence[Announcement]) -> None:
    for announcement in announcements:
        turns.run(str(announcement.id))
