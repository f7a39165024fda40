"""What schemathesis cannot know: loaded into its process as its hooks, see `walker`.

Values only. Which operation is asked, in which order and with what, is its own choice.
"""

import base64
import json
import os
import time
from functools import cache
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import schemathesis
from requests import PreparedRequest
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import TestPhase

from onboarding import signing
from onboarding.signing import Key
from onboarding.web.describing_examples import KEY

# The secret of the source that says what is told, as `onboarding source add` prints it.
SOURCE_SECRET: Final = "WALKER_SOURCE_SECRET"
# The file of what will do, for each phase and operation.
KNOWN: Final = "WALKER_KNOWN"
_TAKING_KEYS: Final = ("onboardings_reveal_secret", "clients_bring_key")


@schemathesis.hook
def before_load_schema(_context: Any, raw_schema: dict[str, Any]) -> None:
    """A link's body is the whole body (OpenAPI 3.1, 4.8.20), not a part to be mixed into another."""
    for methods in raw_schema["paths"].values():
        for operation in methods.values():
            for answer in operation["responses"].values():
                for link in answer.get("links", {}).values():
                    link["x-schemathesis"] = {"merge_body": False}


@schemathesis.hook
def before_call(_context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    operation = case.operation.definition.raw["operationId"]
    if operation in _TAKING_KEYS and case.meta.generation.mode.is_positive:
        _use_a_key(operation, case)
    if operation in ("inbound_receive", "inbound_disclose"):
        headers = case.meta.components.get(ParameterLocation.HEADER)
        if headers is None or headers.mode.is_positive:
            kwargs["auth"] = _sign
    elif case.meta.phase.name is not TestPhase.STATEFUL:
        _let_it_succeed(operation, case)
    else:
        _make_it_new(case)
        if operation == "onboardings_start" and isinstance(case.body, dict):
            # Without an address that is vouched for, no client ID is issued.
            case.body["contact"] = case.body.get("contact") or {"email": "dev@shop.example"}


def _use_a_key(operation: str, case: Any) -> None:
    """No schema can say which points are on a curve. A walk goes on with what it can read."""
    walks = case.meta.phase.name is TestPhase.STATEFUL
    case.body = {} if operation == _TAKING_KEYS[0] and walks else {"jwk": KEY}


def _let_it_succeed(operation: str, case: Any) -> None:
    """As long as there are onboardings that stand where it can; after that, as it was made up."""
    left = _known()[case.meta.phase.name.value].get(operation)
    if left and case.meta.generation.mode.is_positive:
        # Whoever is asked about by a header, or in the path.
        where = case.headers if operation == "clients_whoami" else case.path_parameters
        where.update(left.pop())
        if "If-Match" in (case.headers or {}):
            case.headers["If-Match"] = "*"
    if operation == "clients_rename" and case.meta.generation.mode.is_positive:
        # No pattern can say which characters have a shape.
        case.body["connection_name"] = (
            "".join(filter(str.isprintable, case.body["connection_name"])).strip() or "ERP"
        )


@cache
def _known() -> dict[str, dict[str, list[dict[str, str]]]]:
    """By phase and operation: values for the parameters of a path."""
    known: dict[str, dict[str, list[dict[str, str]]]]
    known = json.loads(Path(os.environ[KNOWN]).read_text())
    return known


def _make_it_new(case: Any) -> None:
    """A request of a walk is another than the one before, and not sent again."""
    if "Idempotency-Key" in (case.headers or {}):
        case.headers["Idempotency-Key"] = str(uuid4())


def _sign(request: PreparedRequest) -> PreparedRequest:
    """As the source would, whatever it says; what has no ID is signed under another."""
    key = Key("hmac", base64.b64decode(os.environ[SOURCE_SECRET].removeprefix("whsec_")))
    content = request.body if isinstance(request.body, bytes) else str(request.body or "").encode()
    request.headers.update(signing.headers([key], _id_of(content), content, int(time.time())))
    return request


def _id_of(body: bytes) -> str:
    try:
        said = json.loads(body)["id"]
    except (ValueError, KeyError, TypeError):
        return "none"
    return said if isinstance(said, str) and said.isascii() and said.isprintable() else "none"
