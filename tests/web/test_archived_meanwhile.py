"""An onboarding that is archived while somebody looks: on PostgreSQL, between two statements of one look."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

from onboarding import archiving
from onboarding.sealing import Keyring
from tests import builders
from tests.noting import behind_each
from tests.test_archiving import OLD, YEAR
from tests.web.calling import System, a_system, expect, refused, served
from tests.web.operating import at_console


@pytest.fixture
def system(postgresql: Engine, ring: Keyring) -> System:
    return a_system(served(ring))


@contextmanager
def archived_after_a_look(engine: Engine, folder: Path) -> Iterator[None]:
    """As soon as the first statement has read onboardings, all that is over is gone."""
    seen: list[str] = []

    def archive(statement: str) -> None:
        if "FROM onboardings" in statement and not seen:
            seen.append(statement)
            assert [each.count for each in archiving.archive(YEAR, folder)] == [1]

    with behind_each(engine, archive):
        yield
    assert seen


def over_for_long(system: System) -> dict[str, Any]:
    onboarding = system.start()
    system.fire(onboarding, "cancel")
    builders.age(UUID(onboarding["id"]), OLD)
    return onboarding


@pytest.mark.parametrize("path", ["/v1/onboardings", "/v1/operations/onboardings"])
def test_a_list_leaves_it_out(
    system: System, postgresql: Engine, tmp_path: Path, path: str
) -> None:
    over_for_long(system)
    stays = system.start()
    with archived_after_a_look(postgresql, tmp_path):
        page = expect(system.get(path), 200)
    assert [each["id"] for each in page["items"]] == [stays["id"]]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/onboardings/{}",
        "/v1/onboardings/{}/requirements",
        "/v1/operations/onboardings/{}",
    ],
)
def test_by_itself_it_is_not_found(
    system: System, postgresql: Engine, tmp_path: Path, path: str
) -> None:
    gone = over_for_long(system)
    with archived_after_a_look(postgresql, tmp_path):
        refused(system.get(path.format(gone["id"])), 404, "not_found")


def test_its_page_at_the_console_is_not_found(
    system: System, postgresql: Engine, ring: Keyring, tmp_path: Path
) -> None:
    gone = over_for_long(system)
    viewer = at_console(served(ring), "viewer")
    viewer.get("/en/console")
    with archived_after_a_look(postgresql, tmp_path):
        assert viewer.get(f"/en/console/onboardings/{gone['reference']}").status_code == 404
