"""One request, sent again only where that is safe: it has a key, or it changes nothing."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx

from onboarding.client.problems import Problem, Unreachable, problem_of

# Seconds: for one answer, at most between two tries, and before the second one.
PATIENCE: Final = 10.0
LONGEST_REST: Final = 60.0
_FIRST_REST: Final = 0.2
_LATER: Final = (httpx.codes.TOO_MANY_REQUESTS, httpx.codes.SERVICE_UNAVAILABLE)


@dataclass(frozen=True, slots=True)
class Request:
    """What is sent. `repeatable`: sent twice, it has the same effect as sent once."""

    method: str
    path: str
    repeatable: bool = True
    body: Mapping[str, object] | None = None
    headers: Mapping[str, str] | None = None
    # Seconds that the service was asked to wait before it answers.
    waits: float = 0.0


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends requests with a key. `rest` takes seconds; `tries` is how often one is sent at most."""

    http: httpx.Client
    base_url: str
    key: str
    tries: int = 4
    rest: Callable[[float], object] = time.sleep

    def send(self, request: Request) -> httpx.Response:
        """An answer that is no refusal. Raises Problem, or Unreachable."""
        for tried in range(1, self.tries + 1):
            last = tried == self.tries or not request.repeatable
            try:
                answer = self._once(request)
            except httpx.TransportError as error:
                if last:
                    raise Unreachable(f"{request.method} {request.path}: {error!r}") from error
                self.rest(_rest(tried, None))
                continue
            if answer.is_success or answer.status_code == httpx.codes.NOT_MODIFIED:
                return answer
            problem = problem_of(answer)
            if last or not _comes_later(problem):
                raise problem
            self.rest(_rest(tried, answer.headers.get("retry-after")))
        raise AssertionError("a last try returns or raises")

    def json(self, request: Request) -> dict[str, Any]:
        """What an answer holds. Raises Problem, or Unreachable."""
        found: dict[str, Any] = self.send(request).json()
        return found

    def _once(self, request: Request) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}", **(request.headers or {})}
        return self.http.request(
            request.method,
            self.base_url + request.path,
            json=request.body,
            headers=headers,
            timeout=PATIENCE + request.waits,
        )


def _comes_later(problem: Problem) -> bool:
    return problem.status in _LATER and problem.retryable


def _rest(tried: int, asked_for: str | None) -> float:
    """Seconds: as long as the service says, else longer each time and never in step with others."""
    if asked_for is not None and asked_for.isdecimal():
        return min(float(asked_for), LONGEST_REST)
    longest: float = _FIRST_REST * 2**tried
    return random.uniform(_FIRST_REST, longest)  # noqa: S311 - jitter
