"""What a call of the API takes, in instructions of the interpreter: every system that calls waits for it."""

import asyncio
import json
from typing import Any, Final
from uuid import uuid4

import pytest
from sqlalchemy import Engine

from onboarding.sealing import Keyring
from tests.instructions import instructions
from tests.web.asking import answered
from tests.web.calling import System, a_system, in_one_moment, served
from tests.web.threads import handed_over

BASE: Final = "http://api"
# Thousands at most, with those of an event loop that starts for it: a tenth more than what 3.11 takes.
INSTRUCTIONS: Final = {"start": 67, "fire": 68, "look": 46}


def test_a_call_takes_so_many_instructions(
    database: Engine, ring: Keyring, published: object
) -> None:
    system = a_system(in_one_moment(served(ring)))
    *_, taken = (counted(system) for _ in range(8))
    assert {it: count for it, count in taken.items() if count > 1000 * INSTRUCTIONS[it]} == {}


def test_a_call_takes_no_more_turns_of_threads_than_it_must(
    database: Engine, ring: Keyring, published: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who calls, and what is done; where the framework writes the answer, it does that in a third."""
    system = a_system(in_one_moment(served(ring)))
    begun = call(system, "POST", "/v1/onboardings", {"locale": "en"})
    given = handed_over(monkeypatch)
    call(system, "POST", "/v1/onboardings", {"locale": "fr"})
    assert len(given) == 2
    call(system, "GET", begun["links"]["self"])
    assert len(given) == 2 + 2


def counted(system: System) -> dict[str, int]:
    """Of an onboarding that is started, of its second choice of a type, and of a look at it."""
    told: list[dict[str, Any]] = []
    choice = {"event": "choose_type", "data": {"connection_type": "plugin"}}

    def start() -> None:
        new = {"locale": "en", "contact": {"email": "dev@shop.example"}}
        told.append(call(system, "POST", "/v1/onboardings", new))

    def fire() -> None:
        call(system, "POST", told[0]["links"]["events"], choice)

    def look() -> None:
        call(system, "GET", told[0]["links"]["self"])

    taken = {"start": instructions(start)}
    fire()
    return taken | {"fire": instructions(fire), "look": instructions(look)}


def call(system: System, method: str, path: str, body: object = None) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {system.key}", "if-match": "*"}
    if body:
        headers |= {"content-type": "application/json", "idempotency-key": str(uuid4())}
    sent = json.dumps(body).encode() if body else b""
    status, answer = asyncio.run(answered(system.app, method, f"{BASE}{path}", headers, sent))
    assert status in (200, 201), answer
    found: dict[str, Any] = json.loads(answer)
    return found
