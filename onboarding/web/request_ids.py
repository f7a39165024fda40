"""Every request has an ID: the caller's, or one of ours. Its answer and its lines in the log name it."""

import re
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from onboarding import logs
from onboarding.ids import new_id

HEADER: Final = "X-Request-ID"
# Whatever else a caller sends could be taken for something else in a log.
_SANE: Final = re.compile(r"[0-9A-Za-z._:/+=@-]{1,128}")


def identified(app: ASGIApp) -> ASGIApp:
    """Wraps an app. Threads that work for a request see the same."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await app(scope, receive, send)
        request_id = _theirs(scope) or str(new_id())

        async def naming(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        with logs.bound(request_id=request_id):
            await app(scope, receive, naming)
        return None

    return wrapped


def _theirs(scope: Scope) -> str | None:
    sent = Headers(scope=scope).getlist(HEADER)
    return sent[0] if len(sent) == 1 and _SANE.fullmatch(sent[0]) else None
