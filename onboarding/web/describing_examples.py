"""A body for each request that takes one; a test sends them all."""

from typing import Any, Final

_EVENTS: Final = "/v1/onboardings/{onboarding_id}/events"

# Method and path → name → body.
EXAMPLES: Final[dict[tuple[str, str], dict[str, Any]]] = {
    ("post", "/v1/onboardings"): {
        "with_contact": {
            "locale": "en",
            "contact": {"email": "dev@shop.example"},
            "connection_name": "Corner Shop sync",
        },
        "least": {"locale": "fr"},
    },
    ("post", _EVENTS): {
        "choose_plugin": {"event": "choose_type", "data": {"connection_type": "plugin"}},
        "choose_aggregator": {
            "event": "choose_type",
            "data": {
                "connection_type": "aggregator",
                "credential_mode": "delegated",
                "aggregator": "feedwise",
            },
        },
        "issue_id": {"event": "issue_id", "data": {"connection_name": "Corner Shop sync"}},
        "cancel": {"event": "cancel"},
    },
    ("put", "/v1/aggregators/{aggregator_id}"): {
        "registered": {
            "name": "Feedwise",
            "status": "registered",
            "uses_rest": True,
            "asks_for": "delegated",
        },
    },
}
