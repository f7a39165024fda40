"""A route that will go says so in each of its answers, and in the API's description."""

from datetime import UTC, datetime

from fastapi import FastAPI

from onboarding.errors import NotFound
from onboarding.web.announcing import announced
from onboarding.web.problems import install_problem_handlers
from onboarding.web.retiring import retiring
from tests.web.calling import System

SINCE, UNTIL = datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 5, 1, 12, tzinfo=UTC)


def test_a_route_that_will_go_says_when_and_what_to_do_instead() -> None:
    app = FastAPI()
    install_problem_handlers(app)

    @app.get("/v2/old", **retiring(since=SINCE, until=UNTIL, instead="/docs/api"))
    def old(is_there: bool = True) -> None:  # noqa: FBT001, FBT002 - a query parameter
        if not is_there:
            raise NotFound

    @app.get("/v2/new")
    def new() -> None:
        pass

    asked = System(announced(app))
    for path, status in (
        ("/v2/old", 200),
        ("/v2/old?is_there=0", 404),
        ("/v2/old?is_there=x", 422),
    ):
        answer = asked.get(path)
        assert answer.status_code == status
        assert answer.headers["deprecation"] == "@1793491200"
        assert answer.headers["sunset"] == "Sat, 01 May 2027 12:00:00 GMT"
        assert '</docs/api>; rel="deprecation"' in answer.headers["link"]
        assert '</docs/api>; rel="sunset"' in answer.headers["link"]
    assert "deprecation" not in asked.get("/v2/new").headers
    paths = app.openapi()["paths"]
    assert paths["/v2/old"]["get"]["deprecated"] is True
    assert "deprecated" not in paths["/v2/new"]["get"]
