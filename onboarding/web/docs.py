"""The page about the API, made from its own description: no script, nothing from elsewhere.

It is in English, as the API's names are; what people may have to do is there in both languages.
"""

import json
from collections.abc import Iterator
from typing import Final, NamedTuple

from fastapi import APIRouter, Request
from starlette.responses import Response

from onboarding import requirements, words
from onboarding.web import pages
from onboarding.web.describing import Document, operations

router = APIRouter(include_in_schema=False)

PATH: Final = "/docs"


class Field(NamedTuple):
    """A parameter, or a member of a body."""

    name: str
    kind: str
    required: bool
    about: str


class Operation(NamedTuple):
    """One thing that can be asked for."""

    anchor: str
    method: str
    path: str
    about: list[str]
    scope: str
    parameters: list[Field]
    body: str
    examples: list[tuple[str, str]]
    answer: str


class Shape(NamedTuple):
    """What a body or an answer is made of."""

    name: str
    about: str
    fields: list[Field]


class Code(NamedTuple):
    """What may be due, in each language."""

    name: str
    texts: dict[str, str]


@router.get(PATH)
def docs(request: Request) -> Response:
    """Everything that /v1 takes and answers, on one page that works without a network."""
    document: Document = request.app.openapi()
    return pages.page(
        request,
        "docs.html",
        about=document["info"]["description"].replace("`", ""),
        version=document["info"]["version"],
        groups=_groups(document),
        shapes=list(_shapes(document)),
        codes=[Code(name, _texts(text)) for name, text in requirements.TEXTS.items()],
        languages_of_codes=words.LANGUAGES,
    )


def _texts(text: str) -> dict[str, str]:
    return {locale: words.translate(locale, text) for locale in words.LOCALES}


def _groups(document: Document) -> dict[str, list[Operation]]:
    groups: dict[str, list[Operation]] = {}
    for method, path, operation in operations(document):
        made = _operation(method, path, operation)
        groups.setdefault(operation["tags"][0], []).append(made)
    return groups


def _operation(method: str, path: str, operation: Document) -> Operation:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    scopes = [s for each in operation.get("security", []) for some in each.values() for s in some]
    return Operation(
        anchor=operation["operationId"],
        method=method.upper(),
        path=path,
        about=operation.get("description", "").replace("`", "").split("\n\n"),
        scope=", ".join(scopes),
        parameters=[_parameter(each) for each in operation.get("parameters", [])],
        body=_kind(content.get("schema", {})),
        examples=_examples(content),
        answer=_answer(operation),
    )


def _examples(content: Document) -> list[tuple[str, str]]:
    """As somebody would type them."""
    given = content.get("examples", {}).items()
    return [(name, json.dumps(each["value"], indent=2)) for name, each in given]


def _answer(operation: Document) -> str:
    status, answer = next(iter(operation["responses"].items()))
    schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
    return f"{status} {_kind(schema)}".strip()


def _parameter(parameter: Document) -> Field:
    about = parameter.get("description", "").replace("`", "")
    kind = f"{parameter['in']}, {_kind(parameter['schema'])}"
    return Field(parameter["name"], kind, bool(parameter.get("required")), about)


def _shapes(document: Document) -> Iterator[Shape]:
    for name, schema in sorted(document["components"]["schemas"].items()):
        needed = schema.get("required", [])
        members = schema.get("properties", {})
        fields = [
            Field(each, _kind(member), each in needed, member.get("description", ""))
            for each, member in members.items()
        ]
        fields += [_option(each) for each in schema.get("oneOf", [])]
        yield Shape(name, schema.get("description", "").replace("`", ""), fields)


def _option(schema: Document) -> Field:
    """One of several shapes of a body: an event, and what its data holds."""
    data = schema["properties"]["data"]
    held = ", ".join(f"{name}: {_kind(each)}" for name, each in data["properties"].items())
    return Field(schema["title"], held or "no data", True, "")


def _kind(schema: Document) -> str:
    """A type in a few words: "string (date-time) or null", "list of DueItem"."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(_kind(each) for each in schema["anyOf"])
    if "const" in schema:
        return str(schema["const"])
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    form = f" ({schema['format']})" if "format" in schema else ""
    return str(schema.get("type", "")) + form
