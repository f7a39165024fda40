"""T62: a secret that was found in the wild is dead at once, and whoever says so learns nothing."""

import json
import re
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, func, select

from onboarding import access, audit, checksums, credentials, event_bodies, replacing, sealing
from onboarding.causes import CAUSES
from onboarding.db import reading, transaction
from onboarding.models import ApiKey, AuditEntry, Message, Secret, Transition
from onboarding.sealing import Keyring
from onboarding.signing import Key, headers
from tests import builders
from tests.acting import findings
from tests.builders import SELLER, promised, state_of, the
from tests.composing import EMAIL, put, written
from tests.dumping import dump
from tests.noting import count_statements
from tests.telling import REGISTRY, a_source, now
from tests.test_offers import a_step_that_nobody_took
from tests.test_replacing import ask, shown
from tests.web.calling import System, expect, refused, served
from tests.web.presenting import Caller, a_caller, wrong
from workers import turns

PLACE = "https://git.example/shop/blob/main/config.py"
PATH = "/v1/disclosures"


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return served(ring)


@pytest.fixture
def key(app: FastAPI) -> Key:
    return a_source()


def disclose(app: FastAPI, key: Key, *tokens: str, **more: Any) -> httpx.Response:
    """What a partner sends, signed."""
    found = [{"token": token, "url": PLACE, "type": "client_secret"} | more for token in tokens]
    body = json.dumps({"source": REGISTRY, "candidates": found}).encode()
    made = headers([key], "disclosure-1", body, now())
    return System(app).send("POST", PATH, {"content-type": "application/json"} | made, content=body)


def work_off() -> None:
    """All that is promised, but what becomes an incident."""
    while waiting := [each for each in promised() if each.failed_at is None]:
        for message in waiting:
            turns.run(str(message.id))


def events_of(caller: Caller) -> Sequence[str]:
    with reading() as session:
        steps = select(Transition.event).where(Transition.onboarding_id == caller.id)
        return session.scalars(steps.order_by(Transition.sequence)).all()


def last_step(caller: Caller) -> Transition:
    with reading() as session:
        return session.get_one(Transition, (caller.id, the(caller.id).sequence))


def test_t62_it_and_its_tokens_open_nothing_from_the_answer_on(app: FastAPI, key: Key) -> None:
    """In every process, though no task has run; another's goes on."""
    caller, other = a_caller(app), a_caller(app, "credentials_issued")
    token = caller.token()
    assert expect(disclose(app, key, caller.secret), 202) == {"received": 1}
    for each in (app, served(builders.keyring())):
        caller.app = each
        expect(caller.ask(), 401)
        assert expect(caller.whoami(token), 401)["code"] == "token_revoked"
    expect(other.ask(), 200)
    work_off()
    assert state_of(caller.id) == "confirmed"
    expect(caller.ask(), 401)
    told = event_bodies.body(last_step(caller), "ONB-0", "here")
    assert (told["type"], told["data"]["actor"]) == ("onboarding.secret_disclosed", "api")
    details = {"client_id": caller.client_id, "version": 1, "cause": "secret_leaked"}
    assert told["data"]["details"] == details


def test_t62_a_wrong_guess_is_answered_alike_and_costs_the_same(
    app: FastAPI, key: Key, database: Engine
) -> None:
    caller = a_caller(app)
    known = caller.secret
    guesses = [wrong(known), known[:-1], "x" * 49, "a\0b\u202edéf", "?", known]
    sent = count_statements(database)
    seen, counts = set(), []
    for guess in guesses:
        before = len(sent)
        answer = disclose(app, key, guess)
        told = {n: v for n, v in answer.headers.items() if n not in {"x-request-id", "ratelimit"}}
        seen.add((answer.status_code, json.dumps(told), answer.content))
        counts.append([re.sub(r"\(.*", "", each) for each in sent[before:]])
    assert len(seen) == 1
    assert counts == [counts[0]] * len(counts)


