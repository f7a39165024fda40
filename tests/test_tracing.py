"""Spans join what a request has promised to the task that does it, and hold nothing of anybody."""

import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine
from structlog.stdlib import ProcessorFormatter

from onboarding import outbox, tracing
from onboarding.db import transaction
from onboarding.models import Message
from onboarding.sealing import Keyring
from onboarding.tracing import ATTRIBUTES
from tests.builders import a_message, a_walk, promised, work
from tests.test_outbox import pass_time
from tests.tracing import Kept, Told
from tests.web.calling import System, a_system, served
from workers import turns
from workers.publisher import EmbeddedPublisher
from workers.relay import relay_once

CANARY = "canary-7f3a"
EMAIL = f"{CANARY}@shop.example"


@pytest.fixture
def spans() -> Iterator[Kept]:
    yield Kept()
    tracing.stop()


@pytest.fixture
def caller(database: Engine, ring: Keyring) -> System:
    return a_system(served(ring))


def place(span: Told) -> tuple[str, str]:
    return span.trace, span.id


def only(spans: list[Told]) -> Told:
    (span,) = spans
    return span


def move(spans: Kept, event: str) -> Told:
    moves = spans.named("onboarding.transition")
    return only([m for m in moves if m.attributes["onboarding.event"] == event])


def request(spans: Kept, span: Told) -> Told:
    return only([r for r in spans.named("onboarding.request") if r.trace == span.trace])


def test_a_task_has_a_link_to_the_step_of_the_request_that_promised_it(
    caller: System, spans: Kept
) -> None:
    onboarding = caller.start(contact={"email": "dev@shop.example"})
    caller.fire(onboarding, "choose_type", connection_type="own_development")
    caller.fire(onboarding, "issue_id")
    asked = move(spans, "issue_id")
    assert request(spans, asked).id == asked.parent
    task = only(spans.named("task.generate_secret"))
    assert task.links == (place(asked),)
    assert task.parent is None
    assert task.trace != asked.trace
    assert move(spans, "secret_generated").parent == task.id


def test_a_message_keeps_who_promised_it_until_somebody_takes_it(
    caller: System, spans: Kept
) -> None:
    onboarding = caller.start(contact={"email": "dev@shop.example"})
    caller.fire(onboarding, "choose_type", connection_type="own_development")
    caller.post(onboarding["links"]["events"], {"event": "issue_id", "data": {}})
    (message,) = promised("generate_secret", UUID(onboarding["id"]))
    asked = move(spans, "issue_id")
    assert str(message.traceparent).startswith(f"00-{asked.trace}-{asked.id}-")
    # Another process, another day.
    spans = Kept()
    work()
    assert only(spans.named("task.generate_secret")).links == (place(asked),)


def test_what_a_report_promises_has_a_link_though_it_was_taken_at_once(
    caller: System, spans: Kept
) -> None:
    onboarding = caller.start(contact={"email": "dev@shop.example"})
    caller.fire(onboarding, "choose_type", connection_type="own_development")
    caller.post(onboarding["links"]["events"], {"event": "issue_id", "data": {}})
    turns.drain(str(promised("generate_secret", UUID(onboarding["id"]))[0].id))
    letter = only(spans.named("task.send_email"))
    assert letter.links == (place(move(spans, "secret_generated")),)


def test_a_sweep_publishes_with_a_link_to_the_promise(database: Engine, spans: Kept) -> None:
    with tracing.span("onboarding.request", {}), transaction() as session:
        message_id = outbox.promise(session, "send_email")
    pass_time(message_id, timedelta(minutes=1))
    publisher = EmbeddedPublisher(1)
    assert relay_once(publisher.publish) == 1
    publisher.close()
    published = only(spans.named("outbox.publish"))
    assert published.links == (place(only(spans.named("onboarding.request"))),)
    assert published.attributes == {"message.id": str(message_id), "message.task": "send_email"}


