"""private_key_jwt at the token endpoint and keys by the API, as RFC 7523, 7638, 8414 and 7516 have them."""

import time
from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI
from joserfc import jwe
from joserfc.jwk import ECKey
from sqlalchemy import Engine, update

from onboarding import credentials, db, own_keys, replacing, retiring_keys
from onboarding.assertions import LASTS, SKEW
from onboarding.chart import CONNECTION_TYPES
from onboarding.db import reading, transaction
from onboarding.errors import Invalid, NotEligible
from onboarding.invariants import violations
from onboarding.models import SealedSecret, Secret, UsedAssertion
from onboarding.public_keys import SIGNING
from onboarding.sealing import Keyring
from onboarding.settings import settings
from tests import builders
from tests.told import tell
from tests.web.calling import System, a_system, expect, refused, served
from tests.web.presenting import Caller
from tests.web.secret_walk import count
from tests.web.signing_clients import Signer, a_key, a_signer, bring, public
from workers import clock


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return served(ring)


@pytest.fixture
def system(app: FastAPI) -> System:
    return a_system(app)


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("EC", "ES256"),
        ("OKP", "EdDSA"),
        ("OKP", "Ed25519"),
        ("RSA", "RS256"),
        ("RSA", "PS256"),
    ],
)
def test_each_kind_of_key_signs_with_its_algorithm(app: FastAPI, kind: str, says: str) -> None:
    walk, key = builders.a_walk("secret_ready"), a_key(kind)
    bring(walk.id, key, alg=says)
    signer = Signer(app, walk.id, _client(walk.id), key, says)
    body = expect(signer.ask(), 200)
    assert body.keys() == {"access_token", "token_type", "expires_in"}
    whoami = {"authorization": f"Bearer {body['access_token']}"}
    told = expect(System(app).send("GET", "/v1/whoami", whoami), 200)
    assert told["client_id"] == signer.client_id


@pytest.mark.parametrize(("registered", "said"), [("RS256", "PS256"), ("PS256", "RS256")])
def test_the_algorithm_is_the_keys_and_not_the_headers(
    app: FastAPI, registered: str, said: str
) -> None:
    walk, key = builders.a_walk("secret_ready"), a_key("RSA")
    bring(walk.id, key, alg=registered)
    signer = Signer(app, walk.id, _client(walk.id), key, said)
    assert signer.ask().status_code == 401
    expect(replace(signer, algorithm=registered).ask(), 200)


def test_it_may_be_for_the_issuer_or_the_token_endpoint(app: FastAPI) -> None:
    signer, base = a_signer(app), settings().base_url
    for audience in (base, f"{base}/oauth2/token", [base]):
        expect(signer.ask(signer.sign(aud=audience)), 200)


def test_it_may_last_ten_minutes_and_clocks_may_differ_a_little(app: FastAPI) -> None:
    signer, now = a_signer(app), int(time.time())
    for given in (
        {"exp": now + LASTS},
        {"exp": now - SKEW + 5},
        {"iat": now + SKEW - 5},
        {"iat": None},
    ):
        expect(signer.ask(signer.sign(**given)), 200)


def test_it_serves_introspection_and_revocation_too(app: FastAPI) -> None:
    signer = a_signer(app, "confirmed")
    token = signer.token()
    assert expect(signer.post("/oauth2/introspect", {"token": token}), 200)["active"]
    expect(signer.post("/oauth2/revoke", {"token": token}), 200)
    assert not expect(signer.post("/oauth2/introspect", {"token": token}), 200)["active"]


def test_the_metadata_says_so(app: FastAPI) -> None:
    found: Any = expect(System(app).get("/.well-known/oauth-authorization-server"), 200)
    for each in ("token", "introspection", "revocation"):
        assert "private_key_jwt" in found[f"{each}_endpoint_auth_methods_supported"]
        algorithms = found[f"{each}_endpoint_auth_signing_alg_values_supported"]
        assert algorithms == [*SIGNING]
    assert not {"none", "HS256"} & {*algorithms}