def test_t62_nobody_who_has_not_signed_ends_anything(
    app: FastAPI, key: Key, database: Engine
) -> None:
    caller = a_caller(app)
    before = dump(database)
    body = {"source": REGISTRY, "candidates": [{"token": caller.secret}]}
    refused(System(app).post(PATH, body), 401, "unauthorised")
    refused(disclose(app, Key("hmac", b"0" * 32), caller.secret), 401, "unauthorised")
    assert dump(database) == before
    expect(caller.ask(), 200)


@pytest.mark.parametrize(
    ("tokens", "more"),
    [
        ([], {}),
        (["mps_live_" + "a" * 200], {}),
        (["mps_live_x"] * 51, {}),
        (["mps_live_x"], {"url": "javascript:alert(1)"}),
        (["mps_live_x"], {"url": "https://git.example/\r\nBcc: x"}),
        (["mps_live_x"], {"url": "https://git.example/" + "a" * 1000}),
    ],
)
def test_what_is_too_much_or_no_address_is_refused_and_not_repeated(
    app: FastAPI, key: Key, tokens: list[str], more: dict[str, str]
) -> None:
    answer = disclose(app, key, *tokens, **more)
    expect(answer, 422)
    assert "mps_live" not in answer.text
    assert "alert" not in answer.text


def test_its_owner_the_trail_and_whoever_operates_are_told_once(
    app: FastAPI, key: Key, database: Engine
) -> None:
    caller = a_caller(app)
    put(caller.id, contact_email=EMAIL)
    place = f"{PLACE}?key={caller.secret}"
    for _ in range(3):
        expect(disclose(app, key, caller.secret, url=place), 202)
    (letter,) = letters_of(caller)
    masked = f"{PLACE}?key=…{caller.secret[-6:]}"
    assert letter.about["url"] == masked
    with reading() as session:
        (entry,) = session.scalars(select(AuditEntry)).all()
        assert (entry.actor, entry.action) == (f"source:{REGISTRY}", "secret.disclosed")
        assert entry.details["url"] == masked
        assert list(audit.verify(session, builders.keyring())) == []
    work_off()
    assert list(events_of(caller)).count("disclose_secret") == 1
    (incident,) = promised("await_new_secret")
    assert (incident.cause, incident.onboarding_id) == ("secret_leaked", caller.id)
    assert incident.cause in CAUSES
    assert caller.secret not in str(dump(database))


def letters_of(caller: Caller) -> list[Message]:
    """The letters that are promised once it is known whose it was."""
    for message in promised("answer_leak"):
        turns.run(str(message.id))
    return promised("send_email")


def test_the_letter_says_where_and_what_to_do(app: FastAPI, key: Key) -> None:
    caller = a_caller(app)
    put(caller.id, contact_email=EMAIL)
    expect(disclose(app, key, caller.secret), 202)
    (message,) = letters_of(caller)
    for locale, subject in (
        ("en", "Your client secret was found where it should not be"),
        ("fr", "Votre secret client a été trouvé là où il ne devrait pas être"),
    ):
        letter = written(caller.id, locale=locale, **message.about)
        assert letter.subject == subject
        assert PLACE in letter.text
        assert "/resume/" in letter.text
        assert caller.secret not in letter.text + letter.html


def test_whose_history_takes_nothing_keeps_no_other_from_being_told(app: FastAPI, key: Key) -> None:
    """What was found together is followed up each by itself, once something was wrong with it."""
    broken, sound = a_caller(app), a_caller(app)
    for each in (broken, sound):
        put(each.id, contact_email=EMAIL)
    a_step_that_nobody_took(broken.id)
    expect(disclose(app, key, broken.secret, sound.secret), 202)
    for _ in range(3):
        for message in promised("answer_leak"):
            builders.end_the_rest_of(message.id)
            turns.run(str(message.id))
    assert [letter.onboarding_id for letter in promised("send_email")] == [sound.id]
    (left,) = promised("answer_leak")
    assert [each["client_id"] for each in left.about["secrets"]] == [broken.client_id]


