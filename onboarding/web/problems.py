"""Every refusal as problem details (RFC 9457).

Whatever goes wrong in a request becomes one `Refusal` first, so pages and API say the same. A
problem names a case of ours by its `code` and never shows an exception's text, a path or SQL.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final
from urllib.parse import quote

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, compile_path
from starlette.types import Scope

from onboarding import logs, outages, words
from onboarding.call_refusals import TokenInvalid
from onboarding.errors import (
    Forbidden,
    Invalid,
    NotEligible,
    NotFound,
    Refusal,
    SignInNeeded,
    TooMany,
    Unauthorised,
    Unavailable,
)
from onboarding.ids import new_id
from onboarding.web import heads, wrong_fields
from onboarding.web.refusals import (
    Collided,
    Crashed,
    IdempotencyKeyMissing,
    IfMatchMissing,
    InFlight,
    MethodNotAllowed,
    NothingPublished,
    NothingThere,
    NotJson,
    Stale,
)
from onboarding.words import translate

log = logs.get(__name__)

# Where each kind of problem has a page.
PATH: Final = "/problems"
MEDIA_TYPE: Final = "application/problem+json"
# Where programs ask, and get problems; people ask everywhere else, and get pages.
DOCUMENTED: Final = "/v1"
API_PATHS: Final = (DOCUMENTED, "/oauth2", "/.well-known", "/livez", "/readyz", "/metrics")
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
    request_id: str | None = None


def install_problem_handlers(app: FastAPI, elsewhere: Elsewhere | None = None) -> None:
    """Answer whatever an app raises with a problem; `elsewhere` answers outside the API's paths."""

    # Async, because the handlers of an outage must not wait for the threads that it holds.
    async def answer(request: Request, error: Exception) -> Response:
        refusal = refusal_of(error)
        if _is_of_a_page(request) and _documented(request):
            refusal = MethodNotAllowed()
        if isinstance(refusal, MethodNotAllowed):
            refusal.allow = _methods(request)
        path = request.scope["path"]
        if type(refusal) is NotFound and _is_api(path):
            refusal = NothingThere() if is_within(path, DOCUMENTED) else NothingPublished()
        if elsewhere and not _is_api(path):
            return _page(request, elsewhere, refusal, error)
        return problem(refusal, error, request.scope)

    for kind in _MEANINGS:
        app.add_exception_handler(kind, answer)


def refusal_of(error: Exception) -> Refusal:
    """What an exception means to whoever is asking."""
    return next(mean(error) for kind, mean in _MEANINGS.items() if isinstance(error, kind))


def problem(
    refusal: Refusal, cause: Exception | None = None, scope: Scope | None = None
) -> Response:
    """A refusal as a response, in the language that the caller prefers.

    Its `instance` leads to the log, and nothing else leads to the cause.
    """
    instance = _instance()
    _log(refusal, cause, instance)
    locale = words.negotiate(Headers(scope=scope).get("accept-language") if scope else None)
    described = Problem(
        type=f"{PATH}/{refusal.code}",
        title=translate(locale, refusal.sentence),
        status=refusal.status,
        detail=translate(locale, refusal.advice),
        code=refusal.code,
        retryable=refusal.retryable,
        instance=instance,
        request_id=logs.request_id(),
    )
    content = {**described.model_dump(exclude_none=True), **_facts(refusal, locale)}
    spoken = {"Content-Language": locale, "Vary": "Accept-Language"}
    return JSONResponse(content, refusal.status, _headers(refusal) | spoken, MEDIA_TYPE)


def pointer(place: Iterable[object]) -> str:
    """`#/contact/email` for ("contact", "email"), as RFC 6901 §6 writes it."""
    names = (str(name).replace("~", "~0").replace("/", "~1") for name in place)
    return "#" + "".join(f"/{quote(name)}" for name in names)


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
    return f"urn:uuid:{new_id()}"


def _is_api(path: str) -> bool:
    return any(is_within(path, root) for root in API_PATHS)


def is_within(path: str, root: str) -> bool:
    return path == root or path.startswith(f"{root}/")


def _is_of_a_page(request: Request) -> bool:
    """Whether a page has taken an address of the API for its own, with `v1` for a language.

    Then it is there, but for another method.
    """
    return is_within(request.scope["path"], DOCUMENTED) and "locale" in request.path_params


