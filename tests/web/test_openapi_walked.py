"""schemathesis asks everything of the real program, and follows its links to a secret that is in use."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.served import Served
from tests.web import walker

ONE: Final = "/v1/onboardings/{onboarding_id}"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Served]:
    """The whole product in one process, with samples."""
    served = Served(tmp_path)
    yield served
    served.process.kill()
    served.process.wait()
    assert served.process.stdout is not None
    served.process.stdout.close()


def test_no_request_breaks_it_and_links_lead_to_a_secret(running: Served) -> None:
    asked = walker.ask(running)
    report, said = asked.report, asked.said
    assert (report["errors"], report["failures"]) == ([], []), said
    assert {name: each for name, each in report["warnings"].items() if each} == {}, said
    # All but the streams.
    assert report["operations"]["tested"] == report["operations"]["total"] - 2 > 0
    assert {phase["status"] for phase in report["phases"].values()} == {"success"}
    assert "Traceback" not in running.log.read_text()
    reveals = asked.walked(f"POST {ONE}/secret-reveal", 200, "reveal")
    saved = asked.walked(f"POST {ONE}/events", 200, "acknowledge")
    assert min(reveals, saved) > 0, said
    cases = report["test_cases"]["generated"]
    print(  # noqa: T201
        f"schemathesis: {cases} cases, 0 failures, 0 warnings, {reveals} reveals, {saved} acknowledged"
    )
