"""Callers of the API who reach the end of their journey whatever dies under them.

A visitor's memory is a file, because the process that serves it may be killed at any moment: what an
answer brought is in the file, what was on its way is not. Visitors call the API's own handlers, so
the way over the wire is not in here; `journeys.py` has it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

from fastapi import Request, Response
from sqlalchemy import select

from onboarding import credentials, links
from onboarding.access import Actor
from onboarding.db import reading, transaction
from onboarding.errors import TooMany
from onboarding.models import ApiKey, Onboarding
from onboarding.sealing import Keyring
from onboarding.walking import CHOICES
from onboarding.web import api_inbound
from onboarding.web import api_onboardings as api
from onboarding.web.api_once import Asked
from onboarding.web.inbound_schemas import InboundBody
from onboarding.web.schemas import Contact, NewEvent, NewOnboarding, OnboardingView
from tests.builders import age
from tests.faults.place import SOURCE
from tests.telling import ENTRY, Event

SELLER = Actor("seller", "the-seller")
OPERATOR = Actor("operator", "the-operator", "the answer with the secret got lost too often")


@dataclass(frozen=True)
class Plan:
    """Where somebody wants to go, and what happens to them on the way, by state."""

    type: str
    end: str = "confirmed"
    absent: tuple[str, timedelta] | None = None
    cancels_in: str | None = None


DAY = timedelta(days=1)
PLANS = (
    Plan("aggregator"),
    Plan("plugin"),
    Plan("own_development", absent=("secret_ready", timedelta(hours=25))),
    Plan("legacy_soap", "redirected_to_soap"),
    Plan("credentials_only", "credentials_issued", absent=("secret_revealed", 2 * DAY)),
    Plan("plugin", "cancelled", cancels_in="seller_linked"),
    Plan("own_development", "expired", absent=("awaiting_seller", 31 * DAY)),
)


class Visitor:
    """One journey, and the file with all that its caller knows."""

    def __init__(self, file: Path, key: ApiKey, ring: Keyring) -> None:
        self.file, self.key = file, key
        self.request = cast(
            "Request", SimpleNamespace(app=SimpleNamespace(state=SimpleNamespace(ring=ring)))
        )
        self.plan = PLANS[int(file.name.rpartition("-")[2], 16) % len(PLANS)]
        self.id: UUID | None = None
        self.shown: list[tuple[int, str]] = []
        self.was_absent = self.has_told = False
        for line in file.read_text().splitlines():
            self._remember(*line.split())

    @classmethod
    def new(
        cls, folder: Path, slot: int, key: ApiKey, ring: Keyring, number: int | None = None
    ) -> "Visitor":
        """Somebody who has decided to come, which is all that is known of them yet."""
        file = folder / f"{slot}-{uuid4().int if number is None else number:032x}"
        file.touch()
        return cls(file, key, ring)

    def step(self, state: str) -> bool:
        """Do what is next in this state; False: it is not this one's turn. Raises Refusal."""
        act = self._act(state)
        if act is not None:
            act()
        return act is not None

    @property
    def tool(self) -> str:
        """The aggregator that the marketplace has registered for this one."""
        return f"tool-{self._name}"

    @property
    def _name(self) -> str:
        return self.file.name.partition("-")[2]

    def tell(self) -> None:
        """Say so, as the marketplace; who got no answer says it again."""
        entry = ENTRY | {"name": self.tool}
        event = Event("aggregator.registered", self.tool, data=entry, source=SOURCE)
        said = InboundBody.model_validate_json(event.body)
        answer = api_inbound.receive(said, event.body, self.request, Response(), event.its_id)
        assert answer.status == "applied"
        self._note("told")

    def begin(self) -> None:
        """Start the onboarding; a caller who got no answer sends the same again."""
        body = NewOnboarding(locale="en", contact=Contact(email=f"{self._name}@sample.example"))
        asked = Asked("POST", "/v1/onboardings", self._name, b"")
        self._note("id", json.loads(bytes(api.start(body, self.key, asked).body))["id"])

    def _act(self, state: str) -> Callable[[], object] | None:
        if state == self.plan.cancels_in:
            return lambda: self._fire("cancel")
        if self.plan.absent and state == self.plan.absent[0] and not self.was_absent:
            return self._stay_away
        if state == "expired" or (self.was_absent and self.plan.end == "expired"):
            return None
        acts: Mapping[str, Callable[[], object]] = {
            "started": lambda: self._fire("choose_type", **CHOICES[self.plan.type]),
            "type_chosen": lambda: self._fire("issue_id"),
            "secret_ready": self._reveal,
            "secret_revealed": self._acknowledge_or_reissue,
            "secret_lapsed": self._reissue,
            "awaiting_seller": self._link,
            "seller_linked": lambda: self._fire("confirm"),
        }
        return acts.get(state)

    def _stay_away(self) -> None:
        """For as long as the plan says, in one instant. A killed visitor may stay away twice."""
        assert self.id is not None
        assert self.plan.absent is not None
        age(self.id, self.plan.absent[1])
        self._note("absent")

    def _reveal(self) -> None:
        """What is noted here has arrived; an answer that got lost on the way is not noted."""
        answer = api.reveal_secret(str(self.id), self.key, self.request, None)
        self._note("shown", str(answer.version), answer.client_secret)

    def _acknowledge_or_reissue(self) -> None:
        look = api.show(str(self.id), self.key, Response())
        assert isinstance(look, OnboardingView)
        shown = look.secret
        if shown is None or shown.version not in dict(self.shown):
            self._reissue()
        else:
            ending = dict(self.shown)[shown.version][-6:]
            self._fire("acknowledge_secret", version=shown.version, ending=ending)

    def _reissue(self) -> None:
        """After three in a day it takes an operator."""
        try:
            self._fire("reissue_secret")
        except TooMany:
            assert self.id is not None
            with transaction() as session:
                credentials.reissue(session, self.id, OPERATOR)

    def _link(self) -> None:
        """The sign-in has tests of its own; here the account is given."""
        assert self.id is not None
        account = links.SellerAccount("issuer", self.id.hex, "123456", "Example Shop")
        with transaction() as session:
            links.link_seller(session, self.id, SELLER, account)

    def _fire(self, event: str, **data: Any) -> None:
        asked = Asked("POST", f"/v1/onboardings/{self.id}/events", uuid4().hex, b"")
        api.fire(str(self.id), NewEvent(event=event, data=data), self.key, asked, None)

    def _note(self, *words: str) -> None:
        """Into the file first: what is only in this process dies with it."""
        with self.file.open("a") as file:
            file.write(" ".join(words) + "\n")
        self._remember(*words)

    def _remember(self, what: str, *words: str) -> None:
        if what == "id":
            self.id = UUID(words[0])
        elif what == "shown":
            self.shown.append((int(words[0]), words[1]))
        elif what == "told":
            self.has_told = True
        else:
            self.was_absent = True


def states_of(visitors: list[Visitor]) -> dict[UUID, str]:
    """Where all of them stand, in one look."""
    ids = [visitor.id for visitor in visitors if visitor.id]
    with reading() as session:
        rows = session.execute(
            select(Onboarding.id, Onboarding.state).where(Onboarding.id.in_(ids))
        )
        return {row.id: row.state for row in rows}