def test_a_new_one_ends_the_incident(app: FastAPI, key: Key) -> None:
    """The owner asks for it in the usual way; the days that the leaked one had left are none."""
    caller = a_caller(app)
    expect(disclose(app, key, caller.secret), 202)
    work_off()
    assert promised("await_new_secret") != []
    assert findings() == []
    new = shown(caller, days=3)
    expect(caller.ask(), 401)
    expect(new.ask(), 200)
    work_off()
    assert promised("await_new_secret") == []
    with reading() as session:
        old = session.get_one(Secret, (caller.client_id, 1))
        assert old.ended_because == "replaced"
    assert findings() == []


def test_one_that_was_just_shown_is_replaced_by_the_chart(app: FastAPI, key: Key) -> None:
    caller = a_caller(app, "secret_revealed")
    expect(disclose(app, key, caller.secret), 202)
    for message in promised("answer_leak"):
        turns.run(str(message.id))
    assert state_of(caller.id) == "issuing_secret"
    last = last_step(caller)
    assert (last.event, last.details) == ("reissue_secret", {"cause": "secret_leaked"})
    expect(caller.ask(), 401)
    assert findings() == []


def test_one_that_was_saved_before_the_end_proves_nothing(app: FastAPI, key: Key) -> None:
    caller = a_caller(app, "seller_linked")
    expect(disclose(app, key, caller.secret), 202)
    work_off()
    builders.fire(caller.id, "confirm", SELLER)
    work_off()
    assert state_of(caller.id) == "seller_linked"
    assert last_step(caller).details == {"cause": "secret_leaked"}


def test_of_two_that_work_only_the_one_that_was_found_ends(app: FastAPI, key: Key) -> None:
    caller = a_caller(app)
    new = shown(caller)
    expect(new.ask(), 200)
    expect(disclose(app, key, caller.secret), 202)
    work_off()
    expect(caller.ask(), 401)
    expect(new.ask(), 200)
    assert promised("await_new_secret") == []


def test_one_that_nobody_has_seen_is_not_shown_any_more(app: FastAPI, key: Key) -> None:
    """It leaked on our side: it was sealed, and somebody had it."""
    caller = a_caller(app)
    ask(caller)
    for message in promised("replace_secret"):
        turns.run(str(message.id))
    with transaction() as session:
        known = checksums.new("mps_test_")
        secret = session.get_one(Secret, (caller.client_id, 2))
        context = credentials.context_of(caller.client_id, 2)
        secret.pepper_id, secret.hash = sealing.keyed_hash(builders.keyring(), context, known)
        secret.ending = known[-6:]
    expect(disclose(app, key, known), 202)
    work_off()
    with reading() as session:
        assert not replacing.waits_to_be_shown(session, the(caller.id))
    expect(caller.ask(), 200)


def test_an_api_key_is_revoked(app: FastAPI, key: Key) -> None:
    with transaction() as session:
        made, text = access.create_api_key(session, "portal", ["onboardings:read"])
    expect(System(app, text).get("/v1/onboardings"), 200)
    expect(disclose(app, key, text, wrong(text)), 202)
    expect(System(app, text).get("/v1/onboardings"), 401)
    work_off()
    with reading() as session:
        assert session.get_one(ApiKey, made.id).revoked_at is not None
        actions = session.scalars(select(AuditEntry.action)).all()
        assert actions == ["key.disclosed"]
        assert session.scalar(select(func.count()).select_from(Message)) == 0


def test_one_that_has_ended_is_nobody_s(app: FastAPI, key: Key, database: Engine) -> None:
    caller = a_caller(app, "seller_linked")
    builders.fire(caller.id, "cancel")
    work_off()
    before = dump(database) | {"messages": []}
    expect(disclose(app, key, caller.secret), 202)
    work_off()
    assert dump(database) | {"messages": []} == before
