"""What somebody tries with secrets that are replaced: an old one after its end, a new one shown twice."""

from datetime import timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, func, select, update

from onboarding import db
from onboarding.db import reading, transaction
from onboarding.errors import NotEligible, Refusal
from onboarding.models import Client, SealedSecret, Secret
from onboarding.sealing import Keyring
from tests import builders
from tests.racing import race
from tests.test_replacing import ask, end_old, reveal, shown
from tests.web.calling import expect, served
from tests.web.presenting import a_caller


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return served(ring)


def test_an_old_secret_and_its_tokens_open_nothing_after_its_end(
    app: FastAPI, ring: Keyring
) -> None:
    """In every process at once, though no sweep has run: the database's clock decides."""
    old = a_caller(app)
    new = shown(old, days=1)
    token = old.token()
    expect(new.ask(), 200)
    seller = builders.ACCOUNT.seller_id
    expect(old.whoami(token, seller), 200)
    builders.age(old.id, timedelta(days=1, minutes=1))
    for each in (app, served(ring)):
        old.app = new.app = each
        expect(old.ask(), 401)
        assert expect(old.whoami(token, seller), 401)["code"] == "token_revoked"
        expect(new.ask(), 200)


def test_ending_an_old_secret_ends_its_tokens_and_no_others(app: FastAPI) -> None:
    old = a_caller(app)
    new = shown(old)
    tokens = old.token(), new.token()
    end_old(old)
    seller = builders.ACCOUNT.seller_id
    assert [
        each.whoami(token, seller).status_code
        for each, token in zip((old, new), tokens, strict=True)
    ] == [401, 200]


def test_a_new_secret_is_shown_to_one_of_those_who_ask_at_once(app: FastAPI) -> None:
    caller = a_caller(app)
    ask(caller)
    builders.work(caller.id)
    outcomes = race(*[lambda: reveal(caller)] * 8)
    refused = [each for each in outcomes if isinstance(each, Exception)]
    assert len(refused) == 7
    assert {type(each) for each in refused} == {NotEligible}
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(SealedSecret)) == 0


def test_a_new_secret_that_was_sealed_in_another_history_is_shown_to_nobody(app: FastAPI) -> None:
    caller = a_caller(app)
    ask(caller)
    builders.work(caller.id)
    with transaction() as session:
        session.execute(update(SealedSecret).values(fence="elsewhere"))
    with pytest.raises(Refusal):
        reveal(caller)
    expect(caller.ask(), 200)


def test_a_sealed_secret_opens_nothing_before_it_is_shown(app: FastAPI) -> None:
    """Not even for whoever would know it: what nobody was shown, nobody can have."""
    caller = a_caller(app)
    new = shown(caller)
    with transaction() as session:
        session.execute(update(Secret).where(Secret.version == 2).values(revealed_at=None))
    expect(new.ask(), 401)


def test_a_client_that_the_marketplace_has_disabled_is_refused(app: FastAPI) -> None:
    caller = a_caller(app)
    token = caller.token()
    with transaction() as session:
        session.execute(update(Client).values(disabled_at=db.now()))
    expect(caller.ask(), 401)
    expect(caller.whoami(token), 401)
