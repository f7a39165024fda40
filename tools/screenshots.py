"""Renews docs/screenshots: every page of the gallery in both languages, and a few as a telephone shows them.

Run it as `python -m tools.screenshots` after a page has changed, and look at what has changed.
"""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from onboarding import db, outbox, registry
from onboarding.migrations import upgrade
from onboarding.sealing import open_keyring
from onboarding.words import LOCALES
from tests.journeys.gallery import CHAPTERS
from tests.journeys.pages import Person, somebody
from tests.servers.browser import chromium
from tests.web.signing_in import Site, served_site

FOLDER = Path(__file__).parent.parent / "docs" / "screenshots"
DESKTOP = {"width": 800, "height": 600}
# Operators sit at a desk.
WIDE = {"width": 1280, "height": 800}
COLOURS = 128
TELEPHONE = {"width": 320, "height": 640}
ON_A_TELEPHONE = frozenset(
    {"start", "secret-ready", "secret-shown", "seller-linked", "connections"}
)


def renew() -> None:
    """Take every picture again."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    with chromium() as browser:
        for locale in LOCALES:
            with _site() as site, somebody(browser, site.url, locale) as person:
                _take_all(person, FOLDER / locale)


@contextmanager
def _site() -> Iterator[Site]:
    """The product on a database, with keys and e-mails, that are gone afterwards."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("ONBOARDING_KEYS_DIR", f"{folder}/keys")
        patch.setenv("ONBOARDING_MAIL_DIR", f"{folder}/mail")
        upgrade(db.connect(f"sqlite:///{folder}/onboarding.db"))
        with served_site(open_keyring(Path(folder, "keys")), patch) as site:
            outbox.publish_with(None)
            with db.transaction() as session:
                registry.add_samples(session)
            yield site


def _take_all(person: Person, folder: Path) -> None:
    names = (name for chapter in CHAPTERS for name in chapter(person))
    for number, name in enumerate(names, start=1):
        size = WIDE if name.startswith("console") else DESKTOP
        _take(person, folder / f"{number:02}-{name}.png", size)
        if name in ON_A_TELEPHONE:
            _take(person, folder / f"{number:02}-{name}-320.png", TELEPHONE)
        print(f"{person.locale} {number:02} {name}")


def _take(person: Person, path: Path, size: dict[str, int]) -> None:
    person.page.set_viewport_size(size)  # type: ignore[arg-type]
    picture = Image.open(BytesIO(person.page.screenshot(full_page=True)))
    path.parent.mkdir(parents=True, exist_ok=True)
    # So few colours are on a page that nobody sees the difference; the file is a third.
    picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


if __name__ == "__main__":
    renew()