def test_the_first_assertion_acknowledges_and_the_rest_goes_on(app: FastAPI) -> None:
    """Through the chart as it stands, with every invariant."""
    signer = a_signer(app)
    signer.token()
    assert signer.state == "awaiting_seller"
    confirmed = a_signer(app, "confirmed")
    expect(confirmed.ask(), 200)
    assert [*violations()] == []


@pytest.mark.parametrize("kind", [k for k in CONNECTION_TYPES if k != "legacy_soap"])
def test_every_type_that_has_a_secret_may_have_a_key(app: FastAPI, kind: str) -> None:
    signer = a_signer(app, connection_type=kind)
    signer.token()
    done = "credentials_issued" if kind == "credentials_only" else "awaiting_seller"
    assert signer.state == done


def test_nobody_acknowledges_a_key_by_typing(app: FastAPI) -> None:
    """Its last characters are no secret."""
    signer = a_signer(app)
    ending = public(signer.key).thumbprint[-6:]
    with pytest.raises(Invalid), transaction() as session:
        credentials.acknowledge(session, signer.id, builders.SELLER, version=1, ending=ending)
    assert signer.state == "secret_revealed"


def test_the_same_key_again_changes_nothing_and_another_is_refused(app: FastAPI) -> None:
    signer = a_signer(app)
    before = builders.the(signer.id).sequence
    assert bring(signer.id, signer.key).sequence == before
    with pytest.raises(Exception, match="reveal_secret"):
        bring(signer.id, a_key())
    expect(signer.ask(), 200)


def test_a_lost_key_is_reissued_like_a_lost_secret(app: FastAPI) -> None:
    signer = a_signer(app)
    builders.fire(signer.id, "reissue_secret")
    assert signer.ask().status_code == 401
    builders.work(signer.id)
    shown = builders.reveal(signer.id)
    secret = shown.secret.get_secret_value()
    expect(Caller(app, signer.id, signer.client_id, secret).ask(), 200)
    assert signer.ask().status_code == 401


def test_a_key_follows_a_key_with_an_overlap(app: FastAPI) -> None:
    old = a_signer(app, connection_type="credentials_only")
    old.token()
    with transaction() as session:
        replacing.ask(session, old.id, builders.SELLER, 3)
    builders.work(old.id)
    new = replace(old, key=a_key("RSA"), algorithm="RS256")
    with transaction() as session:
        own_keys.take_new(session, old.id, public(new.key))
    expect(old.ask(), 200)
    expect(new.ask(), 200)
    expect(old.ask(), 200)
    with transaction() as session:
        replacing.end_old(session, old.id, 1)
    assert old.ask().status_code == 401
    expect(new.ask(), 200)
    assert [*violations()] == []


def test_a_key_waits_for_no_pepper_and_has_no_age(app: FastAPI, ring: Keyring) -> None:
    a_signer(app, connection_type="credentials_only").token()
    with transaction() as session:
        held = retiring_keys.held(session, ring)
        assert all("client secrets" not in each.needed_by for each in held)
        assert session.query(Secret).one().expires_at is None


def test_what_was_used_is_forgotten_once_it_is_over(app: FastAPI) -> None:
    signer = a_signer(app)
    signer.token()
    clock.clean()
    assert count(UsedAssertion) == 1
    with transaction() as session:
        session.execute(update(UsedAssertion).values(expires_at=db.in_seconds(-1)))
    clock.clean()
    assert count(UsedAssertion) == 0


