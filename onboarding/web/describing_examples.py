"""A body for each request that takes one; a test sends them all."""

from typing import Any, Final

_EVENTS: Final = "/v1/onboardings/{onboarding_id}/events"

# A public key. It is the one of RFC 7515, A.3, so its private half is known: for examples only.
KEY: Final = {
    "kty": "EC",
    "crv": "P-256",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}

# A refusal that names a field; a test has it sent.
INVALID: Final = {
    "type": "/problems/invalid",
    "title": "Something that you entered cannot be used.",
    "status": 422,
    "detail": "Correct what is named and send it again.",
    "code": "invalid",
    "retryable": False,
    "instance": "urn:uuid:01a21e7d-a92b-7485-a14e-8d14551722a3",
    "errors": [
        {
            "field": "contact.email",
            "code": "string_pattern_mismatch",
            "detail": "Send an e-mail address, such as name@example.com.",
            "pointer": "#/contact/email",
        }
    ],
}

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
    ("post", "/v1/onboardings/{onboarding_id}/client/secrets"): {
        "three_days": {"overlap_days": 3},
        "at_once": {"overlap_days": 0},
    },
    ("post", "/v1/onboardings/{onboarding_id}/secret-reveal"): {"encrypted": {"jwk": KEY}},
    ("put", "/v1/onboardings/{onboarding_id}/client/key"): {"p256": {"jwk": KEY}},
    ("patch", "/v1/onboardings/{onboarding_id}"): {"named": {"connection_name": "ERP, new server"}},
    ("put", "/v1/onboardings/{onboarding_id}/developer"): {
        "named": {"email": "dora@dev.example"},
    },
    ("post", "/v1/webhooks"): {
        "of_one_type": {
            "url": "https://hooks.example/onboarding",
            "types": ["onboarding.confirmed"],
            "description": "The portal",
        },
        "least": {"url": "https://hooks.example/onboarding", "signature": "hmac"},
    },
    ("patch", "/v1/webhooks/{webhook_id}"): {
        "elsewhere": {"url": "https://hooks.example/moved"},
        "enabled_again": {"enabled": True},
    },
    ("post", "/v1/webhooks/{webhook_id}/redeliver"): {
        "what_failed": {"failed": True},
        "of_a_time": {"since": "2026-11-27T00:00:00Z", "until": "2026-11-28T00:00:00Z"},
    },
    ("post", "/v1/inbound-events"): {
        "suspended": {
            "specversion": "1.0",
            "id": "evt_4711",
            "source": "https://registry.marketplace.example",
            "type": "aggregator.suspended",
            "subject": "feedwise",
            "time": "2026-11-27T12:00:00Z",
        },
        "registered": {
            "specversion": "1.0",
            "id": "evt_4712",
            "source": "https://registry.marketplace.example",
            "type": "aggregator.registered",
            "subject": "listing-loop",
            "time": "2026-11-27T12:00:00Z",
            "data": {"name": "Listing Loop", "uses_rest": True, "asks_for": "delegated"},
        },
    },
    ("post", "/v1/disclosures"): {
        "found": {
            "source": "https://registry.marketplace.example",
            "candidates": [
                {
                    "token": "mps_live_" + "0" * 49,
                    "url": "https://git.example/shop/blob/main/config.py",
                },
            ],
        },
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
