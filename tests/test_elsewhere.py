"""Where the marketplace has an authorization server of its own, it knows each client that works, and no other.

The server is oidc-provider: what is shown here is shown of RFC 7591 and 7592 as somebody else wrote them.
"""

from datetime import timedelta

import httpx
import pytest
from sqlalchemy import Engine, func, select

from onboarding import authorization, replacing
from onboarding.access import CLOCK
from onboarding.authorization import Registered
from onboarding.authorization.choosing import the_server
from onboarding.db import reading, transaction
from onboarding.errors import NotEligible
from onboarding.models import Announced, FurtherLink, SealedSecret
from onboarding.sealing import Keyring
from onboarding.settings import settings
from tests import another_seller, builders
from tests.builders import a_walk, an_onboarding, end_the_rest_of, fire, promised, state_of, work
from tests.dumping import dump
from tests.servers.authorization import Provider
from tests.told import a_secret, claim_of, client_of, last_details, tell
from workers import clock, tasks, turns
from workers.kinds import Outside

pytestmark = pytest.mark.usefixtures("told")


@pytest.fixture
def told(ring: Keyring, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(monkeypatch, provider.settings)


def test_a_secret_that_was_revealed_gets_a_token_there(
    database: Engine, provider: Provider
) -> None:
    revealed = a_walk("confirmed").revealed
    assert revealed is not None
    secret = revealed.secret.get_secret_value()
    assert provider.clients() == {revealed.client_id: secret}
    assert provider.gives_token(revealed.client_id, secret)


def test_a_secret_that_was_replaced_gets_none(database: Engine, provider: Provider) -> None:
    walk = a_walk("secret_revealed")
    first = walk.revealed
    fire(walk.id, "reissue_secret")
    work()
    builders.STEPS["reveal"](walk)
    assert first is not None
    assert walk.revealed is not None
    assert first.client_id == walk.revealed.client_id
    assert not provider.gives_token(first.client_id, first.secret.get_secret_value())
    assert provider.gives_token(first.client_id, walk.revealed.secret.get_secret_value())
    assert len(provider.clients()) == 1


@pytest.mark.parametrize(
    ("state", "event"),
    [
        ("secret_ready", "cancel"),
        ("secret_ready", "start_over"),
        ("secret_revealed", "cancel"),
        ("secret_revealed", "expire"),
    ],
)
def test_a_client_that_is_revoked_is_removed_there(
    database: Engine, provider: Provider, state: str, event: str
) -> None:
    onboarding_id = an_onboarding(state)
    fire(onboarding_id, event, CLOCK if event == "expire" else builders.SELLER)
    assert len(provider.clients()) == 1
    work()
    assert provider.clients() == {}
    assert client_of(onboarding_id).withdrawn_at
    assert promised() == []


def test_what_was_cancelled_before_the_server_was_told_is_never_made_there(
    database: Engine, provider: Provider
) -> None:
    onboarding_id = an_onboarding("issuing_secret")
    fire(onboarding_id, "cancel")
    work()
    assert provider.clients() == {}
    assert client_of(onboarding_id).withdrawn_at
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Announced)) == 0


def test_what_is_cancelled_while_the_server_is_told_is_removed_again(
    database: Engine, provider: Provider
) -> None:
    """The revocation is done before the server has made what it is about."""
    onboarding_id = an_onboarding("issuing_secret")
    (message,) = promised("generate_secret")
    making = tasks.work_of("generate_secret")
    assert isinstance(making, Outside)
    claim = claim_of(message.id)
    with transaction() as session:
        thing = making.prepare(session, claim)
    fire(onboarding_id, "cancel")
    (revoking,) = promised("revoke_client")
    turns.run(str(revoking.id))
    making.do(thing)
    assert len(provider.clients()) == 1
    with pytest.raises(authorization.Unavailable) as late:
        making.keep([(claim, thing)])
    assert late.value.cause == "told_too_late"
    end_the_rest_of(message.id)
    work()
    assert provider.clients() == {}
    assert promised() == []


def test_a_client_that_somebody_has_removed_there_is_no_connection(
    database: Engine, provider: Provider
) -> None:
    onboarding_id = an_onboarding("verifying")
    provider.forget()
    work()
    assert state_of(onboarding_id) == "seller_linked"
    assert last_details(onboarding_id) == {"cause": "client_missing"}


def test_one_that_somebody_has_removed_is_revoked_all_the_same(
    database: Engine, provider: Provider
) -> None:
    """Its token is good for nothing, so nobody can tell whether it is gone; it is made sure of."""
    onboarding_id = an_onboarding("secret_ready")
    provider.forget()
    fire(onboarding_id, "cancel")
    work()
    assert provider.clients() == {}
    assert client_of(onboarding_id).withdrawn_at


