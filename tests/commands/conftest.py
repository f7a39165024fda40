"""The commands as a terminal sees them: arguments in, exit code, stdout and stderr out."""

import json
import logging
import os
import pty
import re
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from onboarding import cli
from tests.databases import forget_settings
from workers import cli as _root  # noqa: F401 - adds its commands
from workers.tasks import TASKS


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The JSON lines of stdout."""
        return [json.loads(line) for line in self.out.splitlines()]


Run = Callable[..., Outcome]


def on_a_terminal(run: Run, *arguments: object) -> str:
    """What a command shows where somebody looks at it, in 80 columns."""
    screen, end = pty.openpty()
    with os.fdopen(end, "w", encoding="utf-8") as stdout, redirect_stdout(stdout):
        assert run(*arguments).code == 0
    shown = b""
    # Linux ends what a terminal has shown with an error.
    with suppress(OSError):
        while read := os.read(screen, 65_536):
            shown += read
    os.close(screen)
    return re.sub(r"\x1b\[\d*m|\r", "", shown.decode())


@pytest.fixture
def run_anywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Run]:
    """Runs a command in an empty folder, as `onboarding` would; settings are variables, as in LIVE="true"."""
    monkeypatch.chdir(tmp_path)
    for name, value in {"COLUMNS": "80", "NO_COLOR": "1", "ONBOARDING_LOG_FORMAT": "json"}.items():
        monkeypatch.setenv(name, value)
    logger = logging.getLogger()
    handlers, level = logger.handlers, logger.level

    def run(*arguments: object, **settings: str) -> Outcome:
        for name, value in settings.items():
            monkeypatch.setenv(f"ONBOARDING_{name}", value)
        forget_settings()
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main(task_names=lambda: TASKS, arguments=[*map(str, arguments)])
        code = ended.value.code or 0
        assert isinstance(code, int)
        printed = capfd.readouterr()
        assert "Traceback" not in printed.err
        return Outcome(code, *printed)

    yield run
    forget_settings()
    # The commands' logs went to a stderr that ends with this test.
    logger.handlers, logger.level = handlers, level


@pytest.fixture
def run(sqlite: Engine, run_anywhere: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command on this test's own database, which has its keyring."""
    return _settled(sqlite, run_anywhere, monkeypatch)


@pytest.fixture
def run_on_both(database: Engine, run_anywhere: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The same once on each database, for what asks it in a way of its own."""
    return _settled(database, run_anywhere, monkeypatch)


def _settled(engine: Engine, run: Run, monkeypatch: pytest.MonkeyPatch) -> Run:
    url = engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("ONBOARDING_DATABASE_URL", url)
    assert run("migrate").code == 0
    return run
