"""A row that is in order for each table."""

from datetime import UTC, datetime
from typing import Any

from onboarding.db import new_id

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ID = new_id()
HASH = bytes(32)

# For each table a row that is in order; rows of one key refer to each other.
GOOD: dict[str, dict[str, Any]] = {
    "aggregators": {
        "id": "feedwise",
        "name": "Feedwise",
        "folded_name": "feedwise",
        "status": "registered",
        "uses_rest": True,
        "asks_for": "delegated",
    },
    "api_keys": {"id": ID, "name": "plugin", "hash": HASH, "scopes": []},
    "onboardings": {
        "id": ID,
        "reference": "ONB-00000-00000",
        "state": "started",
        "sequence": 1,
        "rule_set": "tests",
        "locale": "en",
        "answers": {},
        "reminders": 0,
        "start_key": "form-1",
    },
    "transitions": {
        "onboarding_id": ID,
        "sequence": 1,
        "event": "start",
        "target": "started",
        "actor_kind": "seller",
        "actor_id": "browser",
        "at": NOW,
        "rule_set": "tests",
        "details": {},
    },
    "messages": {
        "id": ID,
        "task": "send_email",
        "about": {},
        "due_at": NOW,
        "attempts": 0,
        "max_attempts": 8,
    },
    "clients": {"id": "cid_1", "onboarding_id": ID},
    "secrets": {
        "client_id": "cid_1",
        "version": 1,
        "hash": HASH,
        "pepper_id": "2026",
        "ending": "abcdef",
    },
    "sealed_secrets": {
        "client_id": "cid_1",
        "version": 1,
        "key_id": "2026",
        "ciphertext": b"sealed",
    },
    "links": {
        "id": ID,
        "onboarding_id": ID,
        "client_id": "cid_1",
        "seller_id": "S-1",
        "shop_name": "Corner Shop",
        "issuer": "https://portal.example",
        "subject": "1",
    },
    "mails": {"id": ID, "onboarding_id": ID, "notice": "confirmed", "locale": "en"},
    "browser_sessions": {"id": ID, "token_hash": HASH, "accounts": {}},
    "grants": {"session_id": ID, "onboarding_id": ID},
    "contact_codes": {"id": ID, "onboarding_id": ID, "email": "a@b.example", "attempts": 0},
    "resume_links": {"id": ID, "onboarding_id": ID},
    "unproved_letters": {"id": ID, "address_hash": HASH},
    "pending_sign_ins": {
        "state": "s",
        "session_id": ID,
        "nonce": "n",
        "verifier": "v",
        "signed_in_after": "",
        "locale": "en",
    },
    "canaries": {"id": 1, "sent_at": NOW},
    "operators": {"id": ID, "issuer": "iss", "subject": "1", "name": "Mara", "role": "lead"},
    "operator_sessions": {"id": ID, "token_hash": HASH, "operator_id": ID},
    "audit": {
        "number": 1,
        "at": NOW,
        "actor": "operator:1",
        "action": "cancel",
        "reason": "a duplicate",
        "outcome": "done",
        "details": {},
        "preview_id": ID,
        "pepper_id": "2026",
        "seal": HASH,
    },
    "audit_head": {"id": 1, "number": 1, "seal": HASH, "pepper_id": "2026", "mark": HASH},
    "notes": {"id": ID, "onboarding_id": ID, "author": "operator:1", "text": "They know."},
    "assignments": {"onboarding_id": ID, "operator_id": ID},
    "saved_views": {
        "id": ID,
        "owner_id": ID,
        "name": "Ours",
        "query": "waiting_on=platform",
        "shared": True,
    },
    "cause_marks": {"task": "send_email", "code": "busy", "status": "open", "marked_at": NOW},
    "key_checks": {"key_id": "pepper.2026", "value": HASH},
}
