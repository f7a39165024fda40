"""docs/backups.md as an operator follows it: what was lost with the machine is there again, and sound."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.served import ROOT, environment, onboarding
from tests.servers.postgres import Postgres

PAGE = (ROOT / "docs" / "backups.md").read_text(encoding="utf-8")
DUMP, COPY, KEYS, UNPACK, PG_RESTORE, PUT_BACK, CHECK = re.findall(
    r"```sh\n(.*?)```", PAGE, re.DOTALL
)
# All but the last command, which finds what there was to find before, too.
WORD = "".join(CHECK.splitlines(keepends=True)[:-1])
BIN = Path(sys.executable).parent


def run(script: str, folder: Path, variables: Mapping[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment(PATH=f"{BIN}:{os.environ['PATH']}") | dict(variables),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def begun(folder: Path, variables: Mapping[str, str]) -> str:
    """An installation with a few onboardings in it; one of them, as `show` tells it."""
    for command in (("migrate",), ("demo", "--population", "20")):
        done = onboarding(folder, *command, **variables)
        assert done.returncode == 0, done.stderr
    return listed(folder, variables)


def listed(folder: Path, variables: Mapping[str, str]) -> str:
    done = onboarding(folder, "ls", "--json", "--limit", "100", **variables)
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


def references(listed: str) -> list[str]:
    return sorted(json.loads(line)["reference"] for line in listed.splitlines())


def is_sound(folder: Path, variables: Mapping[str, str], before: str, said: str) -> None:
    """Nobody is missing, the operator's word was heard, and no rule is broken."""
    assert references(listed(folder, variables)) == references(before)
    assert "Destroyed 1 client secrets that waited to be shown" in said
    assert "This database knows nothing after" in said
    done = onboarding(folder, "doctor", "--deep", **variables)
    assert re.findall(r"^ok +(I\d+) ", done.stdout, re.MULTILINE)
    assert re.findall(r"^FIND +(\w+)", done.stdout, re.MULTILINE) == ["incidents", "overdue"]


def lose(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def test_what_sqlite_has_is_there_again(tmp_path: Path) -> None:
    variables = {"ONBOARDING_KEYS_DIR": str(tmp_path / "keys")}
    before = begun(tmp_path, variables)
    run(COPY + KEYS, tmp_path, variables)
    lose(tmp_path / "keys")
    lose(tmp_path / "var")
    said = run(UNPACK + PUT_BACK + WORD, tmp_path, variables)
    is_sound(tmp_path, variables, before, said)


def test_what_postgresql_has_is_there_again(tmp_path: Path, postgres: Postgres) -> None:
    url = postgres.create_database("backup")
    variables = {
        "ONBOARDING_KEYS_DIR": str(tmp_path / "keys"),
        "ONBOARDING_DATABASE_URL": url,
        "DATABASE": url.replace("+psycopg", ""),
        # Of the server's own version.
        "PATH": f"{postgres.cluster.binaries / 'bin'}:{BIN}:{os.environ['PATH']}",
    }
    before = begun(tmp_path, variables)
    run(DUMP + KEYS, tmp_path, variables)
    lose(tmp_path / "keys")
    postgres.drop_database("backup")
    postgres.create_database("backup")
    said = run(UNPACK + PG_RESTORE + WORD, tmp_path, variables)
    is_sound(tmp_path, variables, before, said)
    postgres.drop_database("backup")
