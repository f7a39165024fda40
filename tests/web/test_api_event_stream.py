"""Events as they happen: whoever comes again with the last ID misses nothing, however often it was cut off."""

import asyncio
import json
import random
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from sqlalchemy import event as listening
from sqlalchemy.orm import Session

from onboarding import access, lifecycle
from onboarding.db import transaction
from onboarding.following import Wanted
from onboarding.sealing import Keyring
from onboarding.settings import settings
from onboarding.web import api_events, live
from onboarding.web.app import create_app
from onboarding.web.live import Streams
from tests.builders import SELLER, an_onboarding
from tests.listening import started_by
from tests.sellers.serving import serving
from tests.web.calling import System, a_system, expect, refused, served
from workers import clock

STREAM = "/v1/events/stream"


@pytest.fixture
def system(database: Engine, ring: Keyring) -> System:
    """A stream says what there is, and ends."""
    clock.leap()
    made = a_system(served(ring))
    streams_of(made).lasts = 0.0
    return made


def streams_of(system: System) -> Streams:
    streams: Streams = system.app.state.event_streams  # type: ignore[attr-defined]
    return streams


def fresh(system: System) -> None:
    """As another process would be: it has asked nothing yet."""
    system.app.state.event_streams = Streams(api_events.latest)  # type: ignore[attr-defined]
    streams_of(system).lasts = 0.0


def told(system: System, query: str = "", **headers: str) -> list[tuple[str, Any]]:
    """The IDs and events of one connection; None for an ID alone."""
    fresh(system)
    answer = system.get(f"{STREAM}?{query}", **headers)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["x-accel-buffering"] == "no"
    return [*parsed(answer.text.splitlines())]


def parsed(lines: Any) -> Iterator[tuple[str, Any]]:
    """As browsers read it: an empty line ends an event."""
    its_id, data = "", None
    for line in lines:
        name, _, value = line.partition(": ")
        if name == "id":
            its_id = value
        elif name == "data":
            data = json.loads(value)
        elif not line and its_id:
            yield its_id, data
            its_id, data = "", None


def test_it_goes_on_from_where_the_log_was_read(system: System) -> None:
    system.start()
    page = expect(system.get("/v1/events"), 200)
    assert told(system, f"after={page['next']}") == []
    onboarding = system.start()
    ((its_id, body),) = told(system, f"after={page['next']}")
    assert body["subject"] == onboarding["id"]
    (seen,) = expect(system.get(f"/v1/events?after={page['next']}"), 200)["items"]
    assert body == seen
    assert told(system, f"after={page['next']}", last_event_id=its_id) == []


def test_without_a_place_it_begins_now(system: System) -> None:
    system.start()
    assert told(system) == []


def test_what_is_others_is_not_told_and_need_not_be_looked_at_again(system: System) -> None:
    start = expect(system.get("/v1/events"), 200)["next"]
    an_onboarding("confirmed")
    ((its_id, body),) = told(system, f"after={start}")
    assert body is None
    assert its_id == expect(system.get("/v1/events"), 200)["next"]


def test_only_what_was_asked_for(system: System) -> None:
    start = expect(system.get("/v1/events"), 200)["next"]
    first, second = system.start(), system.with_secret()
    one = told(system, f"after={start}&onboarding={first['id']}")
    assert [body["subject"] for _, body in one if body] == [first["id"]]
    ready = told(system, f"after={start}&type=onboarding.secret_generated")
    assert [body["subject"] for _, body in ready if body] == [second["id"]]


@pytest.mark.parametrize("query", ["after=nonsense", "type=nothing", "onboarding=1", "x=1"])
def test_what_makes_no_sense_is_refused(system: System, query: str) -> None:
    refused(system.get(f"{STREAM}?{query}"), 422, "invalid")
    assert streams_of(system).number == 0


@pytest.mark.parametrize("said", ["nonsense", "", "x" * 71])
def test_a_wrong_header_is_named_as_what_it_is(system: System, said: str) -> None:
    for query, header, named in (
        ("", said, "last-event-id"),
        ("?after=now", said, "last-event-id"),
        (f"?after={said}", None, "after"),
    ):
        sent = {} if header is None else {"last_event_id": header}
        (error,) = refused(system.get(STREAM + query, **sent), 422, "invalid")["errors"]
        assert error["field"] == named
        assert "pointer" not in error


def test_a_system_has_some_and_comes_again_later(system: System) -> None:
    streams_of(system).lasts = 300.0
    mine = [streams_of(system).enter(str(system.id)) for _ in range(live.MOST_OF_ONE)]
    refused(system.get(STREAM), 503, "unavailable")
    streams_of(system).leave(mine[0])
    streams_of(system).lasts = 0.0
    assert system.get(STREAM).status_code == 200


