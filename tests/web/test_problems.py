"""Every refusal is told the same way, and what breaks inside stays inside."""

from collections.abc import Iterator

import pytest
from bs4 import BeautifulSoup
from fastapi import FastAPI
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from structlog.testing import capture_logs

from onboarding import db
from onboarding.db import transaction
from onboarding.errors import (
    EventNotAllowed,
    Forbidden,
    Invalid,
    MovedOn,
    NotEligible,
    Refusal,
    RoleNeeded,
    TooMany,
    Unavailable,
)
from onboarding.sealing import Keyring
from onboarding.web import pages
from onboarding.web.problems import install_problem_handlers, problem
from onboarding.web.refusals import NameTaken, QuotaExceeded, Stale
from onboarding.words import translate
from tests.servers.postgres import Postgres
from tests.web.calling import System, a_system, refused, served

SAMPLES: dict[type[Refusal], Refusal] = {
    EventNotAllowed: EventNotAllowed("confirm", "started", ("cancel",), "contact_verified"),
    MovedOn: MovedOn("started", 3),
    Stale: Stale('"3"', "started", 3, ["cancel"]),
    Invalid: Invalid({"name": "Too long."}),
    NameTaken: NameTaken({"name": "feedwise has this name."}),
    TooMany: TooMany(3600),
    QuotaExceeded: QuotaExceeded(10, "default"),
    Forbidden: Forbidden("secrets:reveal"),
    RoleNeeded: RoleNeeded("lead"),
    NotEligible: NotEligible("Nothing has failed for good"),
}


def every_refusal(kind: type[Refusal] = Refusal) -> Iterator[type[Refusal]]:
    yield kind
    for narrower in kind.__subclasses__():
        # Words of other places are not the API's.
        if narrower.__module__ in {"onboarding.errors", "onboarding.web.refusals"}:
            yield from every_refusal(narrower)


@pytest.mark.parametrize("kind", [*every_refusal()], ids=lambda kind: kind.__name__)
def test_every_refusal_is_told_as_a_problem(kind: type[Refusal]) -> None:
    app = FastAPI()
    install_problem_handlers(app)

    @app.get("/v1/refuses")
    def refuses() -> None:
        raise SAMPLES.get(kind) or kind()

    answer = System(app).get("/v1/refuses")
    told = refused(answer, kind.status, kind.code)
    assert told["title"].endswith(".")
    passing = kind.status in {429, 503} or kind.code in {"collided", "in_flight"}
    assert told["retryable"] == (passing and kind.code != "outcome_unknown")
    waits = kind.status in {429, 503} or kind.code == "in_flight"
    assert ("retry-after" in answer.headers) == waits
    challenges = kind.status == 401 or kind is Forbidden
    assert ("www-authenticate" in answer.headers) == challenges


def test_a_problem_is_told_in_the_language_of_the_caller(sqlite: Engine, ring: Keyring) -> None:
    app = served(ring)
    told = {}
    for locale in ("en", "fr"):
        for path in ("/v1/onboardings", "/v1/" + "x" * 9000):
            answer = System(app).get(path, accept_language=f"{locale}, *;q=0.1")
            assert answer.headers["content-language"] == locale
            assert answer.headers["vary"] == "Accept-Language"
            told[path, locale] = answer.json()
    for path in ("/v1/onboardings", "/v1/" + "x" * 9000):
        english, french = told[path, "en"], told[path, "fr"]
        assert english["code"] == french["code"]
        assert english["detail"] != french["detail"]
        assert english["title"] != french["title"]


def test_what_is_wrong_in_a_body_is_pointed_at(sqlite: Engine, ring: Keyring) -> None:
    system = a_system(served(ring))
    answer = system.post("/v1/onboardings", {"locale": "en", "contact": {"email": "a", "x/y": 1}})
    errors = refused(answer, 422, "invalid")["errors"]
    assert {(e["field"], e["pointer"], e["code"]) for e in errors} == {
        ("contact.email", "#/contact/email", "string_pattern_mismatch"),
        ("contact.x/y", "#/contact/x~1y", "extra_forbidden"),
    }
    events = system.start()["links"]["events"]
    answer = system.post(events, {"event": "choose_type", "data": {"connection_type": "x"}})
    (error,) = refused(answer, 422, "invalid")["errors"]
    assert (error["field"], error["pointer"]) == ("connection_type", "#/data/connection_type")
    (error,) = refused(system.get("/v1/onboardings?limit=0"), 422, "invalid")["errors"]
    assert (error["field"], error["code"]) == ("limit", "greater_than_equal")
    assert "pointer" not in error


def test_a_case_adds_its_facts() -> None:
    body = bytes(problem(SAMPLES[EventNotAllowed]).body)
    for fact in (b'"state":"started"', b'"allowed_events":["cancel"]', b'"unmet":"contact_verif'):
        assert fact in body
    assert problem(SAMPLES[TooMany]).headers["retry-after"] == "3600"


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (OperationalError("SELECT secret FROM /var/lib", {}, Exception("x")), 503, "unavailable"),
        (PoolTimeout("secret of /var/lib"), 503, "busy"),
        (IntegrityError("INSERT secret INTO /var/lib", {}, Exception("x")), 409, "collided"),
        (RuntimeError("secret in /var/lib"), 500, "crashed"),
        (KeyError("secret"), 500, "crashed"),
    ],
)
def test_what_breaks_inside_stays_inside(error: Exception, status: int, code: str) -> None:
    """T54."""
    answer = System(raising(error)).get("/v1/breaks")
    refused(answer, status, code)
    for inside in ("secret", "/var/lib", "SELECT", "INSERT", "Error"):
        assert inside not in answer.text


