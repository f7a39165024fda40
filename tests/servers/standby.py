"""Other lives of a PostgreSQL server's data: a standby that follows it, and a dump put back."""

import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import psycopg

from tests.servers import process
from tests.servers.postgres import SETTINGS, USER, Cluster, conninfo


class Standby(Cluster):
    """A server that follows another one over its Unix socket, and that nobody waits for."""

    def __init__(self, folder: Path, primary: Cluster) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "log"
        self.url = primary.url.set(query={"host": str(folder)})
        self.binaries = primary.binaries
        self._settings = SETTINGS | {"unix_socket_directories": str(folder)}
        folder.mkdir(mode=0o700)
        if USER:
            shutil.chown(folder, USER)
        how = ["--write-recovery-conf", "--checkpoint=fast", "--no-sync"]
        run(primary, "pg_basebackup", "--pgdata", self.data, *how, user=USER)

    def catch_up(self, primary: Cluster, seconds: float = 60) -> None:
        """Wait until everything that the primary has written can be read here."""
        there = ask(primary, "SELECT pg_current_wal_lsn()::text")
        assert there
        deadline = time.monotonic() + seconds
        while ask(self, f"SELECT pg_last_wal_replay_lsn() >= '{there[0]}'") != (True,):
            assert time.monotonic() < deadline, process.last_words(self.log)
            time.sleep(0.01)

    def lose_sight(self, primary: Cluster, seconds: float = 60) -> None:
        """As if the network to the primary had gone: what it writes from here on stays there."""
        ask(self, "ALTER SYSTEM SET primary_conninfo = ''")
        ask(self, "SELECT pg_reload_conf()")
        deadline = time.monotonic() + seconds
        while ask(primary, "SELECT count(*) FROM pg_stat_replication") != (0,):
            assert time.monotonic() < deadline, process.last_words(self.log)
            time.sleep(0.01)

    def promote(self) -> None:
        """Become the primary."""
        assert ask(self, "SELECT pg_promote(true, 60)") == (True,)


def run(server: Cluster, program: str, *arguments: str | Path, user: str = "") -> None:
    """One of PostgreSQL's own programs, against a server."""
    command = [server.binaries / "bin" / program, *arguments]
    where: list[str | Path] = ["--host", server.folder, "--username", "postgres"]
    line = process.leashed([*command[:1], *where, *command[1:]], user=user)
    ended = subprocess.run(line, check=False, capture_output=True, text=True, cwd="/")
    if ended.returncode:
        raise process.ServerFailed(f"{program} failed:\n{ended.stdout}{ended.stderr}")


def ask(server: Cluster, statement: str) -> tuple[Any, ...] | None:
    """The first row of the answer, if it has one."""
    with psycopg.connect(conninfo(server.url), autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchone() if cursor.description else None
