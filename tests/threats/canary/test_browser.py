"""The canary in a browser: what Chromium has written down of the page that shows a secret, once it is closed."""

from contextlib import suppress
from pathlib import Path
from typing import Final

import httpx
from playwright.sync_api import Browser
from playwright.sync_api import Error as BrowserError

from onboarding.checksums import random_base62
from tests.journeys.letterbox import Letterbox
from tests.journeys.pages import Person
from tests.journeys.steps import READY, STORED, download, prove_address
from tests.servers.browser import with_profile
from tests.threats.canary import sinks
from tests.threats.canary.watched import Watched, hits

CLIPBOARD: Final = ["clipboard-read", "clipboard-write"]
# As long as a secret, and as random; a page of ours that kept one in any of these would be found.
KNOWN: Final = random_base62(43)
STORE: Final = """async text => {
  localStorage.setItem("known", text);
  sessionStorage.setItem("known", text);
  document.cookie = `known=${text}; max-age=3600`;
  const opened = indexedDB.open("known", 1);
  opened.onupgradeneeded = () => opened.result.createObjectStore("known");
  await new Promise(done => opened.onsuccess = done);
  const write = opened.result.transaction("known", "readwrite");
  write.objectStore("known").put(text, "known");
  await new Promise(done => write.oncomplete = done);
}"""


def test_t33_a_browser_has_kept_nothing_of_the_page_with_the_secret(
    embedded: Watched, browser: Browser, tmp_path: Path
) -> None:
    """Copied, saved as files, left, gone back to and reloaded; in the profile, or anywhere at the server."""
    url = embedded.stage.system.url
    with with_profile(browser, tmp_path, permissions=CLIPBOARD, locale="en") as opened:
        person = Person(opened.pages[0], url, "en")
        letterbox = Letterbox(embedded.stage.smtp, "eve@shop.example")
        secret, home = see_secret(person, letterbox), person.home
        leave_and_come_back(person, secret)
        opened.pages[-1].evaluate(STORE, KNOWN)
    kept = {"profile": profile(tmp_path)}
    assert hits(kept, secret) == {}
    assert hits(embedded.places(), secret) == {}
    assert sum(secret in body for body in person.bodies) == 1
    assert not [each for each in person.addresses if secret in each]
    see_everything(kept, url, home)


def see_secret(person: Person, letterbox: Letterbox) -> str:
    """The one page, and all that it offers to do with the secret."""
    person.open("/en/")
    person.answer("I only need credentials")
    person.fill("Organisation", "Example Integrations")
    person.fill("E-mail address", letterbox.address)
    person.answer("An integration partner")
    prove_address(person, letterbox)
    person.press("Create my client ID")
    person.arrives_at(READY)
    person.press("Show my client secret")
    person.arrives_at("Store your client secret now")
    for name in ("client_id", "client_secret", "both"):
        person.page.locator(f"[data-copy={name}]").click()
    secret = person.read("client_secret")
    for kind in ("env", "json"):
        assert secret in download(person, f"credentials.{kind}")
    return secret


def leave_and_come_back(person: Person, secret: str) -> None:
    """On to the next page and back; in another tab again and reloaded, and the secret tested where that is offered."""
    person.tick(STORED)
    person.press("Continue")
    person.arrives_at("Your credentials are ready")
    client_id = person.read("client_id")
    tab = person.another_tab()
    go_back(person)
    tab.page.reload()
    tab.open("/en/test-credentials")
    tab.fill("Client ID", client_id)
    tab.page.locator("#test_client_secret").fill(secret)
    tab.press("Test the credentials")
    assert "These credentials work" in tab.read()
    tab.open("/oauth2/jwks")


def go_back(person: Person) -> None:
    """To a form's answer that nobody has kept: then the browser asks whether to send the form again."""
    with suppress(BrowserError):
        person.page.go_back()


def profile(folder: Path) -> list[bytes]:
    return [piece for file in sinks.files(folder) for piece in sinks.unpacked(file)]


def see_everything(kept: dict[str, list[bytes]], url: str, home: str) -> None:
    """The search has eyes in the profile: in the cache, packed or not, and in what pages can store."""
    (key, *_) = httpx.get(f"{url}/oauth2/jwks").json()["keys"]
    script = httpx.get(f"{url}/en/").text.partition('<script type="module" src="')[2]
    text = httpx.get(f"{url}{script.partition(chr(34))[0]}").text
    assert hits_of(kept, key["x"]) >= 1
    assert hits_of(kept, text[-43:].strip()) >= 1
    # A cookie may be encrypted; the three others are not.
    assert hits_of(kept, KNOWN) >= 3


def hits_of(kept: dict[str, list[bytes]], word: str) -> int:
    return sinks.hits(kept, word).get("profile", 0)
