"""A first look for somebody who has just started the program: a population, sample journeys, where to click.

It runs beside the server, in a thread. A journey does nothing that a calling system could not do.
"""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import httpx
import uvicorn

from onboarding import population, registry
from onboarding.client import Unreachable
from onboarding.commands import entering, printing
from onboarding.commands.journeys import borrowed_key, told
from onboarding.db import transaction
from onboarding.sealing import Keyring
from onboarding.settings import Settings
from onboarding.walking import CHOICES, WalkFailed, timeline, walk

# What there is to see; a page that does not answer is not named.
PLACES: Final = (
    ("Connect a seller", "/"),
    ("API", "/docs"),
    ("E-mails", "/development/mail"),
    ("Seller Portal", "/sandbox/seller-portal/.well-known/openid-configuration"),
)
# How many onboardings a new database is shown with.
POPULATION: Final = 200
# Seconds between two looks whether the server answers.
PAUSE: Final = 0.05


def begin(server: uvicorn.Server, chosen: Settings, ring: Keyring) -> threading.Thread:
    """Add the samples, then walk as soon as the server answers. It ends with the server."""
    with transaction() as session:
        registry.add_samples(session)
    asked = (server, chosen, ring)
    thread = threading.Thread(target=_present, args=asked, name="demo", daemon=True)
    thread.start()
    return thread


def _present(server: uvicorn.Server, chosen: Settings, ring: Keyring) -> None:
    # The server is on this machine: no proxy stands between.
    with httpx.Client(timeout=10, trust_env=False) as http:
        if not _answers(http, server, chosen.base_url):
            return
        _print(_crowd(chosen, ring))
        with borrowed_key(ring) as key:
            for connection_type in CHOICES:
                if server.should_exit:
                    return
                _print(_journey(http, server, chosen.base_url, key, connection_type))
        _print(_places(http, chosen, ring))


def _crowd(chosen: Settings, ring: Keyring) -> Iterator[str]:
    """A new database gets a population, so that there is something to operate. Workers leave it alone."""
    if population.is_welcome(chosen) and population.nobody_is_there():
        written = population.populate(POPULATION, ring, chosen)
        incidents = written.causes.total()
        yield f"\n{written.states.total()} sample onboardings, {incidents} incidents among them"


def _answers(http: httpx.Client, server: uvicorn.Server, base_url: str) -> bool:
    """Wait for the first answer; False once the server is told to stop."""
    while not server.should_exit:
        try:
            if http.get(f"{base_url}/livez").is_success:
                return True
        except httpx.TransportError:
            pass
        time.sleep(PAUSE)
    return False


def _journey(
    http: httpx.Client, server: uvicorn.Server, base_url: str, key: str, connection_type: str
) -> Iterator[str]:
    """One journey, told as a timeline; what goes wrong is told too, and the next one begins."""
    yield f"\n{connection_type}"
    try:
        walked = walk(http, base_url, key, connection_type)
        for line in told(timeline(http, base_url, key, walked["onboarding_id"])):
            yield f"  {line}"
    except (WalkFailed, Unreachable, httpx.HTTPError) as error:
        if not server.should_exit:
            yield f"  stopped: {str(error) or type(error).__name__}"


def _places(http: httpx.Client, chosen: Settings, ring: Keyring) -> Iterator[str]:
    yield ""
    places = [(name, chosen.base_url + path) for name, path in PLACES]
    for name, url in (*places, ("Operators", entering.address(chosen, ring, "lead"))):
        with suppress(httpx.HTTPError):
            if http.get(url, follow_redirects=True).is_success:
                yield f"{name:<17} {url}"
    yield "\nCtrl-C stops."


def _print(lines: Iterator[str]) -> None:
    """At once, also where stdout is a pipe."""
    for line in lines:
        printing.text(line)
    sys.stdout.flush()