@pytest.mark.parametrize(
    "end",
    [access.revoke_api_key, partial(access.rotate_api_key, overlap=timedelta(seconds=-1))],
    ids=["revoked", "rotated, and past its overlap"],
)
def test_a_key_that_has_ended_meanwhile_is_told_nothing(
    system: System, end: Callable[[Session, UUID], object]
) -> None:
    start = expect(system.get("/v1/events"), 200)["next"]
    system.start()
    assert system.id is not None
    with transaction() as session:
        end(session, system.id)
    wanted = Wanted(system.id)
    assert api_events._read(system.id, wanted, "/", start) == ([], start)  # noqa: SLF001


def test_many_streams_ask_one_question(system: System, database: Engine) -> None:
    streams, asked = Streams(api_events.latest), []
    seen = expect(system.get("/v1/events"), 200)["next"]

    async def first_words(who: str) -> str:
        said = streams.told(streams.enter(who), seen, never)
        await anext(said)
        streams.is_over = lambda: True
        return "".join([words async for words in said])

    async def never(seen: str, latest: str) -> tuple[list[str], str]:
        raise AssertionError((seen, latest))

    async def everybody() -> list[str]:
        return await asyncio.gather(*(first_words(f"system:{n}") for n in range(20)))

    listening.listen(database, "before_cursor_execute", lambda *a: asked.append(a[2]))
    asyncio.run(everybody())
    assert len(asked) <= 2


def test_a_stream_ends_with_the_server(system: System) -> None:
    streams = streams_of(system)
    streams.lasts = 300.0

    async def listen() -> list[str]:
        said: AsyncIterator[str] = streams.told(streams.enter("a"), "0-0-0", nothing)
        first = await anext(said)
        streams.is_over = lambda: True
        return [first, *[more async for more in said]]

    async def nothing(seen: str, latest: str) -> tuple[list[str], str]:
        return [], seen

    assert asyncio.run(listen()) == ["retry: 3000\n\n"]
    assert streams.number == 0


def test_a_client_that_is_killed_a_hundred_times_misses_nothing(
    database: Engine, ring: Keyring
) -> None:
    clock.leap()
    with transaction() as session:
        key, text = access.create_api_key(session, "test", access.SCOPES)
    kills, chance = 100, random.Random(7)
    done = threading.Event()

    def write() -> None:
        for _ in range(60):
            made = started_by(key.id)
            for event in ("choose_type", "start_over", "cancel"):
                choices = {"connection_type": "plugin"} if event == "choose_type" else None
                with transaction() as session:
                    lifecycle.fire(session, made, event, SELLER, choices=choices)

    def app(url: str) -> FastAPI:
        made = create_app(settings(), ring)
        made.state.event_streams = Streams(api_events.latest, asks=0.0)
        return made

    got: list[tuple[str, Any]] = []
    with serving(app) as url, ThreadPoolExecutor(3) as threads:
        begun = httpx.get(f"{url}/v1/events", headers=bearer(text)).json()["next"]
        writing = [threads.submit(write) for _ in range(2)]
        for number in range(10_000):
            if all(each.done() for each in writing) and number >= kills:
                done.set()
            got += cut_off(url, text, got[-1][0] if got else begun, chance.randint(1, 12))
            if done.is_set() and len([b for _, b in got if b]) >= 480:
                break
        for each in writing:
            each.result()
    bodies = [body for _, body in got if body]
    assert len({body["id"] for body in bodies}) == len(bodies) == 480
    last: dict[str, int] = {}
    for body in bodies:
        assert body["data"]["sequence"] == last.get(body["subject"], 0) + 1
        last[body["subject"]] = body["data"]["sequence"]


def bearer(text: str) -> dict[str, str]:
    return {"authorization": f"Bearer {text}"}


def cut_off(url: str, text: str, last_id: str, after: int) -> list[tuple[str, Any]]:
    """What came through before the line was cut, after so many events at most."""
    got: list[tuple[str, Any]] = []
    headers = bearer(text) | {"last-event-id": last_id}
    # Nothing more to come looks like a line that is cut as well.
    patience = httpx.Timeout(5, read=0.7)
    try:
        with httpx.stream("GET", f"{url}{STREAM}", headers=headers, timeout=patience) as answer:
            if answer.status_code != 200:
                return []
            for event in parsed(answer.iter_lines()):
                got.append(event)
                if len(got) >= after:
                    return got
    except httpx.TransportError:
        pass
    return got


def test_those_who_operate_hear_of_everybody_s(system: System) -> None:
    looks = a_system(system.app, ["operations:read"])
    before = expect(looks.get("/v1/operations/events?after=now"), 200)["next"]
    owner = a_system(system.app).id
    assert owner is not None
    made = [started_by(owner), an_onboarding()]
    fresh(system)
    answer = looks.get(f"/v1/operations/events/stream?after={before}")
    heard = [data["subject"] for _, data in parsed(answer.text.splitlines()) if data]
    assert heard == [str(each) for each in made]
