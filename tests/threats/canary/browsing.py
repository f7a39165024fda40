"""Somebody at the pages, without a browser: opens, types, presses, and waits for what comes."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.faults.stage import PATIENCE
from tests.journeys.letterbox import Letterbox, part
from tests.threats.canary.watched import Watched
from tests.web import signing_in
from tests.web.visiting import SAME_ORIGIN, soup, text


@dataclass
class Person:
    """Their browser, their mailbox, and the page that is open."""

    http: httpx.Client
    letterbox: Letterbox
    page: httpx.Response

    @property
    def home(self) -> str:
        """The onboarding that is open."""
        return str(self.page.url)[: str(self.page.url).index("/onboardings/") + 49]

    def open(self, path: str) -> None:
        self.page = self.http.get(path)

    def press(self, form: str, **typed: str) -> None:
        """Send the form whose address ends so."""
        self.page = signing_in.press(self.http, self.page, form, **typed)

    def waits_for(self, form: str, path: str = "") -> None:
        """Reload until the page, or another one, has this form."""
        path, deadline = path or self.home, time.monotonic() + PATIENCE
        while not self.offers(form):
            assert time.monotonic() < deadline, text(self.page)
            time.sleep(0.05)
            self.open(path)

    def offers(self, form: str) -> bool:
        return any(str(f["action"]).endswith(form) for f in soup(self.page).select("form"))

    def prove(self, ask: str, answer: str, **typed: str) -> None:
        """Have a code sent, and enter it."""
        self.press(ask, **typed)
        self.press(answer, code=self.letterbox.code())

    def read(self, value: str) -> str:
        """One of the page's values to copy."""
        found = soup(self.page).select_one(f"#{value}")
        assert found, text(self.page)
        return found.text

    def link_in_a_letter(self) -> str:
        """The address in the letter to a developer who was named."""
        pattern = re.compile(r"^http://\S+/developer/\S+$", re.MULTILINE)
        address = self.letterbox.address
        letter = self.letterbox.smtp.wait_for(
            lambda one: one["To"] == address and bool(pattern.search(part(one, "plain"))), PATIENCE
        )
        found = pattern.search(part(letter, "plain"))
        assert found
        return found[0]


@contextmanager
def somebody(watched: Watched, address: str) -> Iterator[Person]:
    """A person who has just come to the start page; their answers are kept."""
    more: dict[str, Any] = {"headers": SAME_ORIGIN, "follow_redirects": True}
    with watched.client(**more) as http:
        yield Person(http, Letterbox(watched.stage.smtp, address), http.get("/en/"))
