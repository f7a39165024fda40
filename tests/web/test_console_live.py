"""The stream of what changes: who may have one, what it says, and when it ends."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine
from sqlalchemy import event as listening

from onboarding import changes, handover
from onboarding.db import reading, transaction
from onboarding.errors import Unavailable
from onboarding.sealing import Keyring
from onboarding.web import live
from onboarding.web.live import Streams
from tests import builders
from tests.builders import SELLER
from tests.commands.incidents import an_incident
from tests.web.operating import a_quiet_site, at_console, home
from tests.web.visiting import Visitor, soup

STREAM = "/en/console/live"


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_quiet_site(ring)


def latest() -> str:
    with reading() as session:
        return changes.latest(session)


def event(of: str) -> str:
    return f"id: {of}\nevent: changed\ndata: {of}\n\n"


def told(answer: httpx.Response) -> str:
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.text.startswith("retry: ")
    return answer.text.partition("\n\n")[2]


def test_whatever_changes_is_another_text(database: Engine) -> None:
    seen = [latest()]
    assert latest() == seen[0]
    onboarding_id = builders.an_onboarding("started")
    seen.append(latest())
    builders.an_onboarding("started")
    seen.append(latest())
    an_incident()
    seen.append(latest())
    assert len({*seen}) == len(seen)
    assert builders.state_of(onboarding_id) == "started"


def test_a_developer_who_is_named_or_not_any_more_is_a_change_too(database: Engine) -> None:
    """Their onboarding waits for somebody else then, though nothing has moved it."""
    onboarding_id = builders.an_onboarding("secret_ready")
    seen = [latest()]
    for email in ("dora@dev.example", "emil@dev.example"):
        with transaction() as session:
            handover.name(session, onboarding_id, SELLER, email)
        seen.append(latest())
    with transaction() as session:
        handover.withdraw(session, onboarding_id, SELLER)
    seen.append(latest())
    assert len({*seen}) == len(seen)
    assert builders.the(onboarding_id).sequence == 4


def test_what_an_operator_did_is_a_change_too(app: FastAPI) -> None:
    onboarding_id = builders.an_onboarding("secret_ready")
    visitor, before = at_console(app, "operator"), latest()
    path = f"{home(onboarding_id)}/note"
    visitor.press(visitor.get(path), path, reason="INC-442")
    assert latest() != before


def test_a_page_says_what_it_has_seen_and_the_stream_goes_on_from_there(app: FastAPI) -> None:
    visitor = at_console(app, "viewer")
    bar = soup(visitor.get("/en/console")).select_one("[data-stream]")
    assert bar
    assert bar["data-stream"] == STREAM
    seen = str(bar["data-seen"])
    assert told(visitor.get(f"{STREAM}?after={seen}")) == ""
    builders.an_onboarding("started")
    app.state.live = fresh()
    assert told(visitor.get(f"{STREAM}?after={seen}")) == event(latest())


def fresh() -> Streams:
    """As another process would be: it has asked nothing yet."""
    made = Streams(changes.latest)
    made.lasts = 0.0
    return made


def test_a_browser_that_comes_again_misses_nothing(app: FastAPI) -> None:
    visitor, seen = at_console(app, "viewer"), latest()
    builders.an_onboarding("started")
    again = visitor.get(f"{STREAM}?after=long-ago", last_event_id=seen)
    assert told(again) == event(latest())
    assert told(visitor.get(f"{STREAM}?after=long-ago", last_event_id=latest())) == ""


def test_nobody_follows_without_signing_in(app: FastAPI) -> None:
    assert Visitor(app).get(STREAM).status_code == 401
    assert app.state.live.number == 0


def test_one_operator_has_some_and_all_together_have_more(app: FastAPI) -> None:
    visitor, streams = at_console(app, "viewer"), Streams(changes.latest)
    app.state.live = streams
    mine = [streams.enter("operator:1") for _ in range(live.MOST_OF_ONE)]
    with pytest.raises(Unavailable):
        streams.enter("operator:1")
    for number in range(live.MOST - live.MOST_OF_ONE):
        streams.enter(f"other:{number}")
    answer = visitor.get(STREAM)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    streams.leave(mine[0])
    streams.enter("operator:1")


def test_a_stream_gives_its_place_back_and_ends_with_the_server(app: FastAPI) -> None:
    streams = Streams(changes.latest)

    async def listen() -> list[str]:
        said = streams.told(streams.enter("operator:1"), "")
        first = [await anext(said), await anext(said)]
        assert streams.number == 1
        streams.is_over = lambda: True
        return first + [more async for more in said]

    said = asyncio.run(listen())
    assert said[1:] == [event(latest())]
    assert streams.number == 0


def test_whoever_hangs_up_gives_the_place_back(app: FastAPI) -> None:
    streams = Streams(changes.latest)

    async def hang_up(said: AsyncIterator[str]) -> None:
        await anext(said)
        await said.aclose()  # type: ignore[attr-defined]

    asyncio.run(hang_up(streams.told(streams.enter("operator:1"), "")))
    assert streams.number == 0


def test_many_streams_ask_one_question(app: FastAPI, database: Engine) -> None:
    streams, asked = Streams(changes.latest), []

    async def first_words(who: str) -> str:
        said = streams.told(streams.enter(who), "")
        await anext(said)
        return await anext(said)

    async def everybody() -> list[str]:
        return await asyncio.gather(*(first_words(f"operator:{n}") for n in range(20)))

    listening.listen(database, "before_cursor_execute", lambda *a: asked.append(a[2]))
    words = asyncio.run(everybody())
    assert {*words} == {event(latest())}
    assert len([sql for sql in asked if "max(onboardings.entered_at)" in sql]) <= 2
