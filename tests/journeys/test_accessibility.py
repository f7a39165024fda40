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
ABOUT_THE_STATUS = "Failed to load resource: the server responded with a status of "

# In the pages' own text: letters are wrapped where their lines end, and a heading may be one.
BROKEN_REFERENCES = r"""() => [...document.querySelectorAll("main *, .help *")].flatMap((element) =>
    [...element.childNodes].filter((node) => node.nodeType === 3 && !element.closest("h1, pre:not(.same__line)"))
    .flatMap((text) => [...text.data.matchAll(/ONB-\w{5}-\w{5}/g)].filter((found) => {
        const range = document.createRange()
        range.setStart(text, found.index)
        range.setEnd(text, found.index + found[0].length)
        return new Set([...range.getClientRects()].map((line) => Math.round(line.top))).size > 1
    }).map((found) => found[0])))"""
TWICE_AS_LARGE = """() => {
    document.documentElement.style.setProperty("font-size", "32px", "important")
    const reaches = document.documentElement.scrollWidth
    document.documentElement.style.removeProperty("font-size")
    return reaches
}"""


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
    language = page.locator("html").get_attribute("lang")
    # While it goes elsewhere, Playwright's own word for the title is "Loading".
    title = " ".join(page.evaluate("document.title").split())
    said = (language, title, page.locator("h1").count())
    wanted = (person.locale, _title(person, name), 1)
    return [] if said == wanted else [f"{said} instead of {wanted}"]


def _title(person: Person, name: str) -> str:
    """The sandbox is another site, and says otherwise what is wrong."""
    sandbox = name.startswith("portal")
    error = f"{person.says('Error:')} " if name.endswith("-error") and not sandbox else ""
    site = person.says("Sandbox Seller Portal") if sandbox else "Marketplace"
    return f"{error}{person.heading()} – {site}"


def _at(person: Person, width: int) -> list[str]:
    person.page.set_viewport_size({"width": width, "height": 800})
    reaches = person.page.evaluate("document.documentElement.scrollWidth")
    findings = accessibility_findings(person.page)
    return [f"{width}: {one}" for one in findings] + (
        [f"{width}: reaches to {reaches}"] if reaches > width else _narrow(person, width)
    )


def _narrow(person: Person, width: int) -> list[str]:
    """A reference is in one piece, and whoever reads letters twice as large scrolls one way only."""
    if width != min(WIDTHS):
        return []
    broken = [f"{width}: breaks {one}" for one in person.page.evaluate(BROKEN_REFERENCES)]
    reaches = person.page.evaluate(TWICE_AS_LARGE)
    return broken + ([f"{width}: twice as large, reaches to {reaches}"] if reaches > width else [])
