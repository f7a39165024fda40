"""The API as an OpenAPI 3.1 document: what the framework reads from the code, and what only we know.

That is an example for each body, links by which a program can walk from a start to a revealed secret,
and the refusals, which are problems here and nothing else.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from fastapi import FastAPI
from fastapi.routing import APIRoute

from onboarding.web import describing_events, describing_links
from onboarding.web.describing_examples import EXAMPLES, INVALID
from onboarding.web.event_schemas import PLACE
from onboarding.web.problems import Problem

Document = dict[str, Any]

_METHODS: Final = ("get", "post", "put", "patch", "delete")
_ABOUT: Final = (
    "Start onboardings, move them by events, and hear what becomes of them. A request is made with an"
    " API key: `Authorization: Bearer onbk_…`. Every refusal is problem details with a stable `code`."
)
# What the framework says of bodies that it would refuse in its own words.
_NEVER: Final = "422"
# What a handler checks by itself, to say more than that it is wrong.
_HEADERS: Final = {
    "If-Match": {
        "pattern": r'^(\*|"[0-9]{1,9}(\.[0-9a-z.]{1,20})?")$',
        "examples": ["*", '"7"'],
    },
    "Idempotency-Key": {
        "pattern": r'^("[ !#-\[\]-~]{1,253}"|[!#-~][!-~]{0,254})$',
        "examples": ["5d2d4f0c-8a51-4a8e-9f0e-3f3f5c1f7f6b"],
    },
    "last-event-id": PLACE,
    "prefer": {"examples": ["wait=20"]},
}


def name_of(route: APIRoute) -> str:
    """The operation's ID: the tag that it stands under, and what its handler is called."""
    tag = str(route.tags[0]).lower() if route.tags else "other"
    return f"{tag}_{route.name}"


def describe(app: FastAPI) -> Callable[[], Document]:
    """The document of an app, made at the first question."""
    plain = app.openapi
    kept: list[Document] = []

    def document() -> Document:
        if not kept:
            kept.append(_completed(plain()))
        return kept[0]

    return document


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    """Method, path and description of each operation."""
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                yield method, path, methods[method]


def _completed(document: Document) -> Document:
    document["info"]["description"] = _ABOUT
    document["paths"] = {p: m for p, m in document["paths"].items() if p.startswith("/v1")}
    schemas = document["components"]["schemas"]
    schemas["Problem"] = Problem.model_json_schema() | {"examples": [INVALID]}
    schemas["NewEvent"] = describing_events.bodies()
    for leftover in ("HTTPValidationError", "ValidationError"):
        schemas.pop(leftover, None)
    for method, path, operation in operations(document):
        _complete(operation, EXAMPLES.get((method, path), {}))
    for (method, path, status), links in describing_links.links().items():
        document["paths"][path][method]["responses"][status]["links"] = links
    return document


def _complete(operation: Document, examples: Document) -> None:
    _say_what_headers_hold(operation)
    responses = operation["responses"]
    responses.pop(_NEVER, None)
    refusal = responses["default"]["content"]["application/problem+json"]
    refusal["schema"] = {"$ref": "#/components/schemas/Problem"}
    for response in responses.values():
        if response.get("description") == "Successful Response":
            response["description"] = "Done."
    if examples:
        operation["requestBody"]["content"]["application/json"]["examples"] = {
            name: {"value": value} for name, value in examples.items()
        }


def _say_what_headers_hold(operation: Document) -> None:
    """A header is there or not, and never null."""
    for parameter in operation.get("parameters", []):
        if parameter["in"] == "header":
            options = parameter["schema"].pop("anyOf", [])
            parameter["schema"] |= next((o for o in options if o.get("type") != "null"), {})
            parameter["schema"] |= _HEADERS.get(parameter["name"], {})
