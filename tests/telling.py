"""Sources for tests, and what they tell: signed as Standard Webhooks say, over HTTP or to the product itself."""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select

from onboarding import db, inbound, signing, sources
from onboarding.db import reading, transaction
from onboarding.inbound import Told
from onboarding.models import Aggregator, InboundEvent
from onboarding.signing import Key
from tests import builders
from tests.web.calling import System
from workers.inbound import Offers

REGISTRY: Final = "https://registry.example"
NOON: Final = datetime(2026, 11, 1, 12, tzinfo=UTC)
ENTRY: Final = {"name": "New Tool", "uses_rest": True, "asks_for": "delegated"}


def a_source(name: str = REGISTRY, key: Key | None = None) -> Key:
    """A source, by its own key or by one that is made; what it signs by."""
    with transaction() as session:
        public = key.shown if key else None
        shown = sources.add(session, builders.keyring(), name, public)
    return key or as_key(shown)


def as_key(shown: str) -> Key:
    """A secret as it was told, as something that signs."""
    return Key("hmac", base64.b64decode(shown.removeprefix("whsec_")))


def an_ed25519_key() -> Key:
    return Key("ed25519", Ed25519PrivateKey.generate().private_bytes_raw())


@dataclass(frozen=True)
class Event:
    """One thing to tell, `minute` minutes after noon."""

    type: str
    subject: str
    minute: int = 0
    data: Any = None
    id: str = ""
    source: str = REGISTRY

    @property
    def its_id(self) -> str:
        return self.id or f"{self.type}-{self.subject}-{self.minute}"

    @property
    def time(self) -> datetime:
        return NOON + timedelta(minutes=self.minute)

    @property
    def body(self) -> bytes:
        said = {
            "specversion": "1.0",
            "id": self.its_id,
            "source": self.source,
            "type": self.type,
            "subject": self.subject,
            "time": self.time.isoformat(),
        }
        return json.dumps(said | ({"data": self.data} if self.data is not None else {})).encode()

    @property
    def told(self) -> Told:
        """As the product itself is told."""
        return Told(
            self.source, self.its_id, self.type, self.subject, self.time, self.body.decode()
        )


def tell(event: Event) -> str:
    """To the product itself; what became of it."""
    with transaction() as session:
        return inbound.receive(session, builders.keyring(), event.told)[0].status


def post(
    system: System,
    event: Event,
    *keys: Key,
    at: int | None = None,
    changed: dict[str, str] | None = None,
) -> httpx.Response:
    """Over HTTP, signed now by these keys, unless a header says something else."""
    made = signing.headers(keys, event.its_id, event.body, at or now())
    sent = {"content-type": "application/cloudevents+json"} | made | (changed or {})
    return system.send("POST", "/v1/inbound-events", sent, content=event.body)


def now() -> int:
    """The database's clock, in seconds."""
    with reading() as session:
        return int(db.clock(session).timestamp())


def told() -> list[tuple[str, str]]:
    """Type and status of all that was told, by time."""
    with reading() as session:
        found = session.scalars(select(InboundEvent).order_by(InboundEvent.time))
        return [(each.type, each.status) for each in found]


def an_aggregator() -> None:
    """As a program writes one that knows of no events: nobody is told."""
    with transaction() as session:
        facts = {"status": "registered", "uses_rest": True, "asks_for": "delegated"}
        row = Aggregator(id="feedwise", name="Feedwise", folded_name="feedwise", **facts)
        session.add(row)


def an_early_event() -> None:
    """One that was parked, whose subject has come since, and that is offered again."""
    a_source()
    assert tell(Event("aggregator.suspended", "feedwise", 1)) == "parked"
    an_aggregator()
    assert Offers().promise().done == 1
