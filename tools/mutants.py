"""Seeds known bugs, one at a time, and shows which test turns red: `python -m tools.mutants [NAME…]`.

Each file of tests/mutants/ is a patch of the product: what the bug is, which tests must catch it,
and the change. It is applied to a copy of the tree, never to the tree itself. A bug that no test
catches fails the run.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "tests" / "mutants"
# What git does not know, and tests need.
FETCHED = (".browser", "tests/servers/oidc_provider/node_modules")
# Seconds for the tests of one bug; a bug may well make them hang.
PATIENCE = 300


@dataclass(frozen=True)
class Mutant:
    """One seeded bug."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.stem

    @property
    def bug(self) -> str:
        return self.path.read_text(encoding="utf-8").splitlines()[0]

    @property
    def tests(self) -> list[str]:
        """The arguments of pytest that must turn red."""
        lines = self.path.read_text(encoding="utf-8").splitlines()
        (line,) = (line for line in lines if line.startswith("Caught by: "))
        return shlex.split(line.removeprefix("Caught by: "))


def main(names: list[str]) -> int:
    """Try the named ones, or all; 1 if any survives."""
    chosen = [one for one in mutants() if not names or one.name in names]
    survivors = []
    with a_copy() as copy:
        for one in chosen:
            began = time.monotonic()
            red = first_red(one, copy)
            took = time.monotonic() - began
            print(f"{'caught' if red else 'ALIVE':<7}{one.name}: {one.bug}", flush=True)
            print(f"       {red or 'no test turned red'} ({took:.0f} s)", flush=True)
            survivors += [] if red else [one.name]
    print(f"\n{len(chosen) - len(survivors)} of {len(chosen)} seeded bugs caught.")
    return 1 if survivors else 0


def mutants() -> list[Mutant]:
    """All of them, by name."""
    return [Mutant(path) for path in sorted(FOLDER.glob("*.patch"))]


def applies(one: Mutant, tree: Path, *how: str) -> bool:
    """Whether the patch fits the tree; with `--reverse` or without `--check` it changes it."""
    done = subprocess.run(
        ["git", "apply", *how, str(one.path)], cwd=tree, capture_output=True, check=False
    )
    return done.returncode == 0


def first_red(one: Mutant, copy: Path) -> str | None:
    """The first test that fails with the bug in place; None: all of them pass."""
    if not applies(one, copy):
        raise SystemExit(f"{one.path} does not fit the code any more: seed the bug anew.")
    try:
        return _run(one, copy)
    finally:
        applies(one, copy, "--reverse")


@contextmanager
def a_copy() -> Iterator[Path]:
    """What git tracks, in a folder of its own, with what was fetched for the tests beside it."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        listed = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
        )
        for path in filter(None, listed.stdout.split("\0")):
            (copy / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, copy / path)
        for fetched in FETCHED:
            if (ROOT / fetched).exists():
                (copy / fetched).symlink_to(ROOT / fetched)
        yield copy


def _run(one: Mutant, copy: Path) -> str | None:
    """The copy comes before the installed product, in this process and in those that it starts."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-rfE", *one.tests]
    try:
        ended = subprocess.run(
            command,
            cwd=copy,
            env=os.environ | {"PYTHONPATH": str(copy)},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"the tests hung for {PATIENCE} s"
    if ended.returncode == 0:
        return None
    if ended.returncode != 1:
        raise SystemExit(f"pytest could not run for {one.name}:\n{ended.stdout[-2000:]}")
    return next(
        line.removeprefix("FAILED ").removeprefix("ERROR ").partition(" - ")[0]
        for line in ended.stdout.splitlines()
        # With one space: lines of a log begin with their level, too.
        if line.startswith(("FAILED tests", "ERROR tests"))
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
