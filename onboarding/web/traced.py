"""A span for each request: its route's template, its method and its status, and nothing that was sent."""

from typing import Final

from fastapi.telemetry import TelemetryConfig
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from onboarding import tracing

# FastAPI has spans of its own, with paths, queries and texts of errors: they hold codes and people.
NONE_OF_FASTAPI: Final[TelemetryConfig] = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "auto_configure": False,
}

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OUR_FAULT: Final = 500


def traced(app: ASGIApp) -> ASGIApp:
    """Wraps an app. The route is known once the app has found it."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not tracing.are_on():
            return await app(scope, receive, send)

        async def telling(message: Message) -> None:
            if message["type"] == "http.response.start":
                _tell(scope, message["status"])
            await send(message)

        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        with tracing.span("onboarding.request", {"http.request.method": method}, root=True):
            await app(scope, receive, telling)
        return None

    return wrapped


def _tell(scope: Scope, status: int) -> None:
    tracing.tell(
        {
            "http.route": _route(scope),
            "http.response.status_code": status,
            "error.type": str(status) if status >= _OUR_FAULT else None,
        }
    )


def _route(scope: Scope) -> str | None:
    """The template, with the prefixes of the routers that it is in: FastAPI keeps those apart."""
    found = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")
    return getattr(found, "path", None)
