"""What somebody tries at the token endpoint and with tokens: guesses, forgeries, replays, floods."""

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding.db import transaction
from onboarding.models import Secret
from onboarding.sealing import Keyring
from onboarding.settings import settings
from onboarding.web.quotas import BAD_KEYS
from tests import builders
from tests.noting import count_statements
from tests.telling import Event, a_source, tell
from tests.threats.forging import FORGERIES, claims_of, signed
from tests.web.calling import System, expect, in_one_moment, served
from tests.web.presenting import GRANT, TOKEN, Caller, a_caller, wrong


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return in_one_moment(served(ring))


@pytest.fixture
def said() -> Iterator[io.StringIO]:
    """What is logged from now on, as in production."""
    root, written = logging.getLogger(), io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(root.handlers[0].formatter)
    root.addHandler(handler)
    yield written
    root.removeHandler(handler)


def told(answer: httpx.Response) -> tuple[int, dict[str, str], bytes]:
    """All of an answer but the name of the request."""
    headers = {n: v for n, v in answer.headers.items() if n not in {"x-request-id", "ratelimit"}}
    return answer.status_code, headers, answer.content


def test_t04_sellers_cannot_be_enumerated(app: FastAPI) -> None:
    """A foreign Seller ID and one that nobody has look the same, and are looked for alike."""
    caller = a_caller(app, "credentials_issued")
    builders.an_onboarding("confirmed")
    token = caller.token()
    with transaction() as session:
        engine = session.get_bind()
    assert isinstance(engine, Engine)
    sent = count_statements(engine)
    answers, counts = [], []
    for seller_id in (builders.ACCOUNT.seller_id, "S-0000"):
        before = len(sent)
        answer = caller.whoami(token, seller_id)
        problem = expect(answer, 403)
        assert problem["code"] == "client_not_linked"
        answers.append({**problem, "instance": "", "request_id": ""})
        counts.append(sent[before:])
    assert answers[0] == answers[1]
    assert counts[0] == counts[1]


def test_t29_nobody_acts_for_a_seller_who_has_not_confirmed(app: FastAPI) -> None:
    caller = a_caller(app, "seller_linked")
    answer = caller.whoami(caller.token(), builders.ACCOUNT.seller_id)
    assert expect(answer, 403)["code"] == "link_not_confirmed"


def test_nobody_acts_for_a_seller_whom_the_marketplace_has_suspended(app: FastAPI) -> None:
    caller = a_caller(app, "confirmed")
    seller_id, token = builders.ACCOUNT.seller_id, caller.token()
    a_source()
    tell(Event("seller.suspended", seller_id))
    assert expect(caller.whoami(token, seller_id), 403)["code"] == "seller_suspended"
    assert expect(caller.whoami(token), 200)["seller"]["status"] == "suspended"
    assert caller.introspect(token)["seller_ids"] == []
    tell(Event("seller.reinstated", seller_id, 1))
    assert expect(caller.whoami(token, seller_id), 200)["seller"]["status"] == "active"
    assert caller.introspect(token)["seller_ids"] == [seller_id]


def test_what_the_marketplace_has_disabled_is_refused_at_once(app: FastAPI) -> None:
    """Also where the onboarding has ended, and the client is not revoked."""
    caller = a_caller(app, "confirmed")
    token = caller.token()
    a_source()
    tell(Event("client.disabled", caller.client_id))
    assert caller.ask().status_code == 401
    assert expect(caller.whoami(token), 401)["code"] == "token_revoked"


