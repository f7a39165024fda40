"""How the API reads and answers: strict JSON in, and nothing out that a cache may keep unless a handler says so."""

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Iterator
from contextlib import contextmanager
from email.message import Message
from functools import cached_property, wraps
from http import HTTPStatus
from inspect import iscoroutinefunction
from itertools import chain
from typing import Annotated, Any, Final, NoReturn, TypeVar, get_origin

from fastapi import Depends
from fastapi.exceptions import RequestValidationError
from fastapi.security import SecurityScopes
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from onboarding.errors import Invalid, Refusal
from onboarding.retrying import retried
from onboarding.web.problems import pointer
from onboarding.web.refusals import NotJson, WrongMediaType
from onboarding.web.retried_route import RetriedRoute
from onboarding.web.schemas import Taken
from onboarding.words import N_

Body = TypeVar("Body", bound=BaseModel)

MEDIA_TYPES: Final = ("application/json",)
# Whoever sends events may say that they are.
EVENT_MEDIA_TYPES: Final = (*MEDIA_TYPES, "application/cloudevents+json")
# The API's own bodies are two deep.
DEEPEST: Final = 16

# A string, with or without its end, or a bracket. Every quote begins a match, so the whole text is
# read once, whatever it holds.
_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)|([\[{])|([\]}])', re.DOTALL)


class StrictRoute(RetriedRoute):
    """A route that refuses a body or a query which two programs may read differently."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        handler = endpoint if iscoroutinefunction(endpoint) else _in_a_thread(retried(endpoint))
        super().__init__(path, handler, **options)

    @cached_property
    def single(self) -> frozenset[str]:
        """The parameters of its query that take one value."""
        fields = dict(chain.from_iterable(map(_fields, self.dependant.query_params)))
        return frozenset(name for name, kind in fields.items() if get_origin(kind) is not list)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            try:
                await self._check_body(request)
            except Refusal:
                await self._ask_who_calls(request)
                raise
            response = await handle(request)
            response.headers.setdefault("Cache-Control", "no-store")
            if response.status_code == HTTPStatus.NO_CONTENT:
                # The framework says of which kind nothing is.
                del response.headers["Content-Type"]
            return response

        return strictly

    async def _check_body(self, request: Request) -> None:
        body = await request.body()
        if body and self.body_field is not None:
            check_json(request.headers.get("content-type", ""), body)

    async def _ask_who_calls(self, request: Request) -> None:
        """Of a body that cannot be read, only those are told who may send one; each of them counts."""
        for asking in self.dependant.dependencies:
            if asking.call is not None and asking.security_scopes_param_name:
                scopes = SecurityScopes(asking.own_oauth_scopes)
                await run_in_threadpool(asking.call, request, scopes, None)


def _in_a_thread(handler: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Any]]:
    """As the framework would run it, which would write the answer in a further turn of a thread.

    Writing it holds the interpreter all the time, wherever that is.
    """

    @wraps(handler)
    async def handled(**values: Any) -> Any:
        return await run_in_threadpool(handler, **values)

    return handled


def refuse_repeated(request: Request) -> None:
    """Of two values, nobody knows which was meant. Raises Invalid for a parameter that takes one."""
    route = request.scope["route"]
    given = Counter(name for name, _ in request.query_params.multi_items())
    repeated = [name for name in given if given[name] > 1 and name in route.single]
    if repeated:
        raise Invalid(
            dict.fromkeys(repeated, N_("It takes one value: name it once.")),
            dict.fromkeys(repeated, "repeated"),
        )


def _fields(parameter: Any) -> Iterator[tuple[str, Any]]:
    """A parameter, as the framework keeps it, may stand for itself or for a model with one in each field."""
    kind = parameter.field_info.annotation
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield from ((name, each.annotation) for name, each in kind.model_fields.items())
    else:
        yield parameter.alias, kind


@contextmanager
def in_body(*place: str) -> Iterator[None]:
    """What a verb finds wrong stands in the body, and is pointed at: in this place, or as it is named."""
    try:
        yield
    except Invalid as wrong:
        wrong.pointers = {
            name: pointer([*place, name] if place else name.split(".")) for name in wrong.fields
        }
        raise


def read(model: type[Body], body: bytes) -> Body:
    """What it says. Raises RequestValidationError."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        wrong = [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        raise RequestValidationError(wrong) from None


class _Nothing(Taken):
    """A body that asks for nothing."""


# Async, because only so the body can be asked for; it was read whole before and is there.
async def no_body(request: Request) -> None:
    """Where none is taken, one without members may be there.

    Raises NotJson, WrongMediaType, and RequestValidationError for what is in it.
    """
    if body := await request.body():
        check_json(request.headers.get("content-type", ""), body)
        if json.loads(body) is not None:
            read(_Nothing, body)


NoBody = Annotated[None, Depends(no_body)]


def check_json(media_type: str, body: bytes, media_types: Collection[str] = MEDIA_TYPES) -> None:
    """Refuse what is no JSON, or is JSON only to some. Raises WrongMediaType or NotJson."""
    if _plain(media_type) not in media_types:
        raise WrongMediaType
    try:
        text = body.decode()
        _check_depth(text)
        value = json.loads(text, object_pairs_hook=_unrepeated, parse_constant=_no_number)
        # Half a surrogate pair cannot be encoded, and 1e999 was read as infinity.
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        raise NotJson from None


def _plain(media_type: str) -> str:
    """Without its parameters."""
    parsed = Message()
    parsed["content-type"] = media_type
    return parsed.get_content_type()


def _check_depth(text: str) -> None:
    """Count brackets: the reader recurses, so it must not be what finds out."""
    depth = 0
    for token in _TOKEN.finditer(text):
        depth += bool(token[1]) - bool(token[2])
        if depth > DEEPEST:
            raise ValueError("nested too deep")


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name is repeated")
    return value


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
