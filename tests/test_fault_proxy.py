"""The proxy breaks what it is told to break, and nothing else."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import psycopg
import pytest
from sqlalchemy import make_url

from tests.servers.fault_proxy import FaultProxy, fault_proxy
from tests.servers.postgres import Postgres, conninfo
from tests.servers.smtp import Smtp


@pytest.fixture
def proxy(postgres: Postgres) -> Iterator[FaultProxy]:
    with fault_proxy(postgres.socket) as running:
        yield running


@contextmanager
def through(proxy: FaultProxy, database: str) -> Iterator[psycopg.Connection]:
    """A connection to a database that goes through the proxy."""
    url = make_url(database).set(host="127.0.0.1", port=proxy.port, query={})
    with psycopg.connect(conninfo(url), connect_timeout=2) as connection:
        yield connection


def numbers(database: str) -> list[int]:
    with psycopg.connect(conninfo(make_url(database))) as connection:
        return [row[0] for row in connection.execute("SELECT n FROM numbers ORDER BY n")]


@pytest.fixture
def database(postgres_database: str) -> str:
    with psycopg.connect(conninfo(make_url(postgres_database))) as connection:
        connection.execute("CREATE TABLE numbers (n int)")
    return postgres_database


def test_everything_passes_until_a_test_says_otherwise(proxy: FaultProxy, database: str) -> None:
    with through(proxy, database) as connection:
        connection.execute("INSERT INTO numbers SELECT generate_series(1, 3)")
    assert numbers(database) == [1, 2, 3]
    assert (proxy.accepted, proxy.cuts) == (1, 0)


@pytest.mark.parametrize("arrives", [True, False])
def test_a_cut_loses_the_answer_or_the_question(
    proxy: FaultProxy, database: str, *, arrives: bool
) -> None:
    for number in range(10):
        proxy.cut(b"COMMIT\0", arrives=arrives)
        with pytest.raises(psycopg.OperationalError), through(proxy, database) as connection:
            connection.execute("INSERT INTO numbers VALUES (%s)", [number])
    assert proxy.cuts == 10
    with through(proxy, database) as connection:
        connection.execute("INSERT INTO numbers VALUES (10)")
    assert numbers(database) == ([*range(11)] if arrives else [10])


def test_a_reset_ends_what_is_open_and_what_comes(proxy: FaultProxy, database: str) -> None:
    with through(proxy, database) as connection:
        proxy.reset()
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError), through(proxy, database):
        pass
    proxy.heal()
    with through(proxy, database) as connection:
        connection.execute("SELECT 1")


def test_what_is_swallowed_gets_no_answer_ever(proxy: FaultProxy, smtp: Smtp) -> None:
    with fault_proxy(smtp.port) as silent:
        silent.swallow()
        with socket.create_connection(("127.0.0.1", silent.port), timeout=0.2) as connection:
            with pytest.raises(TimeoutError):
                connection.recv(1)
            silent.heal()
            with pytest.raises(TimeoutError):
                connection.recv(1)
        with socket.create_connection(("127.0.0.1", silent.port), timeout=5) as connection:
            assert connection.recv(3) == b"220"


def test_a_target_may_come_and_go(tmp_path: Path) -> None:
    address = tmp_path / "socket"
    with fault_proxy(address) as proxy:
        # The reset may come before `connect` has returned, or after.
        with (
            pytest.raises(ConnectionResetError),
            socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as connection,
        ):
            connection.recv(1)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(address))
            listener.listen()
            Thread(target=greet, args=(listener,), daemon=True).start()
            with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as connection:
                assert connection.recv(1) == b"x"


def greet(listener: socket.socket) -> None:
    with listener.accept()[0] as connection:
        connection.sendall(b"x")


def test_it_leaves_asyncio_to_the_other_tests(proxy: FaultProxy) -> None:
    assert asyncio.run(asyncio.sleep(0, "free")) == "free"
