"""What a run costs: processor time of each process, and what PostgreSQL wrote."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

_TICKS = os.sysconf("SC_CLK_TCK")


def processor_time(roots: Iterable[int]) -> float:
    """Seconds that these processes and all their descendants have used, the ended ones included."""
    parents = {}
    used = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            pid = int(entry.name)
            parents[pid] = int(fields[1])
            # Its own, user and system, and that of the children it has waited for.
            used[pid] = sum(int(field) for field in fields[11:15])
    family = set(roots)
    grown = True
    while grown:
        more = {pid for pid, parent in parents.items() if parent in family} - family
        grown = bool(more)
        family |= more
    return sum(used.get(pid, 0) for pid in family) / _TICKS


def machine_time() -> float:
    """Seconds that all processors of this machine have worked, for whomever."""
    user, nice, system, _, _, irq, soft = map(int, Path("/proc/stat").read_text().split()[1:8])
    return (user + nice + system + irq + soft) / _TICKS


@dataclass(frozen=True)
class Written:
    """What PostgreSQL has done since it started."""

    commits: int
    rows: int
    wal_bytes: int
    flushes: int

    @classmethod
    def read(cls, connection: psycopg.Connection[Any]) -> "Written":
        connection.execute("SELECT pg_stat_clear_snapshot()")
        commits, rows = connection.execute(
            "SELECT xact_commit, tup_inserted + tup_updated + tup_deleted"
            " FROM pg_stat_database WHERE datname = current_database()"
        ).fetchone()  # type: ignore[misc]
        wal_bytes = connection.execute("SELECT wal_bytes FROM pg_stat_wal").fetchone()
        flushes = connection.execute(
            "SELECT sum(fsyncs) FROM pg_stat_io WHERE object = 'wal'"
        ).fetchone()
        return cls(commits, rows, int(wal_bytes[0]), int(flushes[0] or 0))  # type: ignore[index]

    def per(self, before: "Written", journeys: int) -> dict[str, float]:
        return {
            "commits": (self.commits - before.commits) / journeys,
            "rows": (self.rows - before.rows) / journeys,
            "wal_kB": (self.wal_bytes - before.wal_bytes) / journeys / 1000,
            "flushes": (self.flushes - before.flushes) / journeys,
        }
