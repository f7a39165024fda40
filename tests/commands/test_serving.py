"""`serve`, and `walk` against it: the whole product in one process, as somebody's first minute shows it."""

import json
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from onboarding import walking
from onboarding.commands import exits
from onboarding.commands.exits import Failure
from tests.served import SECONDS, Served, onboarding
from workers.listening import listen

ENDS = {
    "aggregator": "confirmed",
    "plugin": "confirmed",
    "own_development": "confirmed",
    "legacy_soap": "redirected_to_soap",
    "credentials_only": "credentials_issued",
}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for this file; the last test ends it."""
    running = Served(tmp_path_factory.mktemp("served"))
    yield running
    running.process.kill()
    running.process.wait()
    assert running.process.stdout is not None
    running.process.stdout.close()


def test_the_demo_walks_every_type_to_its_end(served: Served) -> None:
    journeys = served.out.split("\n\n")
    for connection_type, end in ENDS.items():
        (told,) = (each for each in journeys if each.strip().startswith(f"{connection_type}\n"))
        assert told.split()[-1] == end, served.out


def test_the_demo_fills_a_new_database(served: Served) -> None:
    assert served.out.strip().startswith("200 sample onboardings, ")
    listed = onboarding(served.folder, "ls", "--limit", "1000", "--json")
    assert len(listed.stdout.splitlines()) >= 200 + len(ENDS)


def test_the_demo_names_places_that_answer(served: Served) -> None:
    assert f"Connect a seller  {served.url}/" in served.out
    assert f"{served.url}/development/mail" in served.out


@pytest.mark.parametrize("connection_type", ENDS)
def test_a_walk_ends_with_one_line_of_json(served: Served, connection_type: str) -> None:
    walked = onboarding(
        served.folder, "walk", "--json", "--type", connection_type, "--url", served.url
    )
    assert walked.returncode == 0, walked.stderr
    found = json.loads(walked.stdout)
    assert [*found] == [
        "type",
        "state",
        "onboarding_id",
        "client_id",
        "client_secret",
        "seller_id",
        "seconds",
    ]
    assert (found["type"], found["state"]) == (connection_type, ENDS[connection_type])
    has_credentials = connection_type not in {"aggregator", "legacy_soap"}
    assert [found[name] is not None for name in ("client_id", "client_secret")] == [
        has_credentials
    ] * 2
    assert (found["seller_id"] is not None) == (found["state"] == "confirmed")
    assert "choose_type" in walked.stderr


def test_no_borrowed_key_is_left(served: Served) -> None:
    shown = onboarding(served.folder, "keys", "ls", "--json")
    keys = [json.loads(line) for line in shown.stdout.splitlines()]
    assert keys
    assert all(key["revoked_at"] for key in keys)


def test_the_trail_has_every_borrowed_key_made_and_revoked(served: Served) -> None:
    keys = onboarding(served.folder, "keys", "ls", "--json").stdout.splitlines()
    told = onboarding(served.folder, "audit", "ls", "--json").stdout.splitlines()
    said = [(each["action"], each["details"].get("key")) for each in map(json.loads, told)]
    borrowed = [each["id"] for each in map(json.loads, keys) if each["name"] == "sample journey"]
    assert borrowed
    for key_id in borrowed:
        assert {("key.create", key_id), ("key.revoke", key_id)} <= {*said}


def test_a_key_that_is_refused_says_so(served: Served) -> None:
    (served.folder / "wrong-key").write_text("onbk_wrong")
    asked = ("walk", "--type", "plugin", "--url", served.url, "--key-file", "wrong-key")
    failed = onboarding(served.folder, *asked)
    assert failed.returncode == exits.REFUSED
    assert "401 unauthorised" in failed.stderr


def test_ctrl_c_ends_it_soon_and_in_order(served: Served) -> None:
    with following(served) as lines:
        assert next(lines).startswith("retry: ")
        begun = time.monotonic()
        served.process.send_signal(signal.SIGINT)
        # A stream that were cut off would raise.
        assert [*lines][-1] == ""
    assert served.process.wait(SECONDS) == 0
    assert time.monotonic() - begun < 5
    assert "Traceback" not in served.log.read_text()
    assert "timeout graceful shutdown" not in served.log.read_text()


@contextmanager
def following(served: Served) -> Iterator[Iterator[str]]:
    """An operator's stream of what changes, line by line."""
    link = onboarding(served.folder, "operators", "link", ONBOARDING_PUBLIC_URL=served.url)
    entrance = link.stdout.strip().replace("/console/", "/en/console/", 1)
    with httpx.Client(headers={"Sec-Fetch-Site": "same-origin"}, timeout=SECONDS) as client:
        assert client.post(entrance).status_code == 303
        with client.stream("GET", f"{served.url}/en/console/live") as stream:
            yield stream.iter_lines()


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        failed = onboarding(tmp_path, "serve", ONBOARDING_PORT=port)
    assert failed.returncode == exits.REFUSED
    assert f"Port {port} is taken." in failed.stderr
    assert "ONBOARDING_PORT" in failed.stderr
    assert not [*tmp_path.iterdir()]


def test_an_address_of_another_machine_is_a_wrong_setting() -> None:
    with pytest.raises(Failure, match=r"ONBOARDING_HOST holds '192\.0\.2\.1'") as failed:
        listen("192.0.2.1", 0)
    assert failed.value.code == exits.USAGE


def test_answers_wait_for_no_acknowledgement() -> None:
    """Without the protocol, asyncio leaves Nagle's algorithm on: 40 ms an answer."""
    with listen("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_every_type_can_be_walked() -> None:
    assert set(walking.CHOICES) == set(ENDS)
