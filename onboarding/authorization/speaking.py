"""A conversation with another authorization server: in time, without redirects, its failures in our words.

Neither what it answers nor what it is sent is in an error: both hold secrets.
"""

import json
import ssl
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpx
from pydantic import SecretStr

from onboarding.authorization import Refused, Unavailable

# Seconds for each step of an answer, and for all that one errand asks: less than a worker's turn.
PATIENCE: Final = 5.0
IN_ALL: Final = 20.0
# Bytes of an answer that are read at most.
READS: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. It does not print its body."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def json(self) -> Any:
        """Raises Unavailable for what is no JSON: something else has answered in its place."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            raise unreadable("no JSON") from None


class Line:
    """Asks one thing after the other, all of it within a time."""

    def __init__(self, http: httpx.Client, in_all: float = IN_ALL) -> None:
        self._http, self._until = http, time.monotonic() + in_all

    def ask(
        self,
        method: str,
        url: str,
        token: SecretStr | None = None,
        expected: Collection[int] = (),
        **content: Any,
    ) -> Answer:
        """The answer, if it is a success or one of the `expected`. Raises Refused or Unavailable."""
        headers = {"authorization": f"Bearer {token.get_secret_value()}"} if token else {}
        with _in_our_words():
            answer = self._answer(method, url, headers, content)
        if answer.status // 100 != 2 and answer.status not in expected:  # noqa: PLR2004
            raise _failure_of(answer)
        return answer

    def _answer(
        self, method: str, url: str, headers: Mapping[str, str], content: Mapping[str, Any]
    ) -> Answer:
        """Asking takes what is left of the time: a server that dawdles is one that does not answer."""
        body = bytearray()
        with self._http.stream(
            method, url, headers=headers, timeout=min(PATIENCE, self._left()), **content
        ) as answer:
            for chunk in answer.iter_bytes():
                body += chunk
                self._left()
                if len(body) > READS:
                    raise unreadable("too long")
            return Answer(answer.status_code, answer.headers, bytes(body))

    def _left(self) -> float:
        left = self._until - time.monotonic()
        if left <= 0:
            raise httpx.ReadTimeout("all of it took too long")
        return left


@contextmanager
def connected() -> Iterator[httpx.Client]:
    """How a server is spoken to: no redirects, so that a secret goes where it was meant to go."""
    with httpx.Client(follow_redirects=False, verify=ssl.create_default_context()) as http:
        yield http


def unreadable(why: str) -> Unavailable:
    """What came back is not what the standard, or its documentation, says."""
    return Unavailable(
        "authorization_server_answer", f"the authorization server's answer is not good: {why}"
    )


def is_tls(error: BaseException) -> bool:
    """Whether a certificate or a handshake was what failed, however deep that is buried."""
    below = error.__cause__ or error.__context__
    return isinstance(error, ssl.SSLError) or (below is not None and is_tls(below))


@contextmanager
def _in_our_words() -> Iterator[None]:
    try:
        yield
    except httpx.ConnectError as error:
        if is_tls(error):
            why = "no encrypted connection to the authorization server"
            raise Unavailable("authorization_server_certificate", why) from None
        raise _away(error) from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _away(error) from None


def _away(error: Exception) -> Unavailable:
    why = f"the authorization server does not answer: {type(error).__name__}"
    return Unavailable("authorization_server_away", why)


def _failure_of(answer: Answer) -> Refused | Unavailable:
    """By its status alone. What may be over by itself is tried again, by the outbox."""
    why = f"the authorization server answered {answer.status}"
    if answer.status in {401, 403}:
        return Unavailable("authorization_server_login", why)
    if answer.status == 429:  # noqa: PLR2004
        return Unavailable("authorization_server_busy", why, _wait(answer.headers))
    if answer.status == 408 or answer.status >= 500:  # noqa: PLR2004
        return Unavailable("authorization_server_failing", why, _wait(answer.headers))
    return Refused("authorization_server_refused", why)


def _wait(headers: Mapping[str, str]) -> float:
    """Seconds of Retry-After: a number, or a time by the clock of who says it (RFC 9110 §10.2.3)."""
    said = headers.get("retry-after", "")
    if said.isdecimal():
        return float(said[:9])
    wanted, told = _instant(said), _instant(headers.get("date", ""))
    return max(0.0, wanted - told) if wanted and told else 0.0


def _instant(text: str) -> float | None:
    """Seconds since 1970; None for what is no time of HTTP."""
    try:
        return parsedate_to_datetime(text).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
