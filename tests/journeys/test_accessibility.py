"""Every page in both languages, wide and narrow: accessible, fitting, named, and asking nobody else."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage

from onboarding.words import LOCALES
from tests.journeys.gallery import CHAPTERS, Pages
from tests.journeys.pages import Person, somebody
from tests.servers.browser import accessibility_findings
from tests.web.signing_in import Site

WIDTHS = (1280, 320)
# What Chromium says of every answer that is not a success; the page itself is looked at.
ABOUT_THE_STATUS = "Failed to load resource: the server responded with a status of 4"


@pytest.fixture(params=LOCALES)
def person(request: pytest.FixtureRequest, browser: Browser, site: Site) -> Iterator[Person]:
    with somebody(browser, site.url, request.param) as made:
        yield made


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.__name__)
def test_every_page_is_accessible_and_fits(
    person: Person, chapter: Callable[[Person], Pages]
) -> None:
    complaints = listen(person)
    findings = {name: found for name in chapter(person) if (found := look(person, name))}
    assert findings == {}
    assert complaints == []
    assert [address for address in person.addresses if not address.startswith(person.url)] == []


def look(person: Person, name: str) -> list[str]:
    """What is wrong with the page that shows."""
    return [*_named(person, name), *(wrong for width in WIDTHS for wrong in _at(person, width))]


def listen(person: Person) -> list[str]:
    """What the browser complains about from now on: errors, and whatever the policy has refused."""
    complaints: list[str] = []

    def note(message: ConsoleMessage) -> None:
        if not message.text.startswith(ABOUT_THE_STATUS):
            complaints.append(f"{person.page.url}: {message.text}")

    person.page.on("console", note)
    person.page.on("pageerror", lambda error: complaints.append(f"{person.page.url}: {error}"))
    return complaints


def _named(person: Person, name: str) -> list[str]:
    """A page tells its language, and its title is its heading; a form with a mistake says so first."""
    page = person.page
    heading = person.heading()
    error = f"{person.says('Error:')} " if page.locator(".govuk-error-summary").count() else ""
    site = "Sandbox Seller Portal" if name.startswith("portal") else "Marketplace"
    title = " ".join(page.title().split())
    wanted = f"{error}{heading} – {person.says(site)}"
    language = page.locator("html").get_attribute("lang")
    return [
        *([] if title == wanted else [f"titled {title}, not {wanted}"]),
        *([] if language == person.locale else [f"in {language}"]),
        *([] if page.locator("h1").count() == 1 else ["more than one h1"]),
        *([] if bool(error) == name.endswith("-error") or name.startswith("portal") else ["error?"]),
    ]


def _at(person: Person, width: int) -> list[str]:
    person.page.set_viewport_size({"width": width, "height": 800})
    reaches = person.page.evaluate("document.documentElement.scrollWidth")
    findings = accessibility_findings(person.page)
    return [f"{width}: {one}" for one in findings] + (
        [f"{width}: reaches to {reaches}"] if reaches > width else []
    )
