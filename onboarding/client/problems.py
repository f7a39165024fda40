"""What a call may end with instead of an answer."""

from typing import Any

import httpx


class Problem(Exception):
    """The service refuses, and says why (RFC 9457). `code` is stable; `detail` is for people.

    `retryable` says whether the same request may be sent again as it is. `facts` are the members that
    belong to the case, as `allowed_events`.
    """

    def __init__(self, status: int, members: dict[str, Any]) -> None:
        self.status = status
        self.code = str(members.get("code", "unknown"))
        self.title = str(members.get("title", ""))
        self.detail = str(members.get("detail", ""))
        self.retryable = members.get("retryable") is True
        self.instance = str(members.get("instance", ""))
        self.facts = {k: v for k, v in members.items() if k not in _SHARED}
        super().__init__(f"{status} {self.code}: {self.title} {self.detail}".strip())


_SHARED = {"type", "title", "status", "detail", "code", "retryable", "instance"}


class Unreachable(Exception):
    """No answer came; whether the request has arrived, nobody knows."""


def problem_of(answer: httpx.Response) -> Problem:
    """What an answer refuses; one that is no problem of the service comes from something between."""
    try:
        members = answer.json()
    except ValueError:
        members = None
    if not isinstance(members, dict):
        members = {"title": answer.text[:200], "retryable": "retry-after" in answer.headers}
    return Problem(answer.status_code, members)
