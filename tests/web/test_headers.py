"""Every response carries the security headers, whatever made it."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from onboarding.web.assets import mount_static
from onboarding.web.headers import security_headers
from tests.web.asking import ask


def broken(request: Request) -> Response:
    raise RuntimeError(request.url.path)


def discreet(request: Request) -> Response:
    return PlainTextResponse("shown once", headers={"Referrer-Policy": "no-referrer"})


def an_app() -> Starlette:
    app = Starlette(routes=[Route("/broken", broken), Route("/discreet", discreet)])
    mount_static(app)
    return app


def test_pages_files_refusals_and_crashes_all_carry_them() -> None:
    """T06."""
    app = security_headers(an_app())
    answers = {
        path: ask(app, path) for path in ("/discreet", "/static/onboarding.css", "/none", "/broken")
    }
    assert [answer.status_code for answer in answers.values()] == [200, 200, 404, 500]
    for answer in answers.values():
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert "geolocation=()" in answer.headers["permissions-policy"]


def test_a_page_may_be_stricter() -> None:
    answer = ask(security_headers(an_app()), "/discreet")
    assert answer.headers.get_list("referrer-policy") == ["no-referrer"]


def test_nothing_inline_and_nothing_from_elsewhere_is_allowed() -> None:
    """T65."""
    policy = ask(security_headers(an_app()), "/none").headers["content-security-policy"]
    assert policy == (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
        " form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )


def test_only_https_is_promised_to_stay_https() -> None:
    assert "strict-transport-security" not in ask(security_headers(an_app()), "/none").headers
    promised = ask(security_headers(an_app(), https=True), "/none").headers
    assert promised["strict-transport-security"] == "max-age=63072000"
