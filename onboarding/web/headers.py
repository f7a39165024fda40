"""The security headers of every response.

A page runs nothing, loads nothing and is framed by nothing that is not ours.
"""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_TWO_YEARS = 2 * 365 * 24 * 3600
_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    # Chromium holds what a form's answer redirects to against it too, so pages leave by a link.
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
)


def security_headers(app: ASGIApp, *, https: bool = False) -> ASGIApp:
    """Wraps an app; a header that a response sets itself stays as it is."""
    headers = _headers(https=https)

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = MutableHeaders(scope=message)
                for name, value in headers.items():
                    present.setdefault(name, value)
            await send(message)

        await app(scope, receive, send_with_headers if scope["type"] == "http" else send)

    return wrapped


def _headers(*, https: bool) -> dict[str, str]:
    headers = {
        "Content-Security-Policy": "; ".join(_POLICY),
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }
    return headers | ({"Strict-Transport-Security": f"max-age={_TWO_YEARS}"} if https else {})