def test_a_crash_is_found_in_the_log_by_its_instance() -> None:
    error = KeyError("seven")
    with capture_logs() as logged:
        told = refused(System(raising(error)).get("/v1/breaks"), 500, "crashed")
    (entry,) = logged
    assert (entry["log_level"], entry["event"]) == ("error", "crashed")
    assert (entry["instance"], entry["exc_info"]) == (told["instance"], error)


def test_a_page_shows_the_instance_that_it_asks_people_to_tell() -> None:
    app = FastAPI()
    install_problem_handlers(app, pages.refusal)

    @app.get("/fr/breaks")
    def breaks() -> None:
        raise KeyError("seven")

    with capture_logs() as logged:
        answer = System(app).get("/fr/breaks")
    assert answer.status_code == 500
    assert str(logged[0]["instance"]) in answer.text
    assert "Une erreur s’est produite de notre côté" in answer.text
    assert "seven" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "came_from", "leads_to"),
    [
        ("GET", "/en/connections?page=2", None, "/en/connections?page=2"),
        ("GET", "http://api//elsewhere.example/x", None, "/elsewhere.example/x"),
        ("POST", "/en/here/cancel", "http://api/en/here", "/en/here"),
        ("POST", "/en/here/cancel", "http://api//elsewhere.example", "/elsewhere.example"),
        ("POST", "/en/here/cancel", None, "/"),
    ],
)
def test_where_something_did_not_answer_the_page_asks_again(
    method: str, path: str, came_from: str | None, leads_to: str
) -> None:
    app = FastAPI()
    install_problem_handlers(app, pages.refusal)

    @app.api_route("/{anything:path}", methods=["GET", "POST"])
    def breaks() -> None:
        raise Unavailable

    answer = System(app).send(method, path, {"referer": came_from} if came_from else {})
    assert answer.status_code == 503
    button = BeautifulSoup(answer.text, "html.parser").select_one("main a.govuk-button")
    assert button is not None
    assert (button.get_text(), button["href"]) == ("Try again", leads_to)


@pytest.mark.parametrize("kind", [*every_refusal()], ids=lambda kind: kind.__name__)
def test_every_refusal_is_told_in_every_language(kind: type[Refusal]) -> None:
    refusal = SAMPLES.get(kind) or kind()
    for said in (refusal.sentence, refusal.advice):
        assert translate("fr", said) != said


def test_people_get_pages_and_programs_get_problems() -> None:
    def page(request: Request, refusal: Refusal) -> Response:
        return PlainTextResponse(refusal.code, refusal.status)

    app = FastAPI()
    install_problem_handlers(app, page)
    assert System(app).get("/en/nowhere").text == "not_found"
    for path in ("/v1", "/v1/nowhere", "/livez", "/readyz", "/metrics"):
        refused(System(app).get(path), 404, "not_found")
    assert System(app).get("/v1nowhere").text == "not_found"


def test_a_program_that_finds_nothing_is_told_where_the_documentation_is(
    sqlite: Engine, ring: Keyring
) -> None:
    system = a_system(served(ring))
    for path in ("/v1", "/v1/nowhere", "/v1/onboardings/1", "/v1/operations/runs/9"):
        for locale in ("en", "fr"):
            answer = system.send("GET", path, {"accept-language": locale})
            advice = refused(answer, 404, "not_found")["detail"]
            assert "/docs" in advice
            assert "e-mail" not in advice
    for path in ("/oauth2/nowhere", "/.well-known/openid-configuration", "/metrics/nowhere"):
        for locale in ("en", "fr"):
            answer = System(system.app).send("GET", path, {"accept-language": locale})
            advice = refused(answer, 404, "not_found")["detail"]
            assert "/.well-known/oauth-authorization-server" in advice
            assert "e-mail" not in advice
    assert "e-mail" in system.send("GET", "/en/nowhere").text


def test_without_a_database_everybody_is_asked_to_come_back(postgres: Postgres) -> None:
    gone = postgres.create_database("gone")
    db.connect(gone)
    postgres.drop_database("gone")
    app = FastAPI()
    install_problem_handlers(app)

    @app.get("/v1/clock")
    def clock() -> str:
        with transaction() as session:
            return str(db.clock(session))

    answer = System(app).get("/v1/clock")
    assert refused(answer, 503, "unavailable")["retryable"] is True
    assert answer.headers["retry-after"] == "5"
    assert "gone" not in answer.text


def raising(error: Exception) -> FastAPI:
    """An app with one route, which breaks."""
    app = FastAPI()
    install_problem_handlers(app)

    @app.get("/v1/breaks")
    def breaks() -> None:
        raise error

    return app
