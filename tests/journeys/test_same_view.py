"""What a page of the console says at its foot, done in a shell, finds what the page shows."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from bs4 import BeautifulSoup

from onboarding import access, inbound, operators, population, runs, stuck
from onboarding.db import reading, transaction
from onboarding.filters import Filter
from onboarding.operators import Who
from onboarding.sealing import read_keyring
from onboarding.settings import settings
from tests import builders
from tests.acting import WHY
from tests.commands.incidents import an_incident
from tests.listening import an_endpoint
from tests.system import ONBOARDING, System, environment
from tests.telling import Event, a_source, tell

REFERENCE = re.compile(r"ONB-[0-9A-Z]{5}-[0-9A-Z]{5}")
# Where a machine has no curl: what it does with a line like ours.
CURL = f"""#!{sys.executable}
import sys, urllib.request
option, header, url = sys.argv[1:]
assert option == "-H"
asked = urllib.request.Request(url, headers=dict([header.split(": ", 1)]))
sys.stdout.write(urllib.request.urlopen(asked).read().decode())
"""
VIEWS = (
    "",
    "state=started",
    "waiting_on=seller&type=plugin",
    "overdue=yes",
    "waiting_on=platform&overdue=yes",
    "failing=yes",
    "q=it%27s+%24HOME+at+%60id%60",
)


@pytest.fixture
def browser(system: System, tmp_path: Path) -> Iterator[httpx.Client]:
    """An operator's, in front of a server with a population."""
    with environment(system.environment):
        settings.cache_clear()
        ring = read_keyring(system.folder / "keys")
        population.populate(120, ring, settings())
        an_incident()
    settings.cache_clear()
    system.start("web")
    system.wait_until_ready()
    token = operators.link_token(ring, "lead", datetime.now(UTC) + timedelta(hours=1))
    with httpx.Client(base_url=system.url, follow_redirects=True) as client:
        client.post(f"/en/console/enter/{token}").raise_for_status()
        yield client


def test_page_terminal_and_program_find_the_same(
    browser: httpx.Client, system: System, tmp_path: Path
) -> None:
    shell = _shell(system, tmp_path)
    several = 0
    for view in VIEWS:
        page = f"/en/console/onboardings?{view}"
        while page:
            shown = BeautifulSoup(browser.get(page).raise_for_status().text, "html.parser")
            listed = [link.text for link in shown.select("table.rows th[scope=row] a")]
            (cli,), (curl,) = (shown.select(f"[data-same={kind}]") for kind in ("cli", "curl"))
            assert REFERENCE.findall(_run(shell, cli.text)) == listed, cli.text
            assert list(dict.fromkeys(REFERENCE.findall(_run(shell, curl.text)))) == listed, (
                curl.text
            )
            several += len(listed) > 1
            older = shown.find("a", string="Older ones")
            page = str(older["href"]) if older else ""
    assert several > len(VIEWS) // 2


def test_an_onboarding_and_the_causes_are_the_same_too(
    browser: httpx.Client, system: System, tmp_path: Path
) -> None:
    shell = _shell(system, tmp_path)
    listed = browser.get("/en/console/onboardings?failing=yes").text
    reference = REFERENCE.findall(listed)[0]
    for path, same in ((f"onboardings/{reference}", reference), ("causes", "task_failed")):
        page = BeautifulSoup(browser.get(f"/en/console/{path}").text, "html.parser")
        lines = page.select("[data-same]")
        assert {line["data-same"] for line in lines} == {"cli", "curl"}
        for line in lines:
            assert same in _run(shell, line.text), line.text


def test_every_page_says_how_the_same_is_had_elsewhere(
    browser: httpx.Client, system: System, tmp_path: Path
) -> None:
    shell = _shell(system, tmp_path)
    with environment(system.environment):
        settings.cache_clear()
        pages = _pages()
    settings.cache_clear()
    for path in ("", *pages):
        page = BeautifulSoup(
            browser.get(f"/en/console{path}").raise_for_status().text, "html.parser"
        )
        lines = page.select("[data-same]")
        assert {line["data-same"] for line in lines} == {"cli", "curl"}, path
        for line in lines:
            _run(shell, line.text)


def _pages() -> list[str]:
    """Each page that shows something, below the console's own."""
    with transaction() as session:
        key, _ = access.create_api_key(session, "test", access.SCOPES)
        owner, ring = key.system_id, builders.keyring()
        who = Who("operator:test", "Test", "lead")
        failing = Filter(failing="yes")
        seen = runs.look(session, who, "retry", "", failing)
        chosen = runs.preview(session, who, "retry", "", failing, seen)
        number = runs.begin(session, ring, who, chosen, WHY, runs.Plan(), proposed=False).number
    webhook = an_endpoint("https://hooks.example/", owner)
    a_source()
    assert tell(Event("shop.painted", "S-1")) == "unknown"
    with reading() as session:
        (told,) = inbound.listed(session, limit=1)
        cause = stuck.causes(session)[0]
    named = f"/causes/{cause.task}/{cause.code}"
    return [
        "/onboardings",
        "/causes",
        named,
        f"{named}?state={cause.state}&event={cause.event}",
        "/machine",
        "/reports",
        "/reports?by=aggregator&days=7",
        "/audit",
        "/audit?q=it%27s+INC",
        "/bulk",
        f"/bulk/{number}",
        "/webhooks",
        f"/webhooks/{webhook}",
        "/inbound",
        f"/inbound/{told.id}",
    ]


def _shell(system: System, tmp_path: Path) -> dict[str, str]:
    """What somebody has who pastes a line: the commands, and a key in a variable."""
    with transaction() as session:
        key = access.create_api_key(session, "test", ["operations:read", "audit:read"])[1]
    path = f"{ONBOARDING.parent}:{os.environ['PATH']}"
    if shutil.which("curl") is None:
        tool = tmp_path / "curl"
        tool.write_text(CURL)
        tool.chmod(0o755)
        path = f"{tmp_path}:{path}"
    return {**os.environ, **system.environment, "PATH": path, "ONBOARDING_KEY": key}


def _run(shell: dict[str, str], line: str) -> str:
    done = subprocess.run(
        ["sh", "-c", line],
        env=shell | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
