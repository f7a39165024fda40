"""HEAD wherever there is GET (RFC 9110, 9.3.2): load balancers and link checkers ask so."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# What goes on until somebody hangs up has nothing to say without a body.
_WITHOUT_END: Final = "/stream"


def is_answered(path: str) -> bool:
    """Whether HEAD is, at an address that takes GET."""
    return not path.endswith(_WITHOUT_END)


def heads(app: ASGIApp) -> ASGIApp:
    """Wraps an app: it answers as to GET, and the body stays here."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("method") != "HEAD" or not is_answered(scope["path"]):
            return await app(scope, receive, send)

        async def without_body(message: Message) -> None:
            is_body = message["type"] == "http.response.body"
            await send({**message, "body": b""} if is_body else message)

        # A copy: the server goes by its own, and must know that no body follows.
        return await app({**scope, "method": "GET"}, receive, without_body)

    return wrapped