def test_what_is_published_after_a_commit_has_the_same_link(database: Engine, spans: Kept) -> None:
    publisher = EmbeddedPublisher(1)
    outbox.publish_with(publisher.publish)
    with tracing.span("onboarding.request", {}), transaction() as session:
        outbox.promise(session, "canary")
    publisher.close()
    asked = place(only(spans.named("onboarding.request")))
    assert only(spans.named("outbox.publish")).links == (asked,)


def test_a_failed_attempt_says_why_as_a_code(database: Engine, spans: Kept) -> None:
    message_id = a_message("revoke_client", about={"client": CANARY})
    turns.run(str(message_id))
    failed = only(spans.named("task.revoke_client"))
    assert failed.failed
    assert failed.attributes == {
        "message.id": str(message_id),
        "attempt": 1,
        "outcome": "failed",
        "cause": "task_failed",
    }


def test_a_message_that_was_promised_without_traces_has_no_link(database: Engine) -> None:
    message_id = a_message("canary")
    assert only_promise().traceparent is None
    spans = Kept()
    turns.run(str(message_id))
    tracing.stop()
    told = only(spans.named("task.canary"))
    assert told.links == ()
    assert told.attributes["outcome"] == "done"


def only_promise() -> Message:
    (message,) = promised()
    return message


def test_a_request_is_told_by_its_route_and_never_by_its_address(
    caller: System, spans: Kept
) -> None:
    onboarding = caller.start()
    spans.forget()
    caller.get(f"{onboarding['links']['self']}?mail={EMAIL}")
    caller.get(f"/{CANARY}/nowhere?code={CANARY}")
    caller.send(CANARY, "/v1/onboardings")
    known, unknown, strange = spans.named("onboarding.request")
    assert known.attributes == {
        "http.request.method": "GET",
        "http.route": "/v1/onboardings/{onboarding_id}",
        "http.response.status_code": 200,
    }
    assert unknown.attributes["http.response.status_code"] == 404
    assert strange.attributes["http.request.method"] == "_OTHER"
    assert onboarding["id"] not in spans.text()
    assert CANARY not in spans.text().lower()


def test_no_span_holds_a_person_or_a_secret(caller: System, spans: Kept) -> None:
    """Bar O4: the address and the secret go all the way, and neither is in a span."""
    onboarding = caller.start(contact={"email": EMAIL})
    caller.fire(onboarding, "choose_type", connection_type="own_development")
    caller.fire(onboarding, "issue_id")
    revealed = caller.post(onboarding["links"]["secret_reveal"]).json()
    walked = a_walk("confirmed", email=EMAIL)
    work()
    assert walked.revealed is not None
    secrets = [revealed["client_secret"], walked.revealed.secret.get_secret_value()]
    told = spans.text()
    assert len(spans.all()) > 20
    for canary in (CANARY, *secrets, "S-4711", "Corner Shop", str(caller.key)):
        assert canary not in told
    assert {name for span in spans.all() for name in span.attributes} <= ATTRIBUTES


def test_what_nobody_has_listed_is_dropped_and_an_error_has_no_text(spans: Kept) -> None:
    with pytest.raises(ValueError, match=CANARY), tracing.span("x", {"mail": EMAIL, "cause": None}):
        raise ValueError(CANARY)
    assert only(spans.all()).attributes == {"error.type": "ValueError"}
    assert CANARY not in spans.text()


def test_a_line_of_the_log_says_which_trace_it_belongs_to(spans: Kept) -> None:
    with tracing.span("x", {}):
        inside = a_line()
    assert inside["trace_id"] == only(spans.all()).trace
    assert "trace_id" not in a_line()


def a_line() -> dict[str, Any]:
    """As it is written, whoever says something."""
    written = (handler.formatter for handler in logging.getLogger().handlers)
    formatter = next(each for each in written if isinstance(each, ProcessorFormatter))
    line: dict[str, Any] = json.loads(formatter.format(logging.makeLogRecord({"msg": "said"})))
    return line