def _methods(request: Request) -> str:
    """All that an address takes; the framework names those of the first route that it meets.

    A page's address begins with a language, so its routes would fit those of the API: these are read
    from the API's own description.
    """
    taken = {*(_documented(request) or _routed(request))}
    if "GET" in taken and heads.is_answered(request.scope["path"]):
        taken.add("HEAD")
    return ", ".join(sorted(taken))


def _routed(request: Request) -> list[str]:
    routes = request.app.router.routes
    tried = [(method, {**request.scope, "method": method}) for method in _METHODS]
    return [m for m, scope in tried if any(r.matches(scope)[0] is Match.FULL for r in routes)]


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


def _refusal_of_request(error: RequestValidationError) -> Refusal:
    """A header that must be there comes first: nobody can do without."""
    headers = [each["loc"][1].lower() for each in error.errors() if each["loc"][0] == "header"]
    missing = [_MUST_BE_THERE[name] for name in headers if name in _MUST_BE_THERE]
    return missing[0]() if missing else _invalid(error)


def _invalid(error: RequestValidationError) -> Invalid:
    """Which fields are wrong and why; what was sent is not repeated."""
    wrong = {_field(each["loc"]): each for each in error.errors()[:MOST_ERRORS]}
    return Invalid(
        {name: wrong_fields.sentence(each) for name, each in wrong.items()},
        {name: each["type"] for name, each in wrong.items()},
        {n: pointer(each["loc"][1:]) for n, each in wrong.items() if each["loc"][0] == "body"},
    )


def _field(place: tuple[object, ...]) -> str:
    """`contact.email` for ("body", "contact", "email"); "body" for the whole of it."""
    source, *names = place
    return ".".join(str(name) for name in names) or str(source)


def _log(refusal: Refusal, cause: Exception | None, instance: str) -> None:
    code, status = refusal.code, refusal.status
    if isinstance(refusal, Crashed):
        log.error("crashed", code=code, status=status, instance=instance, exc_info=cause)
    else:
        error = type(cause or refusal).__name__
        log.info("refused", code=code, status=status, instance=instance, error=error)


def _facts(refusal: Refusal, locale: str) -> dict[str, object]:
    facts = refusal.facts()
    if isinstance(refusal, NotEligible):
        return facts | {"why": words.again(locale, refusal.why)}
    if not isinstance(errors := facts.get("errors"), list):
        return facts
    said = [each | {"detail": words.again(locale, each["detail"])} for each in errors[:MOST_ERRORS]]
    return facts | {"errors": said}


def _headers(refusal: Refusal) -> dict[str, str]:
    headers = {"Cache-Control": "no-store"}
    match refusal:
        case TokenInvalid(code=code):
            # The three that RFC 6750 §3.1 has one code for.
            headers["WWW-Authenticate"] = (
                f'Bearer error="invalid_token", error_description="{code}"'
            )
        case Unauthorised() | SignInNeeded():
            headers["WWW-Authenticate"] = "Bearer"
        case Forbidden(scope=scope):
            headers["WWW-Authenticate"] = f'Bearer error="insufficient_scope", scope="{scope}"'
        case MethodNotAllowed(allow=allow) if allow:
            headers["Allow"] = allow
        case TooMany(retry_after=seconds) | Unavailable(retry_after=seconds):
            headers["Retry-After"] = str(seconds)
        case InFlight(retry_after=seconds):
            headers["Retry-After"] = str(seconds)
        case Stale(etag=etag):
            headers["ETag"] = etag
    return headers


_MUST_BE_THERE: Final[dict[str, type[Refusal]]] = {
    "idempotency-key": IdempotencyKeyMissing,
    "if-match": IfMatchMissing,
}
# The first kind that fits decides.
_MEANINGS: Final[dict[type[Exception], Callable[[Any], Refusal]]] = {
    Refusal: lambda refusal: refusal,
    HTTPException: _refusal_of_http,
    RequestValidationError: _refusal_of_request,
    IntegrityError: lambda _: Collided(),
    DBAPIError: _refusal_of_database,
    PoolTimeout: _refusal_of_database,
    ClientDisconnect: lambda _: NotJson(),
    Exception: lambda _: Crashed(),
}
