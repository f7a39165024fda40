"""What somebody tries with client assertions: forged, foreign, stale and repeated ones, and guesses."""

import io
import json
from dataclasses import replace
from functools import partial

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding import public_keys
from onboarding.db import reading, transaction
from onboarding.errors import Invalid
from onboarding.models import Secret, UsedAssertion
from onboarding.sealing import Keyring
from onboarding.web.quotas import BAD_KEYS
from tests import builders
from tests.noting import count_statements
from tests.racing import race
from tests.threats.forged_assertions import DEFECTS, EVIL
from tests.threats.test_tokens import said, told
from tests.web.calling import System, expect, in_one_moment, served
from tests.web.presenting import GRANT, TOKEN, a_caller, basic, wrong
from tests.web.secret_walk import count
from tests.web.signing_clients import a_key, a_signer, bring, public

__all__ = ["said"]


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return in_one_moment(served(ring))


def test_t10_t31_no_defect_gets_a_token(app: FastAPI) -> None:
    """Each is refused with the words that every wrong client hears, and the good one still passes."""
    signer = a_signer(app)
    unlike = {}
    caller = a_caller(app)
    expected = told(replace(caller, secret=wrong(caller.secret)).ask())
    for number, (name, forge) in enumerate(DEFECTS.items()):
        one = replace(signer, address=f"10.{number}.0.1")
        in_one_moment(app)
        answer = told(one.ask(forge(signer)))
        if answer != expected:
            unlike[name] = answer
    assert unlike == {}
    assert expected[0] == 401
    assert count(UsedAssertion) == 0
    expect(signer.ask(), 200)


def test_headers_that_lead_elsewhere_are_not_looked_at(app: FastAPI) -> None:
    """Under the right signature they do no harm: nothing is fetched, and the key is the registered one."""
    signer = a_signer(app)
    led = {"kid": "any", "jku": f"{EVIL}/jwks", "x5u": f"{EVIL}/x5u", "x5t": "abc"}
    expect(signer.ask(signer.sign(led)), 200)


@pytest.mark.parametrize("kind", ["EC", "OKP", "RSA"])
def test_t31_an_assertion_counts_once(app: FastAPI, ring: Keyring, kind: str) -> None:
    """Also in another process, and for whatever it is sent again."""
    signer = a_signer(app, kind=kind)
    assertion = signer.sign()
    expect(signer.ask(assertion), 200)
    assert expect(signer.ask(assertion), 401)["error"] == "invalid_client"
    elsewhere = replace(signer, app=served(ring))
    assert elsewhere.ask(assertion).status_code == 401
    assert elsewhere.post("/oauth2/introspect", {"token": "x"}, assertion).status_code == 401
    expect(elsewhere.ask(), 200)


def test_t31_of_those_that_send_it_at_once_one_gets_a_token(app: FastAPI) -> None:
    signer = a_signer(app)
    assertion = signer.sign()
    answers = race(*[lambda: signer.ask(assertion).status_code] * 8)
    assert (answers.count(200), answers.count(401)) == (1, 7)


def test_two_clients_may_use_the_same_jti(app: FastAPI) -> None:
    one, other = a_signer(app), a_signer(app)
    for signer in (one, other):
        expect(signer.ask(signer.sign(jti="1")), 200)


def test_t31_the_key_of_one_client_is_worth_nothing_for_another(app: FastAPI) -> None:
    one, other = a_signer(app), a_signer(app)
    assert one.ask(replace(other, key=one.key).sign()).status_code == 401
    assert one.ask(one.sign(), client_id=other.client_id).status_code == 401
    expect(one.ask(one.sign(), client_id=one.client_id), 200)


def test_t05_clients_cannot_be_enumerated(app: FastAPI, database: Engine) -> None:
    """Unknown, revoked, with a secret, and known with a wrong key: one answer, and the same statements."""
    known, revoked, with_secret = a_signer(app), a_signer(app), a_caller(app)
    builders.fire(revoked.id, "cancel")
    stranger = replace(known, key=a_key())
    attempts = [
        stranger,
        replace(stranger, client_id="cid_" + "0" * 22),
        replace(stranger, client_id="nonsense"),
        replace(stranger, client_id="no client ID"),
        replace(stranger, client_id=with_secret.client_id),
        replace(known, key=a_key("RSA"), algorithm="RS256"),
        replace(known, key=a_key("OKP"), algorithm="EdDSA"),
        revoked,
    ]
    sent = count_statements(database)
    answers, counts = [], []
    for each in attempts:
        before = len(sent)
        answers.append(told(each.ask()))
        counts.append(sent[before:])
    assert answers[0][0] == 401
    assert all(each == answers[0] for each in answers)
    assert all(each == counts[0] for each in counts)


