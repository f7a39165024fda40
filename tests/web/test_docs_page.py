"""The page about the API: all of it, without a script and without anybody else."""

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import Engine

from onboarding import requirements
from onboarding.sealing import Keyring
from onboarding.web.api_due import HELP
from onboarding.web.describing import operations
from tests.web.calling import System, served


@pytest.fixture
def page(sqlite: Engine, ring: Keyring) -> BeautifulSoup:
    answer = System(served(ring)).get("/docs")
    assert answer.status_code == 200
    return BeautifulSoup(answer.text, "html.parser")


def test_every_operation_and_every_shape_is_on_it(page: BeautifulSoup, ring: Keyring) -> None:
    document = System(served(ring)).get("/v1/openapi.json").json()
    anchors = {str(each["id"]) for each in page.select("[id]")}
    assert {each["operationId"] for _, _, each in operations(document)} <= anchors
    assert {f"shape-{name}" for name in document["components"]["schemas"]} <= anchors
    for link in page.select("main a[href^='#']"):
        assert str(link["href"]).removeprefix("#") in anchors


def test_whatever_may_be_due_is_explained_in_both_languages(page: BeautifulSoup) -> None:
    assert {*requirements.WAITS_FOR.values(), "verified"} <= {*requirements.TEXTS}
    for code in requirements.TEXTS:
        heading = page.select_one(f"#{HELP.partition('#')[2]}{code}")
        assert heading
        texts = heading.find_next_sibling("ul")
        assert texts
        assert len(texts.select("[lang]")) == 2


def test_it_loads_nothing_from_elsewhere(page: BeautifulSoup) -> None:
    loaded = [each.get("src") or each.get("href") for each in page.select("[src], link[href]")]
    assert loaded
    assert all(str(each).startswith("/") for each in loaded)
    assert "onbk_" in page.text
