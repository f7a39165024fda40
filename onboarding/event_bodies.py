"""An event as other systems get it: one body, whichever way it goes out.

It is structured JSON of CloudEvents 1.0, and has the members of Standard Webhooks 1.0, too. It is
thin: it says what has happened, and leads to whoever may say more. Nothing in it names a person.
"""

import json
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from onboarding import masking
from onboarding.afterwards import AFTERWARDS
from onboarding.chart import EVENT_TYPES
from onboarding.models import Transition

MEDIA_TYPE: Final = "application/cloudevents+json"
# The name under which other systems hear of each event: those of the chart, and those after the end.
TYPE_OF: Final = EVENT_TYPES | {event: each.type for event, each in AFTERWARDS.items()}
TYPES: Final = tuple(TYPE_OF.values())


def source(base_url: str) -> str:
    """Where events of this installation come from; with its ID, an event is unique in the world."""
    return f"{base_url}/v1/onboardings"


def event_id(onboarding_id: UUID, sequence: int) -> str:
    """The same for a transition whenever it is asked for. Standard Webhooks want no full stop in it."""
    return f"evt_{onboarding_id.hex}_{sequence}"


def type_of(transition: Transition) -> str:
    """An event that only another version knows has the name that it would have there, or nearly so."""
    return TYPE_OF.get(transition.event, f"onboarding.{transition.event}")


def body(transition: Transition, reference: str, source: str) -> dict[str, Any]:
    """What has happened to the onboarding of this reference."""
    data = {
        "onboarding_id": str(transition.onboarding_id),
        "reference": reference,
        "sequence": transition.sequence,
        "event": transition.event,
        "from": transition.source,
        "to": transition.target,
        "actor": transition.actor_kind,
        "rule_set": transition.rule_set,
        "details": masking.nameless(transition.details),
    }
    its_id = event_id(transition.onboarding_id, transition.sequence)
    about = {"subject": str(transition.onboarding_id)}
    return envelope(its_id, type_of(transition), transition.at, data, source) | about


def envelope(
    its_id: str, its_type: str, at: datetime, data: dict[str, Any], source: str
) -> dict[str, Any]:
    """What every event has. `timestamp` is for Standard Webhooks what `time` is for CloudEvents."""
    instant = at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "specversion": "1.0",
        "id": its_id,
        "source": source,
        "type": its_type,
        "time": instant,
        "timestamp": instant,
        "datacontenttype": "application/json",
        "data": data,
    }


def encoded(body: dict[str, Any]) -> str:
    """The text that is sent, and signed: nothing in it depends on when."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
