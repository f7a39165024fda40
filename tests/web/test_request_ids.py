"""A request has one name: in its answer, in its problem, in the log and in the operators' trail."""

from uuid import UUID

import pytest
from fastapi import Request
from sqlalchemy import Engine

from onboarding import audit, logs
from onboarding.db import reading, transaction
from onboarding.sealing import Keyring
from tests.web.calling import System, a_system, refused, served


@pytest.fixture
def system(sqlite: Engine, ring: Keyring) -> System:
    return a_system(served(ring))


def test_a_caller_s_name_is_kept_for_whatever_is_answered(system: System) -> None:
    for path in ("/v1/onboardings", "/en/", "/nowhere", "/livez", "/v1/" + "x" * 9000):
        assert system.get(path, x_request_id="order-17").headers["x-request-id"] == "order-17"


@pytest.mark.parametrize("sent", [None, "", " ", "a b", "é", "x" * 129, "<b>", '"a"'])
def test_where_it_has_none_that_can_be_kept_it_gets_one(system: System, sent: str | None) -> None:
    headers = {} if sent is None else {"x_request_id": sent}
    given = {system.get("/v1/onboardings", **headers).headers["x-request-id"] for _ in range(2)}
    assert len({UUID(each) for each in given}) == 2


def test_a_problem_names_its_request(system: System) -> None:
    answer = system.get("/v1/nothing", x_request_id="order-17")
    assert refused(answer, 404, "not_found")["request_id"] == "order-17"
    answer = System(system.app).get("/v1/onboardings")
    assert answer.headers["x-request-id"] == refused(answer, 401, "unauthorised")["request_id"]


def test_what_works_for_a_request_knows_its_name_and_tells_the_trail(
    sqlite: Engine, ring: Keyring
) -> None:
    said: list[str | None] = []

    def works(request: Request) -> None:
        said.append(logs.request_id())
        with transaction() as session:
            audit.append(session, ring, audit.Attempt("mara", "lead", "cancel", "INC-442"))

    app = served(ring)
    app.add_api_route("/works", works)
    assert System(app).get("/works", x_request_id="order-17").status_code == 200
    assert said == ["order-17"]
    assert logs.request_id() is None
    with reading() as session:
        assert audit.latest(session, 1)[0].details == {"request_id": "order-17"}
        assert [*audit.verify(session, ring)] == []