def test_a_server_that_chooses_by_itself_is_an_incident_and_keeps_nothing(
    database: Engine, provider: Provider
) -> None:
    provider.choose_itself()
    onboarding_id = an_onboarding("issuing_secret")
    work()
    (incident,) = promised("generate_secret")
    assert (incident.cause, incident.attempts) == ("client_id_not_taken", 1)
    assert incident.failed_at
    assert "deleted again" in str(incident.last_error)
    assert state_of(onboarding_id) == "issuing_secret"
    assert provider.clients() == {}


def test_a_wrong_initial_token_is_told_and_tried_again(
    database: Engine, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(monkeypatch, {"ONBOARDING_AUTHORIZATION_SERVER_SECRET": "another-one"})
    onboarding_id = an_onboarding("issuing_secret")
    (message,) = promised("generate_secret")
    turns.run(str(message.id))
    (left,) = promised("generate_secret")
    assert (left.cause, left.failed_at) == ("authorization_server_login", None)
    assert "another-one" not in str(left.last_error)
    tell(monkeypatch, provider.settings)
    end_the_rest_of(message.id)
    turns.run(str(message.id))
    assert state_of(onboarding_id) == "secret_ready"
    assert len(provider.clients()) == 1


def test_neither_the_secret_nor_the_token_of_a_registration_is_in_the_database(
    database: Engine, provider: Provider
) -> None:
    an_onboarding("secret_ready")
    ((_, secret),) = provider.clients().items()
    kept = repr(dump(database))
    assert secret not in kept
    with reading() as session:
        row = session.scalars(select(Announced)).one()
        assert session.scalar(select(func.count()).select_from(SealedSecret)) == 1
    assert row.uri is not None
    assert row.uri.startswith(provider.url)
    assert "token" not in row.uri


def test_a_secret_in_use_is_not_replaced_where_the_server_has_room_for_one(
    database: Engine, provider: Provider
) -> None:
    """Its owner would be cut off until the new one has been shown, saved and carried everywhere."""
    walk = a_walk("confirmed")
    before = dump(database)
    with pytest.raises(NotEligible), transaction() as session:
        replacing.ask(session, walk.id, builders.SELLER, 0)
    assert dump(database) == before


def test_nobody_is_asked_about_silence_where_calls_are_not_seen(database: Engine) -> None:
    builders.age(an_onboarding("confirmed", email="seller@shop.example"), timedelta(days=8))
    assert not clock.ask_about_silence().done


def test_each_step_can_be_done_twice(provider: Provider) -> None:
    """Without what the first one has answered: that is what a crash loses."""
    client = Registered("cid_" + "a" * 22, "ONB-00000-00000")
    first, second = a_secret(), a_secret()
    with the_server(settings()) as server:
        server.register(client, first)
        server.register(client, second)
        assert provider.clients() == {client.client_id: second.get_secret_value()}
        server.revoke(client)
        server.revoke(client)
        assert provider.clients() == {}


def test_the_standard_says_that_nobody_chooses_the_next_secret(provider: Provider) -> None:
    """RFC 7592 §2.2: why a secret is replaced by registering again."""
    client = Registered("cid_" + "a" * 22, "ONB-00000-00000")
    with the_server(settings()) as server:
        held = server.register(client, a_secret())
    assert held is not None
    wanted = {
        "client_id": client.client_id,
        "client_secret": a_secret().get_secret_value(),
        "grant_types": ["client_credentials"],
        "response_types": [],
        "redirect_uris": [],
    }
    token = {"authorization": f"Bearer {held.token.get_secret_value()}"}
    assert httpx.put(held.uri, json=wanted, headers=token).status_code == 400


@pytest.mark.parametrize("state", ["confirmed", "credentials_issued"])
def test_another_seller_is_linked_where_the_server_knows_the_client(
    database: Engine, provider: Provider, state: str
) -> None:
    one = an_onboarding(state)
    link = another_seller.linked(one)
    with reading() as session:
        assert session.get_one(FurtherLink, link).confirmed_at is not None


def test_where_the_server_knows_it_no_more_nobody_else_is_linked(
    database: Engine, provider: Provider
) -> None:
    one = an_onboarding("confirmed")
    link = another_seller.accepted(one)
    provider.forget()
    work()
    with reading() as session:
        found = session.get_one(FurtherLink, link)
    assert (found.confirmed_at, found.ended_at is None) == (None, False)
    assert last_details(one)["cause"] == "client_missing"
