"""Headers that belong to an answer whatever it says, a refusal included."""

from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send


def announce(request: HTTPConnection, headers: Mapping[str, str]) -> None:
    """Have these on the answer to a request."""
    request.scope.setdefault("state", {}).setdefault("announced", {}).update(headers)


def announced(app: ASGIApp) -> ASGIApp:
    """Wraps an app, which says what it announces while it works."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def telling(message: Message) -> None:
            if message["type"] == "http.response.start":
                told = scope.get("state", {}).get("announced", {})
                MutableHeaders(scope=message).update(told)
            await send(message)

        await app(scope, receive, telling if scope["type"] == "http" else send)

    return wrapped
