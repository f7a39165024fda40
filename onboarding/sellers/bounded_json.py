"""Reads JSON from somebody else's server without trusting its size, its speed or its manners."""

import json
import time
from collections.abc import Mapping
from typing import Any, Final, NoReturn

import httpx

from onboarding.sellers import SignInUnavailable

MAX_BYTES: Final = 256 * 1024
# Compressed bodies are not asked for and not unpacked: a small one may unpack to any size.
_HEADERS: Final = {"Accept": "application/json", "Accept-Encoding": "identity"}


def get_json(
    http: httpx.Client, url: str, timeout: float, headers: Mapping[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    """Status, and the JSON object of a 200, at this URL. Raises SignInUnavailable."""
    return _exchange(http, timeout, "GET", url, headers=headers)


def post_form(
    http: httpx.Client,
    url: str,
    timeout: float,
    form: Mapping[str, str],
    headers: Mapping[str, str],
) -> tuple[int, dict[str, Any]]:
    """Status, and the JSON object of a 200, for this form. Raises SignInUnavailable."""
    return _exchange(http, timeout, "POST", url, headers=headers, data=form)


def parse_object(text: bytes) -> dict[str, Any]:
    """A JSON object without repeated names, which two readers may read differently.

    Raises ValueError.
    """
    try:
        value = json.loads(text, object_pairs_hook=_unrepeated, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(value, dict):
        raise ValueError("not an object")  # noqa: TRY004  (the text is wrong, no type of ours)
    return value


def _exchange(
    http: httpx.Client, timeout: float, method: str, url: str, **content: Any
) -> tuple[int, dict[str, Any]]:
    content["headers"] = {**_HEADERS, **(content["headers"] or {})}
    deadline = time.monotonic() + timeout
    try:
        with http.stream(method, url, timeout=timeout, follow_redirects=False, **content) as answer:
            refused = answer.status_code != httpx.codes.OK
            return answer.status_code, {} if refused else parse_object(_read(answer, deadline))
    except httpx.TimeoutException:
        raise SignInUnavailable("timeout") from None
    except (httpx.HTTPError, httpx.InvalidURL):
        raise SignInUnavailable("unreachable") from None
    except ValueError:
        raise SignInUnavailable("not_json") from None


def _read(answer: httpx.Response, deadline: float) -> bytes:
    """The body, given up once it is too long or has been coming for too long."""
    body = bytearray()
    for chunk in answer.iter_raw():
        body += chunk
        if len(body) > MAX_BYTES:
            raise SignInUnavailable("too_large")
        # The timeout of the client starts again with every chunk; this one does not.
        if time.monotonic() > deadline:
            raise SignInUnavailable("timeout")
    return bytes(body)


def _unrepeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name is repeated")
    return value


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
