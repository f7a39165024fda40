"""Clients at another authorization server are managed by tokens, which are kept for longer than a seal key is."""

from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update

from onboarding.db import reading, transaction
from onboarding.models import Announced
from tests.builders import an_onboarding, fire, promised, state_of, work
from tests.racing import race
from tests.servers.authorization import Provider
from tests.test_seal_keys_turn import WEEK, pairs, pass_days, turn
from tests.told import client_of, tell
from workers import clock, turns

pytestmark = pytest.mark.usefixtures("told")


@pytest.fixture
def told(keys: Path, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(monkeypatch, provider.settings)


def token_key() -> str | None:
    with reading() as session:
        return session.scalars(select(Announced.key_id)).one()


def reseal() -> int:
    return clock.reseal_tokens().done


def test_a_token_outlives_the_key_that_it_was_sealed_with(
    database: Engine, keys: Path, provider: Provider
) -> None:
    onboarding_id = an_onboarding("seller_linked")
    (old,) = pairs(keys)
    pass_days(WEEK)
    assert turn() == 1
    pass_days(2)
    assert turn() == 0, "a token is kept under the old one"
    assert sorted(race(*[reseal] * 4), key=str) == [0, 0, 0, 1]
    assert reseal() == 0
    assert turn() == 1
    (new,) = pairs(keys)
    assert token_key() == new != old
    fire(onboarding_id, "confirm")
    work()
    assert state_of(onboarding_id) == "confirmed"


def test_one_that_no_key_opens_any_more_does_not_keep_its_client_alive(
    database: Engine, keys: Path, provider: Provider
) -> None:
    """As after a backup of the database that is older than the keys that there are."""
    onboarding_id = an_onboarding("secret_ready")
    with transaction() as session:
        session.execute(update(Announced).values(key_id="2001-01-01T0000"))
    assert reseal() == 0
    fire(onboarding_id, "cancel")
    work()
    assert provider.clients() == {}
    assert client_of(onboarding_id).withdrawn_at
    assert promised() == []


def test_a_token_whose_key_may_come_back_waits_for_it(
    database: Engine, keys: Path, provider: Provider
) -> None:
    onboarding_id = an_onboarding("secret_ready")
    with transaction() as session:
        session.execute(update(Announced).values(key_id="2999-01-01T0000"))
    fire(onboarding_id, "cancel")
    (message,) = promised("revoke_client")
    turns.run(str(message.id))
    (message,) = promised("revoke_client")
    assert message.cause == "unavailable"
    assert len(provider.clients()) == 1