def test_where_another_server_gives_the_tokens_there_are_no_keys(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = builders.a_walk("secret_ready")
    elsewhere = "https://login.example"
    tell(
        monkeypatch,
        {
            "ONBOARDING_AUTHORIZATION_SERVER": "dynamic-registration",
            "ONBOARDING_AUTHORIZATION_SERVER_URL": elsewhere,
            "ONBOARDING_AUTHORIZATION_SERVER_SECRET": "initial-access-token",
            "ONBOARDING_TOKEN_URL": f"{elsewhere}/token",
        },
    )
    with pytest.raises(NotEligible):
        bring(walk.id, a_key())
    assert count(SealedSecret) == 1


def test_a_system_brings_a_key(system: System) -> None:
    onboarding = system.with_secret()
    address = f"/v1/onboardings/{onboarding['id']}/client/key"
    key = a_key()
    body = {"jwk": key.as_dict(private=False)}
    told: Any = expect(system.put(address, body), 200)
    assert told["secrets"][0]["public_key"] == {
        "thumbprint": public(key).thumbprint,
        "alg": "ES256",
        "jwk": public(key).as_jwk(),
    }
    assert expect(system.put(address, body), 200) == told
    refused(system.put(address, {"jwk": a_key().as_dict(private=False)}), 409, "event_not_allowed")
    steps: Any = expect(system.get(f"/v1/onboardings/{onboarding['id']}/history"), 200)
    assert steps["items"][-1]["details"] == {"credential": "public_key"}
    signer = Signer(system.app, onboarding["id"], told["client_id"], key)  # type: ignore[arg-type]
    expect(signer.ask(), 200)


def test_a_system_that_sends_a_private_key_is_told_and_nothing_is_repeated(
    system: System,
) -> None:
    onboarding = system.with_secret()
    private = a_key().as_dict(private=True)
    for method, path in (("PUT", "client/key"), ("POST", "secret-reveal")):
        sent = {"if_match": "*", "content_type": "application/json"}
        address = f"/v1/onboardings/{onboarding['id']}/{path}"
        answer = system.send(method, address, sent, json={"jwk": private})
        problem = refused(answer, 422, "invalid")
        assert problem["errors"][0]["code"] == "private_key"
        assert problem["errors"][0]["pointer"] == "#/jwk"
        assert str(private["d"]) not in answer.text
    assert count(SealedSecret) == 1


@pytest.mark.parametrize(
    ("kind", "says"),
    [("EC", "ECDH-ES+A256KW"), ("EC", "ECDH-ES"), ("RSA", "RSA-OAEP-256")],
)
def test_a_system_has_the_secret_encrypted(system: System, kind: str, says: str) -> None:
    onboarding, key = system.with_secret(), a_key(kind)
    address = onboarding["links"]["secret_reveal"]
    body = {"jwk": key.as_dict(private=False) | {"alg": says}}
    shown: Any = expect(system.post(address, body), 200)
    sealed = jwe.decrypt_compact(shown["client_secret"], key, algorithms=[says, "A256GCM"])
    secret = (sealed.plaintext or b"").decode()
    assert sealed.headers() == sealed.headers() | {"alg": says, "enc": "A256GCM"}
    assert sealed.headers()["kid"] == public(key).thumbprint
    assert shown["ending"] == ""
    assert system.post(address, body).status_code == 409
    system.fire(onboarding, "acknowledge_secret", version=1, ending=secret[-6:])
    client = Caller(system.app, onboarding["id"], shown["client_id"], secret)  # type: ignore[arg-type]
    expect(client.ask(), 200)


@pytest.mark.parametrize(
    "jwk",
    [
        {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        {"kty": "EC"},
        {},
        {"kty": ["EC"]},
        {"kty": "EC", "crv": "P-256", "x": 1, "y": 2},
    ],
    ids=["Ed25519", "no point", "nothing", "a list", "numbers"],
)
def test_a_key_that_cannot_encrypt_takes_nothing_out(system: System, jwk: Any) -> None:
    onboarding = system.with_secret()
    answer = system.post(onboarding["links"]["secret_reveal"], {"jwk": jwk})
    assert refused(answer, 422, "invalid")["errors"][0]["field"] == "jwk"
    assert count(SealedSecret) == 1


def test_a_key_says_what_it_is_for(system: System) -> None:
    onboarding = system.with_secret()
    jwk = ECKey.generate_key("P-256").as_dict(private=False)
    for use, path in (("enc", "client/key"), ("sig", "secret-reveal")):
        address = f"/v1/onboardings/{onboarding['id']}/{path}"
        send = system.put if use == "enc" else system.post
        problem = refused(send(address, {"jwk": jwk | {"use": use}}), 422, "invalid")
        assert problem["errors"][0]["code"] == "wrong_use"


def _client(onboarding_id: Any) -> str:
    with reading() as session:
        client = credentials.live_client(session, onboarding_id)
        assert client is not None
        return client.id
