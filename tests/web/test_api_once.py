"""Whatever is sent to the API twice is done once, and answered as it was the first time."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event, func, select, update
from sqlalchemy.orm import Session

from onboarding import db, kept_answers
from onboarding.db import engine, reading, transaction
from onboarding.models import KeptAnswer, Onboarding, ResumeLink
from onboarding.sealing import Keyring
from tests.racing import race
from tests.web.calling import System, a_system, expect, refused, served
from workers import clock

START = "/v1/onboardings"
AT_ONCE = 1000


@pytest.fixture
def system(database: Engine, ring: Keyring) -> System:
    """A calling system that may do everything."""
    return a_system(served(ring))


def count(table: type[Any]) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_a_start_that_is_sent_twice_starts_once(system: System) -> None:
    body = {"locale": "fr", "connection_name": "Café"}
    first = system.post(START, body, idempotency_key="order-17")
    again = system.post(START, dict(reversed(body.items())), idempotency_key="order-17")
    assert first.headers["location"] == f"{START}/{first.json()['id']}"
    assert (again.status_code, again.content) == (201, first.content)
    for name in ("location", "etag", "content-type", "cache-control"):
        assert again.headers[name] == first.headers[name]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert count(Onboarding) == 1


def test_the_first_answer_is_repeated_whatever_has_happened_since(system: System) -> None:
    first = system.post(START, {"locale": "en"}, idempotency_key="a")
    system.fire(first.json(), "cancel")
    again = system.post(START, {"locale": "en"}, idempotency_key="a")
    assert again.json()["state"] == "started"


def test_an_event_that_is_sent_twice_moves_once(system: System) -> None:
    onboarding = system.start()
    events = onboarding["links"]["events"]
    body = {"event": "choose_type", "data": {"connection_type": "plugin"}}
    sent = {"idempotency_key": '"one"', "if_match": '"1"'}
    first, again = (system.post(events, body, **sent) for _ in range(2))
    assert (again.status_code, again.content) == (200, first.content)
    assert system.look(onboarding)["sequence"] == 2


def test_a_name_is_one_system_s_for_one_address(system: System) -> None:
    first = expect(system.post(START, {"locale": "en"}, idempotency_key="a"), 201)
    another = a_system(system.app).post(START, {"locale": "en"}, idempotency_key="a")
    assert expect(another, 201)["id"] != first["id"]
    link = system.post(first["links"]["continue"], idempotency_key="a")
    assert "idempotent-replayed" not in link.headers
    expect(link, 201)


def test_a_name_belongs_to_the_system_and_not_to_the_key(system: System) -> None:
    first = system.post(START, {"locale": "en"}, idempotency_key="a")
    second = a_system(system.app, of=system)
    again = second.post(START, {"locale": "en"}, idempotency_key="a")
    assert again.content == first.content


def test_without_a_name_nothing_is_done(system: System) -> None:
    problem = refused(
        system.send("POST", START, json={"locale": "en"}), 400, "idempotency_key_missing"
    )
    assert "Idempotency-Key" in problem["detail"]
    assert count(Onboarding) == 0


@pytest.mark.parametrize(
    "name", ["", " ", '"', '""', '"a', "a b", "é", "x" * 256, '"a"b"', '"a\\b"']
)
def test_what_is_no_name_is_refused(system: System, name: str) -> None:
    answer = system.post(START, {"locale": "en"}, idempotency_key=name)
    (error,) = refused(answer, 422, "invalid")["errors"]
    assert error["field"] == "idempotency-key"


@pytest.mark.parametrize(
    ("one", "other"),
    [("a", '"a"'), ('"a\\"b"', 'a"b'), ('"a b"', ' "a b" '), ("x" * 255, "x" * 255)],
)
def test_quoted_and_bare_are_the_same_name(system: System, one: str, other: str) -> None:
    first = system.post(START, {"locale": "en"}, idempotency_key=one)
    again = system.post(START, {"locale": "en"}, idempotency_key=other)
    assert expect(again, 201) == first.json()


def test_a_name_with_another_body_is_refused(system: System) -> None:
    expect(system.post(START, {"locale": "en"}, idempotency_key="a"), 201)
    answer = system.post(START, {"locale": "fr"}, idempotency_key="a")
    refused(answer, 422, "idempotency_key_reused")
    assert count(Onboarding) == 1


def test_a_refusal_is_not_kept(system: System) -> None:
    onboarding = system.start()
    events, name = onboarding["links"]["events"], "a"
    body = {"event": "issue_id"}
    refused(system.post(events, body, idempotency_key=name), 409, "event_not_allowed")
    system.fire(onboarding, "choose_type", connection_type="credentials_only")
    with transaction() as session:
        session.execute(update(Onboarding).values(contact_verified_at=db.now()))
    answer = system.post(events, body, idempotency_key=name)
    assert expect(answer, 200)["state"] == "issuing_secret"


def test_a_link_is_made_once_and_its_token_is_not_kept(system: System, ring: Keyring) -> None:
    onboarding = system.start(locale="fr")
    path = onboarding["links"]["continue"]
    first, again = (system.post(path, idempotency_key="a") for _ in range(2))
    assert (first.status_code, again.content) == (201, first.content)
    assert count(ResumeLink) == 1
    token = first.json()["url"].rpartition("/")[2]
    with reading() as session:
        kept = session.scalars(select(KeptAnswer.body)).all()
    assert len(kept) == 2
    assert all(token not in each and "/resume/" not in each for each in kept)


def test_a_thousand_equal_requests_at_once_start_one(system: System) -> None:
    """Who comes while the first is being answered is told so at once, and comes again."""

    def start() -> str:
        answer = system.post(START, {"locale": "en"}, idempotency_key="order-17")
        told = answer.json()
        return str(told["id"] if answer.status_code == 201 else told["code"])

    answers = Counter(map(str, race(*[start] * AT_ONCE)))
    assert count(Onboarding) == count(KeptAnswer) == 1
    assert answers.total() == AT_ONCE
    with reading() as session:
        (started,) = session.scalars(select(Onboarding.id))
    assert {*answers} <= {str(started), "in_flight", "busy"}
    assert answers[str(started)]


def test_who_comes_while_the_first_is_answered_waits_for_nothing(
    postgresql: Engine, ring: Keyring
) -> None:
    system = a_system(served(ring))
    with transaction() as session:
        assert kept_answers.hold(session, b"\1" * 32)
        with engine().connect() as other:
            asked = select(func.pg_try_advisory_xact_lock(int.from_bytes(b"\1" * 8, signed=True)))
            assert other.scalar(asked) is False
    first = system.post(START, {"locale": "en"}, idempotency_key="a")
    with reading() as session:
        request = session.scalars(select(KeptAnswer.request)).one()
    with engine().connect() as first_one:
        held = int.from_bytes(request[:8], signed=True)
        assert first_one.scalar(select(func.pg_try_advisory_xact_lock(held))) is True
        answer = system.post(START, {"locale": "en"}, idempotency_key="a")
        problem = refused(answer, 409, "in_flight")
        assert (problem["retryable"], answer.headers["retry-after"]) == (True, "1")
    again = system.post(START, {"locale": "en"}, idempotency_key="a")
    assert again.content == first.content


@pytest.mark.parametrize("fails", [1, 2])
def test_the_answer_is_kept_with_what_it_answers_or_not_at_all(system: System, fails: int) -> None:
    """Whichever commit of the request is the one that fails."""
    expect(system.get(START), 200)  # From now on the use of the key is noted.
    with failing(fails):
        system.post(START, {"locale": "en"}, idempotency_key="a")
    assert count(KeptAnswer) == count(Onboarding)
    expect(system.post(START, {"locale": "en"}, idempotency_key="a"), 201)
    assert count(KeptAnswer) == count(Onboarding) == 1


@contextmanager
def failing(number: int) -> Iterator[None]:
    """Of the commits meanwhile, that one fails."""
    left = iter(range(1, 100))

    def before_commit(_session: Session) -> None:
        if next(left) == number:
            raise ConnectionAbortedError

    event.listen(Session, "before_commit", before_commit)
    try:
        yield
    finally:
        event.remove(Session, "before_commit", before_commit)


def test_an_answer_is_kept_for_seven_days(system: System) -> None:
    first = system.post(START, {"locale": "en"}, idempotency_key="a")
    system.post(START, {"locale": "en"}, idempotency_key="b")
    week = kept_answers.KEPT_FOR.total_seconds()
    with transaction() as session:
        old = KeptAnswer.body == first.text
        session.execute(update(KeptAnswer).values(created_at=db.in_seconds(60 - week)))
        session.execute(update(KeptAnswer).where(old).values(created_at=db.in_seconds(-60 - week)))
    assert clock.clean(limit=1) == (1, True)
    assert clock.clean(limit=1) == (0, False)
    assert count(KeptAnswer) == 1
    assert system.post(START, {"locale": "en"}, idempotency_key="a").json() != first.json()
