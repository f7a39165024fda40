"""schemathesis asks everything of the real program, and follows its links."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from onboarding import access
from tests.served import Served, environment, onboarding

SCHEMATHESIS: Final = Path(sys.executable).with_name("schemathesis")
# Of each operation: the same ones on every machine, however fast it is.
EXAMPLES: Final = 15
# What JSON Schema cannot say of a text (that it shows on one line) is answered with 422, to data that
# fits the schema as well: two operations with such texts refuse most of what is made up. Outside a walk there is no secret to reveal, so all that is asked of that
# operation alone is refused, as is all that is asked about a secret in use or with an access token, and so is a cursor that no page has given: that is no news. Links are our
# own, not guessed. Whoever asks everything without a key is soon held up as one who guesses; that none
# is needed nowhere, `test_api_matrix` asks. A stream goes on for minutes: `test_api_event_stream`. What
# the marketplace tells is signed, and nobody here has the key: `test_api_inbound`.
SETTINGS: Final = """
[warnings]
fail-on = true

[[operations]]
include-operation-id = "onboardings_reveal_secret"
warnings = false

[[operations]]
include-operation-id = "onboardings_listed"
warnings = false

[[operations]]
include-operation-id = "clients_replace"
warnings = false

[[operations]]
include-operation-id = "clients_end_old"
warnings = false

[[operations]]
include-operation-id = "clients_whoami"
warnings = false

[[operations]]
include-operation-id = "events_stream"
enabled = false

[[operations]]
include-operation-id = "events_stream_of_all"
enabled = false

[[operations]]
include-operation-id = "inbound_receive"
warnings = false

[[operations]]
include-operation-id = "onboardings_fire"
warnings = false

[[operations]]
include-operation-id = "aggregators_record"
warnings = false

[phases.stateful.inference]
algorithms = []

[checks.missing_required_header]
expected-statuses = [400, 401, 403, 406, 415, 422, 428]

[checks.ignored_auth]
enabled = false

[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", 401, 403, 404, 409, 412, 422, 428, 429]
"""


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Served]:
    """The whole product in one process, with samples."""
    served = Served(tmp_path)
    yield served
    served.process.kill()
    served.process.wait()
    assert served.process.stdout is not None
    served.process.stdout.close()


def test_no_request_breaks_it(running: Served) -> None:
    scopes = [word for scope in access.SCOPES for word in ("--scope", scope)]
    key = onboarding(running.folder, "keys", "create", "walker", *scopes).stdout.strip()
    report, said = asked(running, key)
    assert (report["errors"], report["failures"]) == ([], []), said
    assert [each for each in report["warnings"].values() if each] == [], said
    # All but the streams.
    assert report["operations"]["tested"] == report["operations"]["total"] - 2 > 0
    assert {phase["status"] for phase in report["phases"].values()} == {"success"}
    assert "Traceback" not in running.log.read_text()
    cases = report["test_cases"]["generated"]
    print(f"schemathesis: {cases} cases, 0 failures, 0 warnings")  # noqa: T201


def asked(running: Served, key: str) -> tuple[dict[str, Any], str]:
    """Its report, and what it says at a terminal."""
    folder = running.folder
    (folder / "schemathesis.toml").write_text(SETTINGS)
    done = subprocess.run(
        [
            *(SCHEMATHESIS, "--config-file", folder / "schemathesis.toml"),
            *("run", f"{running.url}/v1/openapi.json", "--header", f"Authorization: Bearer {key}"),
            *("--max-examples", str(EXAMPLES), "--generation-deterministic"),
            *("--continue-on-failure",),
            *("--report-json-path", folder / "report.json"),
        ],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    report: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return report, done.stdout[-6000:] + done.stderr[-2000:]