def test_t05_clients_cannot_be_enumerated(app: FastAPI, database: Engine) -> None:
    """Unknown, foreign, revoked and known with a wrong secret: one answer, and the same statements."""
    known = a_caller(app)
    revoked = a_caller(app, "seller_linked")
    builders.fire(revoked.id, "cancel")
    guess = wrong(known.secret)
    attempts = [
        replace(known, secret=guess),
        replace(known, client_id="cid_" + "0" * 22, secret=guess),
        replace(known, client_id="nonsense", secret=guess),
        replace(known, client_id="no client ID", secret=guess),
        replace(known, client_id=revoked.client_id, secret=guess),
        replace(known, client_id="cid_" + "0" * 22),
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
    assert len(_asked(counts[0])) == 1


def test_t05_a_mistyped_secret_costs_no_look_up_whoever_s_it_is(
    app: FastAPI, database: Engine
) -> None:
    known = a_caller(app)
    sent = count_statements(database)
    answers = [
        told(replace(known, client_id=client_id, secret=known.secret[:-1]).ask())
        for client_id in (known.client_id, "cid_" + "0" * 22)
    ]
    assert answers[0] == answers[1]
    assert answers[0][0] == 401
    assert _asked(sent) == []


def test_t24_guessing_is_turned_away_and_the_owner_is_not(app: FastAPI) -> None:
    owner = a_caller(app)
    guessing = replace(owner, secret=wrong(owner.secret), address="192.0.2.7")
    statuses = [guessing.ask().status_code for _ in range(BAD_KEYS + 20)]
    assert statuses == [401] * BAD_KEYS + [429] * 20
    answer = guessing.ask()
    assert answer.headers["retry-after"] == "2"
    assert expect(answer, 429)["error"] == "temporarily_unavailable"
    for address in ("192.0.2.7", "198.51.100.7"):
        expect(replace(owner, address=address).ask(), 200)


def test_t24_many_networks_that_guess_at_one_client_are_turned_away(app: FastAPI) -> None:
    owner = a_caller(app)
    guessing = replace(owner, secret=wrong(owner.secret))
    statuses = [
        replace(guessing, address=f"10.0.{n}.1").ask().status_code for n in range(BAD_KEYS + 5)
    ]
    assert statuses == [401] * BAD_KEYS + [429] * 5
    unknown = replace(guessing, client_id="cid_" + "0" * 22)
    statuses = [
        replace(unknown, address=f"10.1.{n}.1").ask().status_code for n in range(BAD_KEYS + 5)
    ]
    assert statuses == [401] * BAD_KEYS + [429] * 5
    expect(owner.ask(), 200)


def test_t10_a_forged_token_opens_nothing(app: FastAPI, ring: Keyring) -> None:
    caller = a_caller(app)
    good = caller.token()
    forgeries = {name: forge(good, ring) for name, forge in FORGERIES.items()}
    expect(caller.whoami(good), 200)
    expect(caller.whoami(signed(good, ring)), 200)
    for name, forged in forgeries.items():
        answer = caller.whoami(forged)
        assert answer.status_code == 401, name
        assert answer.json()["code"] in {"token_invalid", "unauthorised"}, name
        assert caller.introspect(forged) == {"active": False}, name


def test_t10_a_token_for_another_api_opens_nothing_here(app: FastAPI, ring: Keyring) -> None:
    """Signed by the same key, of the same issuer."""
    caller = a_caller(app)
    chosen = settings().model_copy(update={"token_audience": "https://other.example"})
    with_other = Caller(served(ring, chosen), caller.id, caller.client_id, caller.secret)
    token = with_other.token()
    expect(with_other.whoami(token), 200)
    assert expect(caller.whoami(token), 401)["code"] == "token_invalid"


@pytest.mark.parametrize("gone", ["expired", "revoked", "client_revoked"])
def test_t31_a_token_that_is_over_is_refused_at_once_by_every_process(
    app: FastAPI, ring: Keyring, gone: str
) -> None:
    caller = a_caller(app, "secret_revealed")
    elsewhere = replace(caller, app=served(ring))
    token = caller.token()
    expect(elsewhere.whoami(token), 200)
    if gone == "expired":
        token = signed(token, ring, exp=claims_of(token)["iat"] - 1)
    elif gone == "revoked":
        caller.post("/oauth2/revoke", {"token": token})
    else:
        builders.fire(caller.id, "cancel")
    for each in (caller, elsewhere):
        answer = each.whoami(token)
        code = expect(answer, 401)["code"]
        assert code == ("token_expired" if gone == "expired" else "token_revoked")
        assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    if gone != "client_revoked":
        assert caller.introspect(token) == {"active": False}


def test_t31_a_secret_of_one_client_is_worth_nothing_under_another(app: FastAPI) -> None:
    one, other = a_caller(app), a_caller(app, "credentials_issued")
    assert replace(one, secret=other.secret).ask().status_code == 401


def test_t31_a_hash_that_was_moved_to_another_row_is_worth_nothing(app: FastAPI) -> None:
    """Whoever writes to the database mints no credential: a hash is bound to its client and version."""
    one, other = a_caller(app), a_caller(app, "credentials_issued")
    with transaction() as session:
        mine, theirs = (session.get_one(Secret, (c.client_id, 1)) for c in (one, other))
        theirs.hash = mine.hash
    assert replace(other, secret=one.secret).ask().status_code == 401


@pytest.mark.parametrize(
    "odd",
    [
        "cid\r\n2026 [error] forged",
        "\x00",
        "é",
        "\u202e",
        "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
        "x" * 5000,
        "a:b",
        "' OR 1=1 --",
        "%00%0a",
    ],
)
def test_t27_t45_odd_client_ids_are_unknown_clients(app: FastAPI, odd: str) -> None:
    caller = a_caller(app)
    form = GRANT | {"client_id": odd, "client_secret": wrong(caller.secret)}
    answer = System(app).send("POST", TOKEN, data=form)
    assert expect(answer, 401)["error"] == "invalid_client"


def test_t55_a_client_id_forges_no_line_of_the_log(app: FastAPI, said: io.StringIO) -> None:
    caller = a_caller(app)
    odd = 'x"}\r\n{"event": "forged"}\x1b[31m\u2028'
    form = GRANT | {"client_id": odd, "client_secret": wrong(caller.secret)}
    System(app).send("POST", TOKEN, data=form)
    written = said.getvalue()
    assert "token_refused" in written
    for line in filter(None, written.splitlines()):
        assert json.loads(line)["event"] != "forged"
    assert "forged" not in written


def test_t32_no_secret_and_no_token_is_in_the_log_or_in_a_refusal(
    app: FastAPI, said: io.StringIO
) -> None:
    caller = a_caller(app)
    guess = wrong(caller.secret)
    token = caller.token()
    answers = [
        replace(caller, secret=guess).ask(),
        caller.post(TOKEN, GRANT | {"client_secret": caller.secret}),
        caller.post(f"{TOKEN}?client_secret={caller.secret}", GRANT),
        caller.whoami(token + "x"),
        caller.post("/oauth2/revoke", {"token": token}),
        caller.whoami(token),
    ]
    told = "".join(a.text + str(a.headers) for a in answers) + said.getvalue()
    assert "token_refused" in told
    for hidden in (guess, caller.secret, token):
        assert hidden not in told


def _asked(sent: list[str]) -> list[str]:
    """Of these statements, those that ask for something; SQLite's driver also says BEGIN."""
    return [each for each in sent if each != "BEGIN"]
