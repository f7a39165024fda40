"""The token endpoint and what becomes of its tokens, as RFC 6749, 7009, 7662, 8414 and 9068 have them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote_plus

import pytest
from fastapi import FastAPI
from joserfc import jwt
from joserfc.jwk import KeySet
from sqlalchemy import Engine, select, update

from onboarding import access, db
from onboarding.db import reading, transaction
from onboarding.models import RevokedToken, Secret
from onboarding.sealing import Keyring
from onboarding.settings import settings
from onboarding.web.quotas import Quotas
from tests import builders
from tests.web.calling import System, a_system, expect, served
from tests.web.presenting import GRANT, TOKEN, Caller, a_caller, basic, wrong
from tests.web.standing_still import Now
from workers import clock


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return served(ring)


@pytest.fixture
def caller(app: FastAPI) -> Caller:
    return a_caller(app)


def refusal(answer: Any, status: int, error: str) -> dict[str, Any]:
    """The members of an OAuth error, once what all of them share has been checked."""
    body = expect(answer, status)
    assert body["error"] == error
    assert body["error_description"]
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    return body


def test_a_client_gets_a_token_in_either_way(caller: Caller) -> None:
    in_the_form = {"client_id": caller.client_id, "client_secret": caller.secret}
    ways = [
        caller.ask(),
        System(caller.app).send("POST", TOKEN, data=GRANT | in_the_form),
        caller.ask(client_id=caller.client_id),
        caller.post(TOKEN, GRANT, authorization=basic(caller.client_id, quote_plus(caller.secret))),
    ]
    for answer in ways:
        body = expect(answer, 200)
        assert body.keys() == {"access_token", "token_type", "expires_in"}
        assert (body["token_type"], body["expires_in"]) == ("Bearer", 900)
        assert answer.headers["cache-control"] == "no-store"


def test_a_token_is_one_of_rfc_9068_and_its_key_is_published(caller: Caller) -> None:
    token = caller.token()
    published: Any = expect(System(caller.app).get("/oauth2/jwks"), 200)
    assert all("d" not in key for key in published["keys"])
    read = jwt.decode(token, KeySet.import_key_set(published), algorithms=["ES256"])
    assert read.header == {"alg": "ES256", "typ": "at+jwt", "kid": published["keys"][0]["kid"]}
    claims = read.claims
    assert claims["exp"] - claims["iat"] == settings().token_lasts
    assert claims["iss"] == settings().base_url
    assert claims["aud"] == f"{settings().base_url}/v1"
    assert claims["sub"] == claims["client_id"] == caller.client_id
    assert (
        claims["jti"] != jwt.decode(caller.token(), KeySet.import_key_set(published)).claims["jti"]
    )


def test_the_metadata_leads_to_everything(caller: Caller) -> None:
    found = expect(System(caller.app).get("/.well-known/oauth-authorization-server"), 200)
    base = found["issuer"]
    assert base == settings().base_url
    asked = caller.post(found["token_endpoint"].removeprefix(base), GRANT)
    token = expect(asked, 200)["access_token"]
    path = found["introspection_endpoint"].removeprefix(base)
    assert expect(caller.post(path, {"token": token}), 200)["active"]
    expect(caller.post(found["revocation_endpoint"].removeprefix(base), {"token": token}), 200)
    assert expect(System(caller.app).get(found["jwks_uri"].removeprefix(base)), 200)["keys"]


@pytest.mark.parametrize("path", ["/oauth2/jwks", "/.well-known/oauth-authorization-server"])
def test_what_may_be_kept_says_nothing_else(caller: Caller, path: str) -> None:
    kept = System(caller.app).get(path).headers
    assert (kept["cache-control"], kept.get("pragma")) == ("public, max-age=300", None)
    assert caller.ask().headers["pragma"] == "no-cache"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({**GRANT, "scope": "everything"}, "invalid_scope"),
        ({**GRANT, "client_id": "cid_other"}, "invalid_request"),
        ({**GRANT, "client_secret": "twice"}, "invalid_request"),
    ],
)
def test_what_is_wrong_with_a_request_is_named(
    form: dict[str, str], error: str, sqlite: Engine, ring: Keyring
) -> None:
    refusal(a_caller(served(ring)).post(TOKEN, form), 400, error)


def test_a_body_that_two_programs_may_read_differently_is_refused(
    sqlite: Engine, ring: Keyring
) -> None:
    caller = a_caller(served(ring))
    form = {"content-type": "application/x-www-form-urlencoded"}
    presented = {"authorization": basic(caller.client_id, caller.secret)}
    for body, headers in (
        (b"grant_type=client_credentials&grant_type=client_credentials", form),
        (b"grant_type=%ff", form),
        (b"&".join(b"a%d=1" % n for n in range(30)), form),
        (b'{"grant_type": "client_credentials"}', {"content-type": "application/json"}),
        (b"grant_type=client_credentials", {}),
    ):
        answer = System(caller.app).send("POST", TOKEN, presented | headers, content=body)
        refusal(answer, 400, "invalid_request")


def test_a_secret_in_the_url_is_refused_even_if_it_is_right(caller: Caller) -> None:
    answer = caller.post(f"{TOKEN}?client_secret={caller.secret}", GRANT)
    refusal(answer, 400, "invalid_request")
    assert caller.secret not in answer.text


def test_only_a_form_that_is_sent_is_taken(caller: Caller) -> None:
    answer = System(caller.app).get(TOKEN)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


def test_a_secret_that_nobody_has_seen_opens_nothing(app: FastAPI) -> None:
    """It is alive as a row; whoever presents it has it from somewhere else."""
    caller = a_caller(app, "secret_revealed")
    with transaction() as session:
        session.execute(update(Secret).values(revealed_at=None))
    refusal(caller.ask(), 401, "invalid_client")


def test_a_replaced_secret_and_a_revoked_client_are_refused_at_once_everywhere(
    app: FastAPI, ring: Keyring
) -> None:
    for event, state in (("reissue_secret", "secret_revealed"), ("start_over", "seller_linked")):
        caller = a_caller(app, state)
        elsewhere = Caller(served(ring), caller.id, caller.client_id, caller.secret)
        if event == "reissue_secret":
            # Asking for a token would acknowledge it, and then there is nothing to reissue.
            builders.fire(caller.id, event)
        else:
            token = elsewhere.token()
            builders.fire(caller.id, event)
            assert expect(elsewhere.whoami(token), 401)["code"] == "token_revoked"
        for one in (caller, elsewhere):
            refusal(one.ask(), 401, "invalid_client")


def test_a_token_of_a_secret_that_was_replaced_since_is_worth_nothing(app: FastAPI) -> None:
    caller = a_caller(app)
    token = caller.token()
    with transaction() as session:
        old = session.scalars(select(Secret).where(Secret.client_id == caller.client_id)).one()
        old.ended_at, old.ended_because = db.clock(session), "reissued"
        session.flush()
        same = {"hash": old.hash, "pepper_id": old.pepper_id, "ending": old.ending}
        new = Secret(client_id=old.client_id, version=2, revealed_at=old.revealed_at, **same)
        session.add(new)
    assert expect(caller.whoami(token), 401)["code"] == "token_revoked"


def test_introspection_tells_a_client_about_its_own_tokens_only(app: FastAPI) -> None:
    caller, other = a_caller(app), a_caller(app, "credentials_issued")
    token = caller.token()
    told = caller.introspect(token)
    assert (told["active"], told["client_id"], told["aud"]) == (
        True,
        caller.client_id,
        settings().audience,
    )
    assert told["seller_ids"] == [builders.ACCOUNT.seller_id]
    assert other.introspect(other.token())["seller_ids"] == []
    for nothing in (token, "x", "a.b.c", ""):
        form = {"token": nothing} if nothing else {}
        answer = other.post("/oauth2/introspect", form)
        if nothing:
            assert expect(answer, 200) == {"active": False}
        else:
            refusal(answer, 400, "invalid_request")


def test_an_api_asks_about_every_token_with_a_key_of_that_scope(app: FastAPI) -> None:
    token = a_caller(app).token()
    api = a_system(app, ["tokens:introspect"])
    assert expect(api.send("POST", "/oauth2/introspect", data={"token": token}), 200)["active"]
    other = a_system(app, set(access.SCOPES) - {"tokens:introspect"})
    answer = other.send("POST", "/oauth2/introspect", data={"token": token})
    refusal(answer, 403, "insufficient_scope")
    nobody = System(app, access.KEY_PREFIX + "a" * 43)
    refusal(nobody.send("POST", "/oauth2/introspect", data={"token": token}), 401, "invalid_token")


def test_a_revoked_token_is_over_and_no_other_is(app: FastAPI) -> None:
    caller, other = a_caller(app), a_caller(app, "credentials_issued")
    token, kept = caller.token(), caller.token()
    refusal(other.post("/oauth2/revoke", {"token": token}), 400, "invalid_grant")
    assert caller.introspect(token)["active"]
    for _ in range(2):
        assert expect(caller.post("/oauth2/revoke", {"token": token}), 200) == {}
    expect(caller.post("/oauth2/revoke", {"token": "unknown"}), 200)
    assert caller.introspect(token) == {"active": False}
    assert expect(caller.whoami(token), 401)["code"] == "token_revoked"
    assert caller.introspect(kept)["active"]


def test_a_revocation_is_forgotten_when_its_token_is_over(app: FastAPI) -> None:
    caller = a_caller(app)
    for token in (caller.token(), caller.token()):
        caller.post("/oauth2/revoke", {"token": token})
    with transaction() as session:
        first = session.scalars(select(RevokedToken).limit(1)).one()
        first.expires_at -= timedelta(hours=1)
    clock.clean()
    with reading() as session:
        assert len(session.scalars(select(RevokedToken)).all()) == 1


def test_a_client_that_asks_too_often_is_told_when_to_come_again(
    sqlite: Engine, ring: Keyring
) -> None:
    now = Now()
    limited = settings().model_copy(update={"tokens_per_minute": 6})
    app = served(ring, limited)
    app.state.quotas = Quotas(limited, now)
    caller, other = a_caller(app), a_caller(app, "credentials_issued")
    assert {caller.ask().status_code for _ in range(6)} == {200}
    answer = caller.ask()
    refusal(answer, 429, "temporarily_unavailable")
    assert answer.headers["retry-after"] == "10"
    expect(other.ask(), 200)
    now.at += 10
    expect(caller.ask(), 200)


def test_a_key_that_is_new_ends_no_token(app: FastAPI, ring: Keyring) -> None:
    """Two keys are published while tokens of the old one are on their way."""
    caller = a_caller(app)
    token = caller.token()
    made = f"{datetime.now(UTC):%Y-%m-%dT%H%M}"
    newer = {**ring.keys["derive"], made: bytes(range(32))}
    after = served(Keyring({**ring.keys, "derive": newer}))
    again = Caller(after, caller.id, caller.client_id, caller.secret)
    assert len(expect(System(after).get("/oauth2/jwks"), 200)["keys"]) == 2
    assert again.introspect(token)["active"]
    assert again.introspect(again.token())["active"]
    assert caller.introspect(again.token())["active"]


def test_the_last_use_is_noted_once_a_minute(app: FastAPI) -> None:
    caller = a_caller(app)

    def last_used() -> object:
        with reading() as session:
            return session.scalar(select(Secret.last_used_at))

    assert last_used() is None
    caller.ask()
    first = last_used()
    assert first is not None
    before = db.commits()
    caller.ask()
    assert (last_used(), db.commits()) == (first, before)
    with transaction() as session:
        session.execute(update(Secret).values(last_used_at=db.in_seconds(-61)))
    caller.ask()
    assert str(last_used()) > str(first)


def test_a_wrong_secret_notes_nothing(app: FastAPI) -> None:
    caller = a_caller(app)
    caller.secret = wrong(caller.secret)
    refusal(caller.ask(), 401, "invalid_client")
    with reading() as session:
        assert session.scalar(select(Secret.last_used_at)) is None
