"""Every refusal as problem details (RFC 9457), and the refusals that only HTTP knows.

Whatever goes wrong in a request becomes one `Refusal` first, so pages and API say the same. A
problem names a case of ours by its `code` and never shows an exception's text, a path or SQL.
"""

from collections.abc import Callable
from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, compile_path

from onboarding import db, logs, outages
from onboarding.errors import (
    Invalid,
    NotFound,
    OutcomeUnknown,
    Refusal,
    SignInNeeded,
    TooMany,
    Unauthorised,
    Unavailable,
)

log = logs.get(__name__)

MEDIA_TYPE: Final = "application/problem+json"
# Where programs ask, and get problems; people ask everywhere else, and get pages.
API_PATHS: Final = ("/v1", "/livez", "/readyz", "/metrics")
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
# A body may be wrong in thousands of places; nobody reads so many.
MOST_ERRORS: Final = 20

Elsewhere = Callable[[Request, Refusal], Response]


class Problem(BaseModel):
    """What every error of the API looks like; a case may add members of its own."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    retryable: bool
    instance: str


class KeyInUrl(Refusal):
    """An API key stands in the URL, where logs and proxies keep it."""

    status = 400
    code = "key_in_url"
    advice = "Revoke that key, and send a new one as Authorization: Bearer <key>."


class NotJson(Refusal):
    """The body is not JSON that every program reads the same way."""

    status = 400
    code = "not_json"
    advice = "Send UTF-8 JSON (RFC 8259) without repeated names, nested only as deep as documented."


class NeverReplayed(Refusal):
    """A secret is revealed once and never again, whatever the key of the request."""

    status = 400
    code = "never_replayed"
    advice = "Send the request without an Idempotency-Key; a lost secret is reissued."


class MethodNotAllowed(Refusal):
    """This address does not take that method."""

    status = 405
    code = "method_not_allowed"
    advice = "Use one of the methods that the header Allow names."

    allow = ""


class Collided(Refusal):
    """Somebody else wrote the same thing at the same instant; nothing was changed."""

    status = 409
    code = "collided"
    advice = "Send it again."


class BodyTooLarge(Refusal):
    """The body is larger than 64 KiB."""

    status = 413
    code = "body_too_large"
    advice = "Send less; nothing here needs so much."


class UrlTooLong(Refusal):
    """The URL is longer than 8 KiB."""

    status = 414
    code = "url_too_long"
    advice = "Send a shorter one."


class WrongMediaType(Refusal):
    """The body is not declared as JSON."""

    status = 415
    code = "wrong_media_type"
    advice = "Send it with Content-Type: application/json."


class Crashed(Refusal):
    """Something went wrong on our side, and it has been logged."""

    status = 500
    code = "crashed"
    advice = "Tell support the instance and the time."

    # Leads to the log; nothing else leads to the cause.
    instance = ""


def install_problem_handlers(app: FastAPI, elsewhere: Elsewhere | None = None) -> None:
    """Answer whatever an app raises with a problem; `elsewhere` answers outside the API's paths."""

    # Async, because the handlers of an outage must not wait for the threads that it holds.
    async def answer(request: Request, error: Exception) -> Response:
        refusal = refusal_of(error)
        if isinstance(refusal, MethodNotAllowed):
            refusal.allow = _methods(request)
        if elsewhere and not _is_api(request.scope["path"]):
            return _page(request, elsewhere, refusal, error)
        return problem(refusal, error)

    for kind in _MEANINGS:
        app.add_exception_handler(kind, answer)


def refusal_of(error: Exception) -> Refusal:
    """What an exception means to whoever is asking."""
    return next(mean(error) for kind, mean in _MEANINGS.items() if isinstance(error, kind))


def problem(refusal: Refusal, cause: Exception | None = None) -> JSONResponse:
    """A refusal as a response. Its `instance` leads to the log, and nothing else leads to the cause."""
    instance = _instance()
    _log(refusal, cause, instance)
    described = Problem(
        type=f"/problems/{refusal.code}",
        title=refusal.sentence,
        status=refusal.status,
        detail=refusal.advice,
        code=refusal.code,
        retryable=_is_retryable(refusal),
        instance=instance,
    )
    content = {**described.model_dump(), **_facts(refusal)}
    return JSONResponse(content, refusal.status, _headers(refusal), MEDIA_TYPE)


