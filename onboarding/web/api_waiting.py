"""Answers that wait: `Prefer: wait=20` (RFC 7240, 4.3) where the platform has to move first.

An event is fired and committed as ever; only its answer waits, until the platform's move is over. A
look waits, with If-None-Match, until there is something else to see.
"""

import json
import re
from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated, Any, Final, NamedTuple
from uuid import UUID

from fastapi import Header
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from onboarding import access, queries
from onboarding.db import reading
from onboarding.web import api_conditional, api_etags, api_view
from onboarding.web.api_route import StrictRoute
from onboarding.web.schemas import OnboardingView
from onboarding.web.waiting import Standing, Waiting, Wanted

AT_MOST: Final = 30
_WAIT: Final = re.compile(r'wait\s*=\s*"?(\d{1,9})"?', re.IGNORECASE)
_EVENTS: Final = "/events"

Prefer = Annotated[
    str | None, Header(description=f"`wait=20`: how many seconds to wait, at most {AT_MOST}.")
]
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class _Seen(NamedTuple):
    """What the first answer has said."""

    id: UUID
    standing: Standing


class WaitingRoute(StrictRoute):
    """A route that keeps an answer back for as long as its caller prefers."""

    def get_route_handler(self) -> Handler:
        handle = super().get_route_handler()
        if self.path_format.endswith(_EVENTS) and self.methods == {"POST"}:
            return _after_the_platform(handle)
        if self.path_format.endswith("/{onboarding_id}") and self.methods == {"GET"}:
            return _after_a_change(handle)
        return handle


def seconds_of(request: Request) -> int | None:
    """How long a caller would wait, at most `AT_MOST` seconds; None: it has not said so.

    Whatever else Prefer says does not concern us (RFC 7240, 2): the first wait counts.
    """
    for preference in ",".join(request.headers.getlist("prefer")).split(","):
        if found := _WAIT.fullmatch(preference.partition(";")[0].strip()):
            return min(int(found[1]), AT_MOST)
    return None


def _after_the_platform(handle: Handler) -> Handler:
    """The answer to an event once it is not the platform's move any more, or the time is up."""

    async def fire(request: Request) -> Response:
        answer = await handle(request)
        seconds, waiting = seconds_of(request), _waiting(request)
        if seconds is None or answer.status_code != Response().status_code or waiting.is_full:
            return answer
        seen = _seen(answer)
        if seen.standing.is_ours:
            await waiting.until(seen.id, lambda now: not now.is_ours, seconds)
            answer = await run_in_threadpool(_look, request, seen.id, answer.headers)
        return _applied(answer, seconds)

    return fire


def _after_a_change(handle: Handler) -> Handler:
    """A look that shows something else than the caller has, or 304 once the time is up."""

    async def show(request: Request) -> Response:
        answer = await handle(request)
        tag = answer.headers.get("etag", "")
        if not tag or not api_conditional.has(request, tag):
            return answer
        seconds, waiting = seconds_of(request), _waiting(request)
        if seconds is not None and not waiting.is_full:
            seen = _seen(answer)
            if await waiting.until(seen.id, _differs(seen.standing.sequence), seconds):
                return _applied(await handle(request), seconds)
            return _applied(_unchanged(tag), seconds)
        return _unchanged(tag)

    return show


def _differs(sequence: int) -> Wanted:
    return lambda now: now.sequence != sequence


def _waiting(request: Request) -> Waiting:
    waiting: Waiting = request.app.state.waiting
    return waiting


def _seen(answer: Response) -> _Seen:
    shown = json.loads(bytes(answer.body))
    return _Seen(UUID(shown["id"]), Standing(shown["state"], shown["sequence"]))


def _look(request: Request, onboarding_id: UUID, first: Mapping[str, str]) -> Response:
    """As it stands now, for a key that is still good: it may have been revoked meanwhile."""
    _, _, text = request.headers["authorization"].partition(" ")
    with reading() as session:
        access.api_key(session, text)
        onboarding = queries.by_id(session, onboarding_id)
        shown: OnboardingView = api_view.view(session, onboarding)
        headers = {"ETag": api_etags.tag(onboarding, shown), "Cache-Control": "no-store"}
    again = {name: value for name, value in first.items() if name == "idempotent-replayed"}
    return JSONResponse(shown.model_dump(mode="json"), headers=headers | again)


def _unchanged(tag: str) -> Response:
    return Response(status_code=304, headers={"ETag": tag, "Cache-Control": "no-store"})


def _applied(answer: Response, seconds: int) -> Response:
    answer.headers["Preference-Applied"] = f"wait={seconds}"
    return answer
