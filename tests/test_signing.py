"""What is delivered is signed as Standard Webhooks say: others' verifiers accept it, and nothing else."""

import base64
import json

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks.webhooks import Webhook as Verifier
from standardwebhooks.webhooks import WebhookVerificationError

from onboarding import db, signing, webhooks
from onboarding.db import transaction
from onboarding.models import Webhook
from tests.builders import keyring
from tests.dumping import dump
from tests.listening import (
    an_endpoint,
    deliver_all,
    keys_of,
    let_pass,
    owner_of,
    started_by,
)
from tests.receiving import Receiver


def test_others_verifiers_accept_what_is_delivered(receiver: Receiver) -> None:
    """T18."""
    mine = an_endpoint(receiver.url, signature="hmac")
    started_by(owner_of(mine))
    deliver_all()
    (sent,), (secret,) = receiver.got, keys_of(mine)
    assert secret.startswith("whsec_")
    Verifier(secret).verify(sent.body, sent.headers)
    event = from_structured_event(HTTPMessage(sent.headers, sent.body))
    assert event.get_id() == sent.id
    assert event.get_type() == "onboarding.started"
    assert event.get_data() == json.loads(sent.body)["data"]
    at = int(sent.headers["webhook-timestamp"])
    changed = (
        (sent.body + b" ", sent.headers),
        (sent.body, sent.headers | {"webhook-id": "evt_other"}),
        (sent.body, sent.headers | {"webhook-timestamp": str(at - 1)}),
        (sent.body, sent.headers | {"webhook-timestamp": str(at - 400)}),
    )
    for body, headers in changed:
        with pytest.raises(WebhookVerificationError):
            Verifier(secret).verify(body, headers)
        assert not signing.is_signed([secret], headers, body)


def test_by_default_it_is_signed_with_a_key_that_only_we_have(receiver: Receiver) -> None:
    mine = an_endpoint(receiver.url)
    started_by(owner_of(mine))
    deliver_all()
    (sent,), (shown,) = receiver.got, keys_of(mine)
    version, _, signature = sent.headers["webhook-signature"].partition(",")
    assert (version, shown[:5]) == ("v1a", "whpk_")
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(shown[5:]))
    content = f"{sent.id}.{sent.headers['webhook-timestamp']}.".encode() + sent.body
    key.verify(base64.b64decode(signature), content)
    assert signing.is_signed([shown], sent.headers, sent.body)
    assert not signing.is_signed([shown], sent.headers, sent.body + b" ")


@pytest.mark.parametrize("signature", ["ed25519", "hmac"])
def test_during_a_rotation_both_keys_sign(receiver: Receiver, signature: str) -> None:
    mine = an_endpoint(receiver.url, signature=signature)
    (before,) = keys_of(mine)
    with transaction() as session:
        webhooks.rotate_key(session, keyring(), session.get_one(Webhook, mine))
    assert keys_of(mine)[1:] == [before]
    started_by(owner_of(mine))
    deliver_all()
    (sent,) = receiver.got
    for key in keys_of(mine):
        assert signing.is_signed([key], sent.headers, sent.body)
    let_pass(signing.BOTH_FOR)
    assert before not in keys_of(mine)
    started_by(owner_of(mine))
    deliver_all()
    assert not signing.is_signed([before], receiver.got[-1].headers, receiver.got[-1].body)


def test_no_key_is_in_the_database(receiver: Receiver) -> None:
    mine = an_endpoint(receiver.url, signature="hmac")
    (secret,) = keys_of(mine)
    kept = repr(dump(db.engine()))
    raw = base64.b64decode(secret[6:])
    assert secret[6:] not in kept
    assert raw.hex() not in kept
    assert repr(raw)[2:-1] not in kept
