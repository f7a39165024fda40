"""Refuses a form that another site has sent with our visitor's cookie.

Every browser of today says where a request comes from (`Sec-Fetch-Site`), older ones at least its
`Origin`. A program sends neither and has no cookie of ours to misuse. So no token is needed, and a
page can be sent to somebody who has no session yet.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_OURS = frozenset({"same-origin", "none"})


def same_origin_only(app: ASGIApp) -> ASGIApp:
    """Wraps an app; what changes something must come from a page of ours, or from no page at all."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in _SAFE and _is_foreign(scope):
            refusal = PlainTextResponse("This form was sent by another site.", 403)
            await refusal(scope, receive, send)
            return
        await app(scope, receive, send)

    return wrapped


def _is_foreign(scope: Scope) -> bool:
    headers = Headers(scope=scope)
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in _OURS
    origin = headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != headers.get("host")
