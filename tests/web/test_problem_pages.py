"""What `type` names is a page: what happened, what to do, and whether to try again."""

from collections.abc import Iterator

import pytest

from onboarding.errors import Refusal
from onboarding.sealing import Keyring
from onboarding.web.problem_pages import kinds
from tests.web.calling import System, served
from tests.web.test_problems import every_refusal
from tests.web.visiting import heading, soup

KINDS = [*every_refusal()]


@pytest.fixture
def server(ring: Keyring) -> System:
    """Without a database: none has to be there."""
    return System(served(ring))


def of_one_code(code: str) -> Iterator[type[Refusal]]:
    return (kind for kind in KINDS if kind.code == code)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_of_problem_has_a_page_in_every_language(
    kind: type[Refusal], server: System
) -> None:
    path = f"/problems/{kind.code}"
    english, french = server.get(path), server.get(path, accept_language="fr-CA, en;q=0.5")
    assert (english.status_code, french.status_code) == (200, 200)
    assert (english.headers["content-language"], english.headers["vary"]) == (
        "en",
        "Accept-Language",
    )
    assert soup(server.get(f"/en{path}")).main == soup(english).main
    assert soup(server.get(f"/fr{path}")).main == soup(french).main
    assert heading(english) != heading(french)
    (known,) = (each for each in of_one_code(kind.code) if each is kinds()[kind.code])
    said = soup(english).main
    assert said is not None
    for sentence in (known.__doc__ or "", known.advice, kind.code):
        assert sentence in said.text
    assert ("The same request may go through later" in said.text) == known.retryable


def test_all_of_them_are_listed(server: System) -> None:
    for locale in ("en", "fr"):
        page = soup(server.get(f"/{locale}/problems"))
        led_to = {str(link["href"]) for link in page.select("main dl a")}
        assert led_to == {f"/{locale}/problems/{kind.code}" for kind in KINDS}
    assert heading(server.get("/problems", accept_language="fr")) == "Problèmes signalés par l’API"


def test_of_what_is_no_kind_of_problem_there_is_no_page(server: System) -> None:
    for path in ("/problems/nothing", "/de/problems", "/de/problems/not_found"):
        assert server.get(path).status_code == 404
