"""The body of an event, one shape for each that a calling system may fire: what its data holds."""

from typing import Any, Final

from onboarding import events
from onboarding.chart import CONNECTION_TYPES, CREDENTIAL_MODES, MAY_FIRE
from onboarding.names import CONNECTION_AT_MOST

Shape = dict[str, Any]

# Its answer holds a secret, so it has an address of its own.
_ELSEWHERE: Final = "reveal_secret"
_LINE: Final = r"^[^\x00-\x1f\x7f-\x9f\xad]+$"
_FIELDS: Final[dict[str, Shape]] = {
    "connection_type": {"enum": [*(t for t in CONNECTION_TYPES if t != "aggregator")]},
    "connection_name": {"type": "string", "maxLength": CONNECTION_AT_MOST, "pattern": _LINE},
    "version": {"type": "integer", "minimum": 1, "maximum": 9999},
    "ending": {"type": "string", "minLength": 6, "maxLength": 6, "pattern": "^[0-9A-Za-z]{6}$"},
}
_AGGREGATOR: Final[dict[str, Shape]] = {
    "connection_type": {"const": "aggregator"},
    "credential_mode": {"enum": [*CREDENTIAL_MODES]},
    "aggregator": {
        "type": "string",
        "maxLength": 120,
        "pattern": "^[0-9A-Za-z]",
        "description": "Its ID or its name; one that we do not know is kept as it was typed.",
    },
}


def bodies() -> Shape:
    """The shape of an event's body, by event."""
    ours = [e for e, whom in MAY_FIRE.items() if "api" in whom and e != _ELSEWHERE]
    return {
        "title": "NewEvent",
        "description": "An event to be fired; what `data` takes depends on the event.",
        "oneOf": [
            _body("choose_type_aggregator", "choose_type", _AGGREGATOR, [*_AGGREGATOR]),
            *(_body(e, e, *_data(e)) for e in ours),
        ],
    }


def _data(event: str) -> tuple[dict[str, Shape], list[str]]:
    takes, needs = events.fields(event)
    return {name: _FIELDS[name] for name in takes if name in _FIELDS}, [*needs]


def _body(title: str, event: str, fields: dict[str, Shape], needed: list[str]) -> Shape:
    data = {
        "type": "object",
        "properties": fields,
        "required": needed,
        "additionalProperties": False,
    }
    return {
        "title": title,
        "type": "object",
        "properties": {"event": {"const": event}, "data": data},
        "required": ["event", "data"] if needed else ["event"],
        "additionalProperties": False,
    }