def _page(request: Request, elsewhere: Elsewhere, refusal: Refusal, cause: Exception) -> Response:
    """A page that says no, with the same headers; its case is in the log too."""
    instance = _instance()
    if isinstance(refusal, Crashed):
        refusal.instance = instance
    _log(refusal, cause, instance)
    page = elsewhere(request, refusal)
    page.headers.update(_headers(refusal))
    return page


def _instance() -> str:
    return f"urn:uuid:{db.new_id()}"


def _is_retryable(refusal: Refusal) -> bool:
    """Whether the same request may be sent again without a look; what may have happened may not."""
    passing = isinstance(refusal, TooMany | Unavailable | Collided)
    return passing and not isinstance(refusal, OutcomeUnknown)


def _is_api(path: str) -> bool:
    return any(path == root or path.startswith(f"{root}/") for root in API_PATHS)


def _methods(request: Request) -> str:
    """All that an address takes; the framework names those of the first route that it meets.

    A page's address begins with a language, so its routes would fit those of the API: these are read
    from the API's own description.
    """
    if documented := _documented(request):
        return ", ".join(documented)
    routes = request.app.router.routes
    tried = [(method, {**request.scope, "method": method}) for method in _METHODS]
    taken = [m for m, scope in tried if any(r.matches(scope)[0] is Match.FULL for r in routes)]
    return ", ".join(taken)


def _documented(request: Request) -> list[str]:
    app, path = request.app, request.scope["path"]
    described = app.openapi()["paths"] if _is_api(path) else {}
    fits = (each for each in described if compile_path(each)[0].match(path))
    return sorted({method.upper() for each in fits for method in described[each]})


def _refusal_of_http(error: HTTPException) -> Refusal:
    """The framework's own refusals: it knows addresses and methods, the rest is a client's mistake."""
    if error.status_code == NotFound.status:
        return NotFound()
    if error.status_code == MethodNotAllowed.status:
        return MethodNotAllowed()
    return Refusal() if error.status_code < Crashed.status else Crashed()


def _refusal_of_database(error: DBAPIError | PoolTimeout) -> Refusal:
    return outages.outage(error) or Crashed()


def _invalid(error: RequestValidationError) -> Invalid:
    """Which fields are wrong and why; what was sent is not repeated."""
    return Invalid({_field(e["loc"]): _reason(e["msg"]) for e in error.errors()[:MOST_ERRORS]})


def _field(place: tuple[object, ...]) -> str:
    """`contact.email` for ("body", "contact", "email"); "body" for the whole of it."""
    source, *names = place
    return ".".join(str(name) for name in names) or str(source)


def _reason(message: str) -> str:
    return message.removeprefix("Value error, ").rstrip(".") + "."


def _log(refusal: Refusal, cause: Exception | None, instance: str) -> None:
    code, status = refusal.code, refusal.status
    if isinstance(refusal, Crashed):
        log.error("crashed", code=code, status=status, instance=instance, exc_info=cause)
    else:
        error = type(cause or refusal).__name__
        log.info("refused", code=code, status=status, instance=instance, error=error)


def _facts(refusal: Refusal) -> dict[str, object]:
    facts = refusal.facts()
    errors = facts.get("errors")
    return facts | {"errors": errors[:MOST_ERRORS]} if isinstance(errors, list) else facts


def _headers(refusal: Refusal) -> dict[str, str]:
    headers = {"Cache-Control": "no-store"}
    match refusal:
        case Unauthorised() | SignInNeeded():
            headers["WWW-Authenticate"] = "Bearer"
        case MethodNotAllowed(allow=allow) if allow:
            headers["Allow"] = allow
        case TooMany(retry_after=seconds) | Unavailable(retry_after=seconds):
            headers["Retry-After"] = str(seconds)
    return headers


# The first kind that fits decides.
_MEANINGS: Final[dict[type[Exception], Callable[[Any], Refusal]]] = {
    Refusal: lambda refusal: refusal,
    HTTPException: _refusal_of_http,
    RequestValidationError: _invalid,
    IntegrityError: lambda _: Collided(),
    DBAPIError: _refusal_of_database,
    PoolTimeout: _refusal_of_database,
    ClientDisconnect: lambda _: NotJson(),
    Exception: lambda _: Crashed(),
}
