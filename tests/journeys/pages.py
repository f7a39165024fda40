"""What people do at the pages, in the pages' own words: choose, fill, press, follow, read.

A test says each word in English; the person reads it in a language of their own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from playwright.sync_api import Browser, Locator, Page, Response, expect

from onboarding import words

# How often a waiting page is asked again before the test gives up.
PATIENCE = 60
MOST_MILLISECONDS = 15_000
LEAVING = ("/sign-in", "/sign-out")


@dataclass
class Person:
    """Somebody at a browser; every document that it was sent, and every address that it asked for."""

    page: Page
    url: str
    locale: str
    bodies: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("request", lambda request: self.addresses.append(request.url))

    @property
    def onboarding_id(self) -> UUID:
        """The onboarding whose page is open."""
        return UUID(self.page.url.partition("/onboardings/")[2][:36])

    @property
    def home(self) -> str:
        """The address of that onboarding."""
        return f"/{self.locale}/onboardings/{self.onboarding_id}"

    def another_tab(self) -> "Person":
        """The page that is open, in a second tab of the same browser."""
        tab = Person(self.page.context.new_page(), self.url, self.locale)
        tab.open(self.page.url)
        return tab

    def says(self, sentence: str, **values: str) -> str:
        """The sentence in their language, as it stands on a page."""
        return " ".join(words.translate(self.locale, sentence, **values).split())

    def open(self, path: str) -> Response:
        """Type an address."""
        response = self.page.goto(path if "://" in path else self.url + path)
        assert response is not None
        return self._keep(response)

    def choose(self, option: str) -> None:
        """One of several answers."""
        self.page.get_by_role("radio", name=self.says(option), exact=True).check()

    def choose_from(self, label: str, option: str) -> None:
        """An answer of a list that folds out."""
        box = self.page.get_by_role("combobox", name=self.says(label), exact=True)
        box.select_option(label=self.says(option))

    def tick(self, label: str) -> None:
        self.page.get_by_role("checkbox", name=self.says(label), exact=True).check()

    def fill(self, label: str, text: str) -> None:
        self.page.get_by_role("textbox", name=self.says(label), exact=True).fill(text)

    def press(self, button: str, **values: str) -> Response:
        """Press a button, and see what comes."""
        return self._go(self.button(button, **values))

    def follow(self, link: str, **values: str) -> Response:
        """Follow a link, and see what comes."""
        return self._go(self.page.get_by_role("link", name=self.says(link, **values), exact=True))

    def answer(self, option: str) -> None:
        """Answer a question of the wizard and go on."""
        self.choose(option)
        self.press("Save and continue")

    def button(self, text: str, **values: str) -> Locator:
        return self.page.get_by_role("button", name=self.says(text, **values), exact=True)

    def arrives_at(self, heading: str, **values: str) -> None:
        """The page with this heading is the one that shows."""
        expect(self.page.locator("h1")).to_have_text(
            self.says(heading, **values), timeout=MOST_MILLISECONDS
        )

    def waits_for(self, heading: str, **values: str) -> None:
        """Ask a waiting page again until it has become another one."""
        for _ in range(PATIENCE):
            if self.heading() == self.says(heading, **values):
                return
            self.page.wait_for_timeout(50)
            self.press("Check again")
        self.arrives_at(heading, **values)

    def heading(self) -> str:
        return " ".join(self.page.locator("h1").inner_text().split())

    def read(self, value: str | None = None) -> str:
        """What the page says; or one of its values to copy."""
        return " ".join(self.page.locator(f"#{value}" if value else "main").inner_text().split())

    def _go(self, what: Locator) -> Response:
        with self.page.expect_navigation() as navigation:
            what.click()
        response = navigation.value
        if self._leads_on(response.url):
            # It is gone before its text can be read.
            self.page.wait_for_url(lambda url: not self._leads_on(url))
            return response
        return self._keep(response)

    def _leads_on(self, url: str) -> bool:
        """Whether it is a page of ours that is only the way to the Seller Portal."""
        return url.startswith(f"{self.url}/{self.locale}/") and url.endswith(LEAVING)

    def _keep(self, response: Response) -> Response:
        """A redirect on the way has no body that could be kept."""
        self.bodies.append(response.text())
        return response


@contextmanager
def somebody(
    browser: Browser, url: str, locale: str, *, javascript: bool = True, **context: object
) -> Iterator[Person]:
    """A person who has never been here, in a browser of their own that prefers their language."""
    with browser.new_context(
        java_script_enabled=javascript,
        locale=locale,
        **context,  # type: ignore[arg-type]
    ) as opened:
        opened.set_default_timeout(MOST_MILLISECONDS)
        yield Person(opened.new_page(), url, locale)
