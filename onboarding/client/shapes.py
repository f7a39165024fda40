"""What the service answers, as far as a caller asks; `json` holds all of it, what is new included."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Onboarding:
    """Where an onboarding stands. Its `sequence` is what If-Match is made of."""

    id: str
    reference: str
    state: str
    sequence: int
    connection_type: str | None
    credential_mode: str | None
    client_id: str | None
    seller_id: str | None
    # Whose turn it is; None: it has ended.
    waiting_on: str | None
    allowed_events: tuple[str, ...]
    json: dict[str, Any] = field(repr=False)
    # What this look is called; a list says its number alone.
    etag: str = field(default="", repr=False, compare=False)
    listed: bool = field(default=False, repr=False, compare=False)

    @property
    def has_ended(self) -> bool:
        return self.waiting_on is None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a history."""

    sequence: int
    event: str
    source: str | None
    target: str
    actor: str
    at: datetime
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Due:
    """One thing that has to happen, and whose turn it is."""

    code: str
    waiting_on: str
    since: datetime | None
    due_at: datetime | None
    help_url: str


@dataclass(frozen=True, slots=True)
class Requirements:
    """What an onboarding waits for."""

    currently_due: tuple[Due, ...]
    past_due: tuple[Due, ...]
    eventually_due: tuple[Due, ...]
    pending_verification: tuple[Due, ...]
    deadline: datetime | None
    blocked_reason: str | None
    alternatives: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RevealedSecret:
    """A client secret, for the only time: save it, then acknowledge it."""

    client_id: str
    version: int
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Event:
    """What has happened, as a CloudEvent."""

    id: str
    type: str
    subject: str
    time: datetime
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class EventPage:
    """A part of the log: keep `next`, and ask from there; at once, where there is `more`."""

    items: tuple[Event, ...]
    next: str
    more: bool


def onboarding(found: dict[str, Any], etag: str = "", *, listed: bool = False) -> Onboarding:
    turn, seller = found["next_move"], found["seller"]
    return Onboarding(
        id=found["id"],
        reference=found["reference"],
        state=found["state"],
        sequence=found["sequence"],
        connection_type=found["connection_type"],
        credential_mode=found["credential_mode"],
        client_id=found["client_id"],
        seller_id=seller["seller_id"] if seller else None,
        waiting_on=turn["whom"] if turn else None,
        allowed_events=tuple(found["allowed_events"]),
        json=found,
        etag=etag or f'"{found["sequence"]}"',
        listed=listed,
    )


def step(found: dict[str, Any]) -> Step:
    names = ("sequence", "event", "source", "target", "actor", "details")
    return Step(at=datetime.fromisoformat(found["at"]), **{name: found[name] for name in names})


def requirements(found: dict[str, Any]) -> Requirements:
    return Requirements(
        currently_due=_due(found["currently_due"]),
        past_due=_due(found["past_due"]),
        eventually_due=_due(found["eventually_due"]),
        pending_verification=_due(found["pending_verification"]),
        deadline=_instant(found["deadline"]),
        blocked_reason=found["blocked_reason"],
        alternatives=tuple(each["event"] for each in found["alternatives"]),
    )


def revealed(found: dict[str, Any]) -> RevealedSecret:
    return RevealedSecret(found["client_id"], found["version"], found["client_secret"])


def event_page(found: dict[str, Any]) -> EventPage:
    return EventPage(tuple(map(event, found["items"])), found["next"], found["more"])


def event(found: dict[str, Any]) -> Event:
    when = datetime.fromisoformat(found["time"])
    data = found.get("data") or {}
    return Event(found["id"], found["type"], found.get("subject", ""), when, data)


def _due(items: list[dict[str, Any]]) -> tuple[Due, ...]:
    return tuple(
        Due(
            code=each["code"],
            waiting_on=each["waiting_on"],
            since=_instant(each["since"]),
            due_at=_instant(each["due_at"]),
            help_url=each["help_url"],
        )
        for each in items
    )


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
