"""The whole product as `onboarding serve` runs it, and its commands, as processes in a folder."""

import os
import subprocess
import sys
import threading
from pathlib import Path

# As at a terminal: whoever runs the tests in the background has Ctrl-C ignored, and so do children.
_HEARS = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
COMMAND = [sys.executable, "-c", f"{_HEARS}; from workers.cli import main; main()"]
ROOT = Path(__file__).parents[1]
SECONDS = 60


class Served:
    """A running `onboarding serve --demo`, and what it has printed until "Ctrl-C stops."."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "log.txt"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "serve", "--demo"],
                cwd=folder,
                env=environment(ONBOARDING_PORT="0"),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.out = self._first_words()

    @property
    def url(self) -> str:
        """Where it answers."""
        return next(w.rstrip("/") for w in self.out.split() if w.startswith("http://"))

    def _first_words(self) -> str:
        assert self.process.stdout is not None
        late = threading.Timer(SECONDS, self.process.kill)
        late.start()
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if line.startswith("Ctrl-C"):
                break
        late.cancel()
        return "".join(lines)


def onboarding(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """One command, from its start to its end."""
    return subprocess.run(
        [*COMMAND, *arguments],
        check=False,
        cwd=folder,
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if "ONBOARDING" not in name}
    return kept | {"PYTHONPATH": str(ROOT), "COLUMNS": "80"} | more
