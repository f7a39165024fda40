"""The security headers of every response.

A page runs nothing, loads nothing and is framed by nothing that is not ours.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_TWO_YEARS = 2 * 365 * 24 * 3600


def security_headers(
    app: ASGIApp, *, form_targets: Sequence[str] = (), https: bool = False
) -> ASGIApp:
    """Wraps an app; a header that a response sets itself stays as it is.

    `form_targets` are URLs that a form's answer may redirect to, such as the identity provider's:
    Chromium checks redirects against form-action too.
    """
    headers = _headers(form_targets, https=https)

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = MutableHeaders(scope=message)
                for name, value in headers.items():
                    present.setdefault(name, value)
            await send(message)

        await app(scope, receive, send_with_headers if scope["type"] == "http" else send)

    return wrapped


def _headers(form_targets: Sequence[str], *, https: bool) -> dict[str, str]:
    headers = {
        "Content-Security-Policy": _policy(form_targets),
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }
    return headers | ({"Strict-Transport-Security": f"max-age={_TWO_YEARS}"} if https else {})


def _policy(form_targets: Sequence[str]) -> str:
    """The content security policy. Of a form target only its origin: paths do not survive redirects."""
    origins = dict.fromkeys(
        f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, form_targets)
    )
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self'",
            "connect-src 'self'",
            " ".join(("form-action 'self'", *origins)),
            "frame-ancestors 'none'",
            "base-uri 'none'",
        )
    )
