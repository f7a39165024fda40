"""Keycloak as the authorization server, and all that can go wrong with one: its Admin API at our border."""

import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import Engine

from onboarding import db
from onboarding.authorization import Refused, Registered, Standing, Unavailable
from onboarding.authorization.choosing import the_server
from onboarding.authorization.keycloak import Keycloak as Keycloaks
from onboarding.authorization.speaking import Line, connected
from onboarding.db import reading
from onboarding.sealing import Keyring
from onboarding.settings import WrongSettings, settings
from tests.builders import a_walk, an_onboarding, end_the_rest_of, fire, promised, state_of, work
from tests.databases import forget_settings
from tests.servers.certificate import write_certificate
from tests.servers.keycloak import (
    ADMIN,
    OUR_ID,
    OUR_SECRET,
    TOKEN,
    Keycloak,
    Reply,
    keycloak_server,
)
from tests.told import a_secret, client_of, last_details, tell
from workers import turns

CLIENT = Registered("cid_" + "a" * 22, "ONB-00000-00000")
HTML: Reply = (200, {"content-type": "text/html"}, b"<html>checking your browser</html>")


@pytest.fixture(autouse=True)
def told(ring: Keyring, keycloak: Keycloak, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(monkeypatch, keycloak.settings)


def test_a_client_is_one_of_the_realm_with_our_id_and_our_secret(
    database: Engine, keycloak: Keycloak
) -> None:
    walk = a_walk("confirmed")
    assert walk.revealed is not None
    (made,) = keycloak.kept.values()
    assert made["clientId"] == walk.revealed.client_id
    assert made["secret"] == walk.revealed.secret.get_secret_value()
    assert made["serviceAccountsEnabled"]
    assert not made["publicClient"] | made["standardFlowEnabled"] | made["fullScopeAllowed"]
    got = httpx.post(
        settings().token_endpoint,
        data={"grant_type": "client_credentials"},
        auth=(made["clientId"], made["secret"]),
    )
    assert got.json()["access_token"]


def test_a_secret_that_was_replaced_ends_there_and_the_rest_of_the_client_stays(
    database: Engine, keycloak: Keycloak
) -> None:
    onboarding_id = an_onboarding("secret_ready")
    (made,) = keycloak.kept.values()
    first, made["attributes"] = made["secret"], {"set": "by an administrator"}
    fire(onboarding_id, "reissue_secret")
    work()
    (kept,) = keycloak.kept.values()
    assert kept["id"] == made["id"]
    assert kept["secret"] != first
    assert kept["attributes"] == {"set": "by an administrator"}


def test_a_client_that_is_revoked_is_removed_there(database: Engine, keycloak: Keycloak) -> None:
    onboarding_id = an_onboarding("secret_ready")
    fire(onboarding_id, "cancel")
    work()
    assert keycloak.kept == {}
    assert client_of(onboarding_id).withdrawn_at


@pytest.mark.parametrize(
    ("standing", "cause"), [("missing", "client_missing"), ("disabled", "client_disabled")]
)
def test_a_client_that_gets_no_token_there_is_no_connection(
    database: Engine, keycloak: Keycloak, standing: str, cause: str
) -> None:
    onboarding_id = an_onboarding("verifying")
    if standing == "missing":
        keycloak.kept.clear()
    for each in keycloak.kept.values():
        each["enabled"] = False
    work()
    assert state_of(onboarding_id) == "seller_linked"
    assert last_details(onboarding_id) == {"cause": cause}


def test_each_step_can_be_done_twice(keycloak: Keycloak) -> None:
    with the_server(settings()) as server:
        assert server.standing(CLIENT) is Standing.MISSING
        for secret in (a_secret(), a_secret()):
            server.register(CLIENT, secret)
            assert keycloak.clients() == {CLIENT.client_id: secret.get_secret_value()}
        server.replace_secret(CLIENT, secret := a_secret())
        assert keycloak.clients() == {CLIENT.client_id: secret.get_secret_value()}
        assert server.standing(CLIENT) is Standing.WORKS
        server.revoke(CLIENT)
        server.revoke(CLIENT)
        assert keycloak.kept == {}
        server.replace_secret(CLIENT, secret)
        assert keycloak.clients() == {CLIENT.client_id: secret.get_secret_value()}


def test_two_that_register_the_same_client_at_once_make_one(keycloak: Keycloak) -> None:
    """The other one is done between our look and our try."""
    secret, faster = a_secret(), a_secret().get_secret_value()

    def overtake(asked: tuple[str, str]) -> None:
        if asked == ("POST", ADMIN):
            keycloak.kept["1"] = {"id": "1", "clientId": CLIENT.client_id, "secret": faster}

    keycloak.before = overtake
    with the_server(settings()) as server:
        server.register(CLIENT, secret)
    assert keycloak.clients() == {CLIENT.client_id: secret.get_secret_value()}


@pytest.mark.parametrize(
    ("where", "reply", "cause"),
    [
        (
            ("POST", TOKEN),
            (401, {}, {"error": "unauthorized_client"}),
            "authorization_server_login",
        ),
        (("GET", ADMIN), (403, {}, {"error": "HTTP 403 Forbidden"}), "authorization_server_login"),
        (("POST", ADMIN), (429, {}, {}), "authorization_server_busy"),
        (("POST", ADMIN), (500, {}, {"error": "unknown_error"}), "authorization_server_failing"),
        (("GET", ADMIN), (503, {}, b"busy"), "authorization_server_failing"),
        (("GET", ADMIN), (408, {}, None), "authorization_server_failing"),
        (("GET", ADMIN), HTML, "authorization_server_answer"),
        (("GET", ADMIN), (200, {}, {"error": "no list"}), "authorization_server_answer"),
        (("POST", TOKEN), (200, {}, {"token": "none"}), "authorization_server_answer"),
        (("GET", ADMIN), (200, {}, b" " * 300_000), "authorization_server_answer"),
    ],
)
def test_what_may_be_over_by_itself_is_tried_again_by_the_outbox(
    sqlite: Engine, keycloak: Keycloak, where: tuple[str, str], reply: Reply, cause: str
) -> None:
    onboarding_id = an_onboarding("issuing_secret")
    (message,) = promised("generate_secret")
    keycloak.instead[where] = reply
    turns.run(str(message.id))
    (left,) = promised("generate_secret")
    assert (left.cause, left.attempts, left.failed_at) == (cause, 1, None)
    assert OUR_SECRET not in str(left.last_error)
    assert keycloak.asked.count(where) == 1
    end_the_rest_of(message.id)
    turns.run(str(message.id))
    assert state_of(onboarding_id) == "secret_ready"
    assert len(keycloak.kept) == 1


@pytest.mark.parametrize("status", [302, 400, 404, 422])
def test_what_will_not_change_is_an_incident_at_once(
    sqlite: Engine, keycloak: Keycloak, status: int
) -> None:
    """A redirect is not followed: it could lead a secret anywhere."""
    elsewhere = {"location": f"{keycloak.url}/elsewhere"}
    keycloak.instead["POST", ADMIN] = status, elsewhere, {"errorMessage": "no"}
    an_onboarding("issuing_secret")
    work()
    (incident,) = promised("generate_secret")
    assert (incident.cause, incident.attempts) == ("authorization_server_refused", 1)
    assert incident.failed_at
    assert not any(path.endswith("/elsewhere") for _, path in keycloak.asked)


def test_it_waits_for_as_long_as_the_server_asks(database: Engine, keycloak: Keycloak) -> None:
    """A number, or a time by the server's own clock; an hour at most."""
    told = datetime(2001, 1, 1, tzinfo=UTC)
    for asked, waits in (
        ({"retry-after": "120"}, 120),
        (_until(told + timedelta(seconds=300), told), 300),
        ({"retry-after": "999999"}, 3600),
    ):
        keycloak.instead["POST", ADMIN] = 429, asked, {}
        an_onboarding("issuing_secret")
        message = promised("generate_secret")[-1]
        turns.run(str(message.id))
        left = promised("generate_secret")[-1]
        with reading() as session:
            seconds = (left.due_at - db.clock(session)).total_seconds()
        assert waits - 30 < seconds <= waits


@pytest.mark.parametrize("said", ["soon", "-5", "", "Mon, 99 Jan 2001 00:00:00 GMT"])
def test_a_wait_that_is_none_is_no_more_than_usual(keycloak: Keycloak, said: str) -> None:
    keycloak.instead["POST", ADMIN] = 429, {"retry-after": said}, {}
    with the_server(settings()) as server, pytest.raises(Unavailable) as busy:
        server.register(CLIENT, a_secret())
    assert busy.value.wait == 0


def test_a_server_that_is_away_is_told(keycloak: Keycloak) -> None:
    keycloak.close()
    with the_server(settings()) as server, pytest.raises(Unavailable) as away:
        server.revoke(CLIENT)
    assert away.value.cause == "authorization_server_away"
    assert OUR_SECRET not in str(away.value)


def test_a_server_that_dawdles_is_away(keycloak: Keycloak) -> None:
    """Whatever it answers in the end: a worker's turn is not for ever."""
    told = threading.Event()
    keycloak.before = lambda _: told.wait()
    with connected() as http, pytest.raises(Unavailable) as late:
        Keycloaks(Line(http, 0.2), keycloak.url, OUR_ID, SecretStr(OUR_SECRET)).revoke(CLIENT)
    told.set()
    assert late.value.cause == "authorization_server_away"


def test_no_secret_goes_to_a_server_whose_certificate_is_strange(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = write_certificate(tmp_path / "tls")
    with keycloak_server(certificate) as strange:
        tell(monkeypatch, strange.settings)
        with the_server(settings()) as server, pytest.raises(Unavailable) as refused:
            server.register(CLIENT, a_secret())
        assert refused.value.cause == "authorization_server_certificate"
        assert strange.asked == []
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with the_server(settings()) as server:
            server.register(CLIENT, a_secret())
        assert len(strange.kept) == 1


def test_an_id_that_leads_elsewhere_is_not_followed(keycloak: Keycloak) -> None:
    keycloak.kept["../../users"] = {
        "id": "../../users",
        "clientId": CLIENT.client_id,
        "secret": "",
    }
    with the_server(settings()) as server, pytest.raises(Unavailable) as strange:
        server.revoke(CLIENT)
    assert strange.value.cause == "authorization_server_answer"


def test_a_client_that_is_there_and_not_to_be_found_is_refused(keycloak: Keycloak) -> None:
    keycloak.instead["POST", ADMIN] = 409, {}, {"errorMessage": "Client already exists"}
    with the_server(settings()) as server, pytest.raises(Refused) as taken:
        server.register(CLIENT, a_secret())
    assert taken.value.cause == "client_id_taken"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("URL", "", "ONBOARDING_AUTHORIZATION_SERVER_URL"),
        ("SECRET", "", "ONBOARDING_AUTHORIZATION_SERVER_SECRET"),
        ("CLIENT_ID", "", "ONBOARDING_AUTHORIZATION_SERVER_CLIENT_ID"),
        ("URL", "https://login.example/auth", "ends in /realms/"),
        ("URL", "http://login.example/realms/sellers", "an https:// URL"),
    ],
)
def test_half_a_server_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(f"ONBOARDING_AUTHORIZATION_SERVER_{name}", value)
    forget_settings()
    with pytest.raises(WrongSettings) as wrong:
        settings()
    assert says in str(wrong.value)
    assert OUR_SECRET not in str(wrong.value)


def _until(instant: datetime, by: datetime) -> dict[str, str]:
    told = {"retry-after": instant, "date": by}
    return {name: format_datetime(value, usegmt=True) for name, value in told.items()}
