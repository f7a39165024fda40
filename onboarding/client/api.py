"""The API, call by call. Each sends what makes it safe: an Idempotency-Key, and what was seen last."""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlencode

import httpx

from onboarding.client import shapes
from onboarding.client.sending import Request, Sender
from onboarding.client.shapes import (
    Event,
    EventPage,
    Onboarding,
    Requirements,
    RevealedSecret,
    Step,
)

_PATH = "/v1/onboardings"
# No onboarding has this ID.
_NO_ID = "-"


class Client:
    """The service at an address, for a calling system with a key.

    Every call raises Problem where the service refuses, and Unreachable where no answer comes. Calls
    are repeated after a lost connection, and after 429 and 503 once their Retry-After is over, but for
    `reveal_secret`: a secret that got lost on the way is reissued, not shown again.
    """

    def __init__(
        self,
        base_url: str,
        key: str,
        *,
        http: httpx.Client | None = None,
        tries: int = 4,
        rest: Callable[[float], object] = time.sleep,
    ) -> None:
        self._own = None if http else httpx.Client()
        self._sender = Sender(
            http or self._own or httpx.Client(), base_url.rstrip("/"), key, tries, rest
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up; a connection pool that was handed over stays open."""
        if self._own:
            self._own.close()

    def start(
        self,
        *,
        locale: str = "en",
        email: str | None = None,
        connection_name: str | None = None,
        idempotency_key: str | None = None,
    ) -> Onboarding:
        """Start one. The same `idempotency_key` gives the same one, also in another process."""
        given = {
            "contact": {"email": email} if email else None,
            "connection_name": connection_name,
        }
        body = {"locale": locale} | {name: value for name, value in given.items() if value}
        return self._onboarding(_post(_PATH, body, key=idempotency_key))

    def show(self, onboarding_id: str) -> Onboarding:
        """Where one stands now."""
        return self._onboarding(Request("GET", _path(onboarding_id)))

    def list(self, **wanted: str) -> Iterator[Onboarding]:
        """All of your own that are wanted, page by page: `state=…`, `overdue="yes"`, `q=…`."""
        query = f"?{urlencode(wanted)}" if wanted else ""
        found = self._pages(_PATH + query)
        return (shapes.onboarding(each, listed=True) for each in found)

    def fire(
        self,
        seen: Onboarding,
        event: str,
        data: Mapping[str, object] | None = None,
        *,
        wait: int = 0,
    ) -> Onboarding:
        """Move one on from where it was seen; `wait` so many seconds for the platform's move.

        Raises Problem where it has moved on since (`stale`): look at it again first.
        """
        body = {"event": event, "data": dict(data or {})}
        request = _post(_path(seen.id, "/events"), body, seen=seen, wait=wait)
        return self._onboarding(request)

    def wait(self, seen: Onboarding, seconds: int = 20) -> Onboarding:
        """The same one once it has moved on from where it was seen, or as it was when time is up."""
        if seen.listed:
            now = self.show(seen.id)
            if now.sequence != seen.sequence:
                return now
            seen = now
        headers = {"If-None-Match": seen.etag, "Prefer": f"wait={seconds}"}
        request = Request("GET", _path(seen.id), headers=headers, waits=seconds)
        answer = self._sender.send(request)
        if answer.status_code == httpx.codes.NOT_MODIFIED:
            return seen
        return _onboarding_of(answer)

    def reveal_secret(self, seen: Onboarding) -> RevealedSecret:
        """The client secret, once. It is never asked for a second time, whatever happens."""
        path, headers = _path(seen.id, "/secret-reveal"), {"If-Match": seen.etag}
        return shapes.revealed(
            self._sender.json(Request("POST", path, repeatable=False, headers=headers))
        )

    def acknowledge(self, onboarding_id: str, secret: RevealedSecret) -> Onboarding:
        """Say that the secret is saved; until then it may be reissued and does not count."""
        data = {"version": secret.version, "ending": secret.client_secret[-6:]}
        return self.fire(self.show(onboarding_id), "acknowledge_secret", data)

    def continue_link(self, onboarding_id: str) -> str:
        """An address for the seller's browser to go on at. It works once."""
        return str(self._sender.json(_post(_path(onboarding_id, "/continue-links")))["url"])

    def history(self, onboarding_id: str) -> tuple[Step, ...]:
        """Every step, from the first."""
        found = self._sender.json(Request("GET", _path(onboarding_id, "/history")))
        return tuple(map(shapes.step, found["items"]))

    def requirements(self, onboarding_id: str) -> Requirements:
        """What is due, from whom, and until when."""
        found = self._sender.json(Request("GET", _path(onboarding_id, "/requirements")))
        return shapes.requirements(found)

    def events(self, **wanted: str | Sequence[str]) -> Iterator[Event]:
        """What has happened to your own, in order, up to now: `after=…`, `type=["…"]`."""
        more = True
        while more:
            page = self.event_page(**wanted)
            yield from page.items
            more, wanted = page.more, wanted | {"after": page.next}

    def event_page(self, **wanted: str | Sequence[str]) -> EventPage:
        """A part of the same, and from where to go on another time."""
        path = f"/v1/events?{urlencode(wanted, doseq=True)}"
        return shapes.event_page(self._sender.json(Request("GET", path)))

    def _onboarding(self, request: Request) -> Onboarding:
        return _onboarding_of(self._sender.send(request))

    def _pages(self, path: str) -> Iterator[dict[str, Any]]:
        following: str | None = path
        while following:
            page = self._sender.json(Request("GET", following))
            yield from page["items"]
            following = page["next"]


def _path(onboarding_id: str, rest: str = "") -> str:
    """Where one is. Whatever an ID holds, it leads to no other address.

    Nothing and dots would lead to the list or up, and every server between may read them so.
    """
    part = quote(onboarding_id, safe="") if onboarding_id.strip(".") else _NO_ID
    return f"{_PATH}/{part}{rest}"


def _post(
    path: str,
    body: Mapping[str, object] | None = None,
    *,
    key: str | None = None,
    seen: Onboarding | None = None,
    wait: int = 0,
) -> Request:
    """A request that is done once, however often it arrives."""
    headers = {"Idempotency-Key": key or str(uuid.uuid4())}
    if seen:
        headers["If-Match"] = seen.etag
    if wait:
        headers["Prefer"] = f"wait={wait}"
    return Request("POST", path, body=body, headers=headers, waits=wait)


def _onboarding_of(answer: httpx.Response) -> Onboarding:
    return shapes.onboarding(answer.json(), answer.headers.get("etag", ""))
