"""How the authorization server reads and refuses: forms in, and errors as RFC 6749 §5.2 has them."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

from fastapi import Depends
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from onboarding import logs
from onboarding.errors import Forbidden, Refusal, TooMany, Unauthorised, Unavailable
from onboarding.web.problems import refusal_of
from onboarding.web.retried_route import RetriedRoute

log = logs.get(__name__)

NEVER_KEPT: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_FORM: Final = "application/x-www-form-urlencoded"
_MOST_FIELDS: Final = 20
# Whose answers say that it was no mistake of the caller, as RFC 6749 §4.1.2.1 names them.
_NOT_NOW: Final = "temporarily_unavailable"


class OAuthError(Exception):
    """A refusal of the authorization server; what was sent is not repeated in it."""

    def __init__(self, error: str, description: str, status: int = 400, **headers: str) -> None:
        super().__init__(error)
        self.error, self.description, self.status = error, description, status
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


class OAuthRoute(RetriedRoute):
    """A route whose every answer is JSON that no cache may keep."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                response = await handle(request)
            except OAuthError as error:
                log.info("token_refused", code=error.error, status=error.status)
                return _as_json(error)
            except (Refusal, DBAPIError, PoolTimeout) as error:
                return _as_json(_meaning(error))
            # What may be kept says so itself; another word besides would contradict it.
            if "cache-control" not in response.headers:
                response.headers.update(NEVER_KEPT)
            return response

        return answer


async def sent(request: Request) -> dict[str, str]:
    """The parameters of a form, each there once; those without a value are not there (RFC 6749 §3.2).

    Raises OAuthError.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _FORM:
        raise OAuthError("invalid_request", f"Send a form: Content-Type: {_FORM}.")
    try:
        text = (await request.body()).decode()
        pairs = parse_qsl(
            text, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict"
        )
    except ValueError:
        raise OAuthError(
            "invalid_request", "The form cannot be read: UTF-8, percent-encoded."
        ) from None
    found = dict(pairs)
    if len(found) != len(pairs):
        raise OAuthError("invalid_request", "A parameter is repeated.")
    return {name: value for name, value in found.items() if value}


# Async because a body is; what depends on it stays a plain function in a thread of its own.
Sent = Annotated[dict[str, str], Depends(sent)]


def needed(form: Mapping[str, str], name: str) -> str:
    """A parameter that nobody can do without. Raises OAuthError."""
    if name not in form:
        raise OAuthError("invalid_request", f"The parameter {name} is missing.")
    return form[name]


def _meaning(error: Exception) -> OAuthError:
    refusal = refusal_of(error)
    if isinstance(refusal, TooMany):
        return OAuthError(_NOT_NOW, _said(refusal), 429, Retry_After=str(refusal.retry_after))
    if isinstance(refusal, Unavailable):
        return OAuthError(_NOT_NOW, _said(refusal), 503, Retry_After=str(refusal.retry_after))
    if isinstance(refusal, Unauthorised):
        return OAuthError("invalid_token", _said(refusal), 401, WWW_Authenticate="Bearer")
    if isinstance(refusal, Forbidden):
        return OAuthError("insufficient_scope", _said(refusal), 403)
    raise error


def _said(refusal: Refusal) -> str:
    return f"{refusal.sentence} {refusal.advice}"


def _as_json(error: OAuthError) -> JSONResponse:
    body = {"error": error.error, "error_description": error.description}
    return JSONResponse(body, error.status, NEVER_KEPT | error.headers)