def test_t24_guessing_is_turned_away_and_the_owner_is_not(app: FastAPI) -> None:
    owner = a_signer(app)
    guessing = replace(owner, key=a_key(), address="192.0.2.7")
    statuses = [guessing.ask().status_code for _ in range(BAD_KEYS + 5)]
    assert statuses == [401] * BAD_KEYS + [429] * 5
    elsewhere = replace(guessing, address="198.51.100.1")
    assert elsewhere.ask().status_code == 429
    for address in ("192.0.2.7", "198.51.100.1"):
        expect(replace(owner, address=address).ask(), 200)


@pytest.mark.parametrize("both", ["secret in the form", "secret in the header", "bearer"])
def test_one_proof_at_a_time(app: FastAPI, both: str) -> None:
    signer, caller = a_signer(app), a_caller(app)
    form = {"client_assertion": signer.sign(), **GRANT}
    form["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    headers = {}
    if both == "secret in the form":
        form |= {"client_id": caller.client_id, "client_secret": caller.secret}
    elif both == "bearer":
        headers = {"authorization": "Bearer x"}
    else:
        headers = {"authorization": basic(caller.client_id, caller.secret)}
    answer = System(app).send("POST", TOKEN, headers, data=form)
    assert expect(answer, 400)["error"] == "invalid_request"
    expect(signer.ask(form["client_assertion"]), 200)


@pytest.mark.parametrize("kind", ["", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"])
def test_another_kind_of_assertion_is_none(app: FastAPI, kind: str) -> None:
    signer = a_signer(app)
    form = GRANT | {"client_assertion": signer.sign(), "client_assertion_type": kind}
    answer = System(app).send("POST", TOKEN, data={n: v for n, v in form.items() if v})
    assert expect(answer, 401)["error"] == "invalid_client"


def test_why_is_told_to_the_log_alone(app: FastAPI, said: io.StringIO) -> None:
    signer = a_signer(app)
    answer = signer.ask(signer.sign(aud=EVIL))
    assert "audience" not in answer.text
    (line,) = [each for each in said.getvalue().splitlines() if "assertion_refused" in each]
    assert "reason=audience" in line or '"audience"' in line
    assert signer.client_id not in line


def test_no_secret_opens_a_client_with_a_key(app: FastAPI, ring: Keyring) -> None:
    """The one that was made before is destroyed unseen, and so is its hash."""
    walk = builders.a_walk("secret_ready")
    with transaction() as session:
        made = session.query(Secret).one()
        unseen = made.hash
    bring(walk.id, a_key())
    with reading() as session:
        kept = session.query(Secret).one()
        assert kept.hash != unseen
        assert kept.jwk


def test_the_database_holds_public_members_alone(app: FastAPI) -> None:
    for kind in ("EC", "OKP", "RSA"):
        signer = a_signer(app, kind=kind)
        with reading() as session:
            kept = session.get_one(Secret, (signer.client_id, 1))
        members = json.loads(kept.jwk or "")
        assert members.keys() <= {"kty", "crv", "x", "y", "n", "e", "alg"}
        assert kept.hash == public(signer.key).digest


@pytest.mark.parametrize("kind", ["EC", "OKP", "RSA"])
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_private_key_is_refused_and_not_repeated(kind: str, *, wrapped: bool) -> None:
    pair = a_key(kind).as_dict(private=True)
    given = {"keys": [pair]} if wrapped else pair
    text, pem = json.dumps(given), a_key(kind).as_pem(private=True).decode()
    for pasted in (text, text[:-2], pem):
        with pytest.raises(Invalid) as refused:
            public_keys.parse(pasted, "sign")
        assert refused.value.codes == {"jwk": "private_key"}
        assert str(pair["d"]) not in str(refused.value)


def test_t31_an_ended_key_is_refused_at_once(app: FastAPI, ring: Keyring) -> None:
    """Revoked, disabled, or replaced: by every process, and its tokens with it."""
    signer = a_signer(app)
    token = signer.token()
    elsewhere = replace(signer, app=served(ring))
    builders.fire(signer.id, "cancel")
    assert elsewhere.ask().status_code == 401
    whoami = System(app).send("GET", "/v1/whoami", {"authorization": f"Bearer {token}"})
    assert expect(whoami, 401)["code"] == "token_revoked"


def test_a_race_for_the_secret_and_the_key_has_one_winner(database: Engine) -> None:
    """Nobody ever has both: the secret that was shown works, or the key does."""
    for _ in range(5):
        walk = builders.a_walk("secret_ready")
        key = a_key()
        outcomes = race(partial(builders.reveal, walk.id), partial(bring, walk.id, key))
        won = [not isinstance(each, Exception) for each in outcomes]
        assert sorted(won) == [False, True]
        with reading() as session:
            versions = session.query(Secret).all()
        mine = [v for v in versions if v.jwk and v.hash == public(key).digest]
        assert bool(mine) == won[1]
