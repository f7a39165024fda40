"""Dynamic registration where servers do as oidc-provider does not: each answer that the standards leave open."""

import json
from collections.abc import Callable

import httpx
import pytest
from pydantic import SecretStr

from onboarding.authorization import Refused, Registered, Registration, Standing, Unavailable
from onboarding.authorization.registration import DynamicRegistration
from onboarding.authorization.speaking import Line
from tests.told import a_secret

ENDPOINT = "https://login.example/reg"
HELD = Registration("https://login.example/reg/1", SecretStr("its-token"))
CLIENT = Registered("cid_" + "a" * 22, "ONB-00000-00000")
KNOWN = Registered(CLIENT.client_id, CLIENT.name, HELD)

Answers = Callable[[httpx.Request], httpx.Response]


def a_server(answers: Answers) -> DynamicRegistration:
    """One that answers so."""
    http = httpx.Client(transport=httpx.MockTransport(answers))
    return DynamicRegistration(Line(http), ENDPOINT, SecretStr("initial"))


def made(request: httpx.Request, **other: object) -> httpx.Response:
    """As RFC 7592 §3 wants it: all that was asked for, and how to manage it."""
    managed = {"registration_client_uri": HELD.uri, "registration_access_token": "its-token"}
    return httpx.Response(201, json=json.loads(request.content) | managed | other)


def one_of_an_id(there: list[str]) -> Answers:
    """A server that makes no second client with an ID."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            there.append("there")
            return made(request) if len(there) == 1 else httpx.Response(409)
        if request.headers["authorization"] != "Bearer its-token" or not there:
            return httpx.Response(401)
        if request.method == "DELETE":
            there.clear()
        return httpx.Response(204 if request.method == "DELETE" else 200, json={})

    return answer


def test_where_an_id_is_taken_the_first_makes_room_for_the_second() -> None:
    server = a_server(one_of_an_id(there := ["there"]))
    assert server.standing(KNOWN) is Standing.WORKS
    assert server.replace_secret(KNOWN, a_secret()) == HELD
    assert there == ["there"]
    server.revoke(KNOWN)
    assert there == []
    assert server.standing(KNOWN) is Standing.MISSING


def test_where_its_token_is_lost_besides_nobody_can_do_anything() -> None:
    server = a_server(one_of_an_id(["there"]))
    with pytest.raises(Refused) as registering:
        server.register(CLIENT, a_secret())
    with pytest.raises(Refused) as revoking:
        server.revoke(CLIENT)
    assert registering.value.cause == revoking.value.cause == "client_id_taken"


@pytest.mark.parametrize(
    "other",
    [
        {"registration_client_uri": "https://elsewhere.example/reg/1"},
        {"registration_client_uri": "http://login.example/reg/1"},
        {"registration_client_uri": None},
        {"registration_access_token": None},
    ],
)
def test_a_client_that_cannot_be_managed_there_is_not_taken(other: dict[str, object]) -> None:
    """Its token is for nobody else: it would be sent wherever an answer says."""
    with pytest.raises(Unavailable) as strange:
        a_server(lambda request: made(request, **other)).register(CLIENT, a_secret())
    assert strange.value.cause == "authorization_server_answer"


@pytest.mark.parametrize("chosen", [{"client_id": "theirs"}, {"client_secret": "theirs"}])
@pytest.mark.parametrize(("status", "says"), [(204, "deleted again"), (500, "still there")])
def test_a_server_that_chooses_itself_is_told_so(
    chosen: dict[str, str], status: int, says: str
) -> None:
    """Whether what it has made is gone decides whether there is something to do by hand."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.method)
        return made(request, **chosen) if request.method == "POST" else httpx.Response(status)

    with pytest.raises(Refused, match=says) as refused:
        a_server(answer).register(CLIENT, a_secret())
    assert refused.value.cause == "client_id_not_taken"
    assert asked == ["POST", "DELETE"]
    assert "theirs" not in str(refused.value)
