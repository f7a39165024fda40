"""Refuses requests that are too large before anything works on them.

A body is read whole before the app is called: a slow sender holds no thread, and nobody behind
this needs to count. The API says first whom it knows, so there the refusal comes in the body's place.
"""

from typing import Final, NoReturn

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from onboarding.web.problems import DOCUMENTED, is_within, problem
from onboarding.web.refusals import BodyTooLarge, UrlTooLong

BODY_AT_MOST: Final = 64 * 1024
# An identity provider's answer comes in a URL and may take a few KiB.
# What was looked at before it is done to many comes back as a whole.
LARGER: Final = {"/console/bulk": 512 * 1024}
URL_AT_MOST: Final = 8 * 1024


class _Gone(Exception):
    """Whoever was sending has hung up."""


def request_limits(
    app: ASGIApp, *, body_at_most: int = BODY_AT_MOST, url_at_most: int = URL_AT_MOST
) -> ASGIApp:
    """Wraps an app; the limits are in bytes."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await app(scope, receive, send)
        try:
            _check_url(scope, url_at_most)
            most = max(body_at_most, _larger(scope["path"]))
            _check_declared(scope, most)
            body = await _read(receive, most)
        except BodyTooLarge as refusal:
            if is_within(scope["path"], DOCUMENTED):
                return await app(scope, _refusing(refusal), send)
            return await problem(refusal, scope=scope)(scope, receive, send)
        except UrlTooLong as refusal:
            return await problem(refusal, scope=scope)(scope, receive, send)
        except _Gone:
            return None
        return await app(scope, _replaying(body, receive), send)

    return wrapped


def _larger(path: str) -> int:
    return next((most for end, most in LARGER.items() if path.endswith(end)), 0)


def _check_url(scope: Scope, at_most: int) -> None:
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    if len(path) + len(scope["query_string"]) > at_most:
        raise UrlTooLong


def _check_declared(scope: Scope, at_most: int) -> None:
    declared = Headers(scope=scope).get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > at_most:
        raise BodyTooLarge


async def _read(receive: Receive, at_most: int) -> bytes:
    """The whole body. What was declared need not be true, and chunks declare nothing."""
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Gone
        body += message.get("body", b"")
        if len(body) > at_most:
            raise BodyTooLarge
        more = message.get("more_body", False)
    return bytes(body)


def _refusing(refusal: BodyTooLarge) -> Receive:
    """Gives the app no body, however often it asks."""

    async def refuse() -> NoReturn:
        raise refusal

    return refuse


def _replaying(body: bytes, receive: Receive) -> Receive:
    """Gives the app the body in one piece, then whatever else there is to hear."""
    waiting = [body]

    async def replay() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return replay
