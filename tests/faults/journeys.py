"""A client that gets to the end of a journey whatever dies on the way: it looks, then does what is next.

It knows no more than the API tells it. After a lost answer it looks again, as a person would reload.
"""

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any
from uuid import UUID, uuid4

import httpx
from sqlalchemy.exc import DBAPIError

from onboarding import db, links
from onboarding.access import Actor
from onboarding.errors import Refusal
from onboarding.walking import CHOICES

SELLER = Actor("seller", "the-seller")
ENDS = frozenset({"confirmed", "credentials_issued", "redirected_to_soap"})


class Journey:
    """One onboarding on its way, and the secrets that its client was ever shown."""

    def __init__(self, http: httpx.Client, key: str, number: int, connection_type: str) -> None:
        self.http, self.number, self.type = http, number, connection_type
        self.headers = {"Authorization": f"Bearer {key}"}
        self.path: str | None = None
        self.shown: list[tuple[int, str]] = []
        # What went wrong last, for whoever reads why a test failed.
        self.trouble: Exception | None = None

    def walk(self, seconds: float, to: Collection[str] = ENDS) -> str:
        """Go on until one of these states, or until the time is over; returns the last state seen."""
        deadline = time.monotonic() + seconds
        state = "nowhere"
        while state not in to and time.monotonic() < deadline:
            try:
                state = self._step(to)
            # The account is linked from here, without the API between: an outage shows as it is.
            except (httpx.HTTPError, Refusal, DBAPIError) as error:
                self.trouble = error
                time.sleep(0.05)
        return state

    @property
    def seen(self) -> list[tuple[UUID, int, str]]:
        """The secrets that its client was shown: onboarding, version, secret."""
        return [(UUID(str(self.path)[-36:]), *each) for each in self.shown]

    def _step(self, to: Collection[str]) -> str:
        """Look where it stands, and do what is next there, unless it is where it should go."""
        if self.path is None:
            self.path = self._begin()
        found = self._send("GET", self.path).json()
        state: str = found.get("state", "nowhere")
        act = None if state in to else self._next().get(state)
        if act:
            act(found)
        elif state not in to:
            time.sleep(0.02)
        return state

    def _next(self) -> Mapping[str, Callable[[dict[str, Any]], object]]:
        return {
            "started": lambda _: self._fire("choose_type", CHOICES[self.type]),
            "type_chosen": lambda _: self._fire("issue_id", {}),
            "secret_ready": lambda _: self._reveal(),
            "secret_revealed": self._acknowledge_or_reissue,
            "secret_lapsed": lambda _: self._fire("reissue_secret", {}),
            "awaiting_seller": self._link,
            "seller_linked": lambda _: self._fire("confirm", {}),
        }

    def _begin(self) -> str:
        body = {"locale": "en", "contact": {"email": f"seller-{self.number}@sample.example"}}
        answer = self._send("POST", "/v1/onboardings", body, {"Idempotency-Key": str(self.number)})
        answer.raise_for_status()
        return str(answer.json()["links"]["self"])

    def _reveal(self) -> None:
        """An answer that does not arrive leaves nothing in hand: the next step reissues."""
        answer = self._send("POST", f"{self.path}/secret-reveal", None, {"If-Match": "*"})
        if answer.is_success:
            found = answer.json()
            self.shown.append((found["version"], found["client_secret"]))

    def _acknowledge_or_reissue(self, found: dict[str, Any]) -> None:
        in_hand = dict(self.shown).get(found["secret"]["version"])
        if in_hand is None:
            self._fire("reissue_secret", {})
        else:
            version = found["secret"]["version"]
            self._fire("acknowledge_secret", {"version": version, "ending": in_hand[-6:]})

    def _link(self, found: dict[str, Any]) -> None:
        """The sign-in has tests of its own; here the account is given."""
        account = links.SellerAccount("issuer", f"seller-{self.number}", "123456", "Example Shop")
        with db.transaction() as session:
            links.link_seller(session, UUID(found["id"]), SELLER, account)

    def _fire(self, event: str, data: Mapping[str, Any]) -> None:
        named = {"Idempotency-Key": str(uuid4()), "If-Match": "*"}
        self._send("POST", f"{self.path}/events", {"event": event, "data": data}, named)

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """A refusal is news like any other: the next look says where it stands."""
        return self.http.request(
            method, path, json=body, headers=self.headers | dict(headers or {}), timeout=10
        )
