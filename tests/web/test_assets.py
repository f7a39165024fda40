"""Static files: kept for ever under their own version, and by nobody under another."""

import gzip

import pytest
from starlette.applications import Starlette

from onboarding.web.assets import assets, mount_static, static_url
from tests.web.asking import ask


@pytest.fixture
def app() -> Starlette:
    app = Starlette()
    mount_static(app)
    return app


@pytest.mark.parametrize("name", ["onboarding.css", "onboarding.js", "favicon.svg"])
def test_a_page_finds_its_files(app: Starlette, name: str) -> None:
    answer = ask(app, static_url(name))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.content == assets()[name].plain


def test_a_browser_without_gzip_gets_it_plain(app: Starlette) -> None:
    answer = ask(app, static_url("onboarding.css"), accept_encoding="identity")
    assert "content-encoding" not in answer.headers
    assert answer.content == gzip.decompress(assets()["onboarding.css"].gzipped)


@pytest.mark.parametrize("query", ["", "?v=", "?v=00000000"])
def test_another_version_is_not_kept(app: Starlette, query: str) -> None:
    assert ask(app, "/static/onboarding.css" + query).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "name", ["manifest.json", "licences/govuk-frontend.txt", "../pages.py", "%2e%2e/pages.py", ""]
)
def test_nothing_else_is_served(app: Starlette, name: str) -> None:
    assert ask(app, "/static/" + name).status_code == 404


def test_an_address_of_nothing_is_an_error() -> None:
    with pytest.raises(KeyError):
        static_url("missing.css")
