"""An attempt that failed is told for ever; one that succeeded leaves no row."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import Engine

from onboarding import attempts, outbox
from onboarding.db import reading, transaction
from onboarding.models import FailedAttempt, Message
from onboarding.outbox import Claim
from tests import builders


def kept(onboarding_id: UUID) -> list[tuple[int, int, str, str | None]]:
    with reading() as session:
        found: list[FailedAttempt] = [*attempts.of(session, onboarding_id)]
    return [(each.attempt, each.max_attempts, each.cause, each.error) for each in found]


def taken(message_id: UUID) -> Claim:
    with transaction() as session:
        claim = outbox.claim(session, message_id)
    assert claim is not None
    return claim


def fail(claim: Claim, cause: str = "busy", *, final: bool = False) -> bool:
    with transaction() as session:
        over = outbox.fail(session, claim, cause, "it was busy", final=final)
    builders.end_the_rest_of(claim.id)
    return over


def test_a_failure_is_told_when_its_message_is_gone(database: Engine) -> None:
    one = builders.an_onboarding("verifying")
    (message,) = builders.promised("verify_connection", one)
    fail(taken(message.id))
    fail(taken(message.id), "unavailable")
    builders.work(one)
    assert not builders.promised("verify_connection", one)
    assert kept(one) == [(1, 8, "busy", "it was busy"), (2, 8, "unavailable", "it was busy")]


def test_what_works_at_once_costs_no_row(database: Engine) -> None:
    one = builders.an_onboarding("confirmed")
    assert kept(one) == []


def test_who_has_lost_the_turn_tells_nothing(database: Engine) -> None:
    one = builders.an_onboarding("verifying")
    (message,) = builders.promised("verify_connection", one)
    fail(taken(message.id))
    late = taken(message.id)
    builders.make_older(Message, "leased_until", timedelta(hours=1))
    taken(message.id)
    assert not fail(late)
    assert [attempt for attempt, *_ in kept(one)] == [1]


def test_the_same_failure_is_told_once(database: Engine) -> None:
    one = builders.an_onboarding("verifying")
    (message,) = builders.promised("verify_connection", one)
    claim = taken(message.id)
    for _ in range(2):
        fail(claim)
    assert len(kept(one)) == 1


def test_a_message_that_killed_every_worker_says_so(database: Engine) -> None:
    one = builders.an_onboarding("verifying")
    (message,) = builders.promised("verify_connection", one)
    for _ in range(message.max_attempts):
        taken(message.id)
        builders.make_older(Message, "leased_until", timedelta(hours=1))
    with transaction() as session:
        assert outbox.claim(session, message.id) is None
    assert [(attempt, cause) for attempt, _, cause, _ in kept(one)] == [(9, "worker_died")]


def test_what_is_nobodys_is_not_kept(database: Engine) -> None:
    message_id = builders.a_message("canary", max_attempts=1)
    assert fail(taken(message_id))
    with reading() as session:
        assert session.query(FailedAttempt).count() == 0
