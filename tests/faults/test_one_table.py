"""A statement that fails on one table only (F29): the whole transition is rolled back, and nobody is told that it worked."""

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from tests import builders
from tests.dumping import dump
from tests.faults import write_paths
from tests.faults.breaking import failing
from tests.faults.write_paths import REQUESTS
from tests.web.visiting import letters
from workers import turns

# Where each request writes, besides the onboarding and its history.
REQUESTS_WRITE = {
    "start": ["onboardings", "transitions"],
    "issue_id": ["onboardings", "transitions", "clients", "messages"],
    "reveal": ["onboardings", "transitions", "sealed_secrets", "secrets"],
    "acknowledge_secret": ["onboardings", "transitions", "secrets"],
    "reissue_secret": ["onboardings", "transitions", "secrets", "sealed_secrets", "messages"],
    "aggregator": ["aggregators", "messages"],
    "page link": ["onboardings", "transitions", "links"],
    "page confirm": ["onboardings", "transitions", "messages"],
    "page start over": ["onboardings", "transitions", "clients", "secrets", "messages"],
}
TASKS_WRITE = {
    "generate_secret": ["onboardings", "transitions", "secrets", "sealed_secrets"],
    "replace_secret": ["clients", "secrets", "sealed_secrets"],
    "verify_connection": ["onboardings", "transitions", "links"],
    "check_aggregator": ["onboardings", "transitions"],
    "send_email": ["mails"],
    "revoke_client": ["clients"],
    "canary": ["canaries"],
}


@pytest.mark.parametrize("path", REQUESTS_WRITE)
def test_a_request_that_cannot_write_one_table_writes_none(
    site: FastAPI, engine: Engine, path: str
) -> None:
    attempt = REQUESTS[path](site)
    before = dump(engine)
    for table in REQUESTS_WRITE[path]:
        with failing(engine, table):
            assert attempt.try_it() in {409, 500}, table
        assert dump(engine) == before, table
    assert not any("mps_test_" in answer.text for answer in attempt.answers)
    assert attempt.try_it() in {200, 201, 303}
    assert dump(engine) != before


@pytest.mark.parametrize("task", TASKS_WRITE)
def test_a_task_that_cannot_write_one_table_writes_none(engine: Engine, task: str) -> None:
    message = write_paths.promise(task)
    before = _all_but_attempts(engine)
    for table in TASKS_WRITE[task]:
        with failing(engine, table):
            turns.run(str(message))
        assert _all_but_attempts(engine) == before, table
        (waiting,) = [m for m in builders.promised() if m.id == message]
        assert waiting.last_error
        builders.end_the_rest_of(message)
    turns.run(str(message))
    assert write_paths.done(task, message) == 1
    assert len(letters()) <= 1, "a letter that could not be noted overwrites itself"


def _all_but_attempts(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    """The message says how often it was tried, and why that has failed; that is kept, too."""
    told = {"messages", "failed_attempts"}
    return {name: rows for name, rows in dump(engine).items() if name not in told}
