"""A connection that works: named anew, unlinked, revoked. Each is final, known to all, and leaves the state as it is."""

from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding import connections, event_log, following, links, queries, replacing
from onboarding.access import PLATFORM, Actor
from onboarding.afterwards import DONE
from onboarding.db import reading, transaction
from onboarding.errors import EventNotAllowed, EventNotYours, Invalid, MovedOn, NotEligible
from onboarding.following import Wanted
from onboarding.invariants.running import violations
from onboarding.models import SealedSecret
from onboarding.sealing import Keyring
from tests import builders
from tests.builders import ACCOUNT, API, OPERATOR, SELLER
from tests.racing import race
from tests.web.calling import expect, refused, served
from tests.web.presenting import Caller, a_caller

EMAIL = "ada@shop.example"


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return served(ring)


def revoke(onboarding_id: UUID, actor: Actor = SELLER, **more: Any) -> bool:
    with transaction() as session:
        return connections.revoke(session, onboarding_id, actor, **more)


def unlink(onboarding_id: UUID, actor: Actor = SELLER, **more: Any) -> bool:
    with transaction() as session:
        return connections.unlink(session, onboarding_id, actor, **more)


def rename(onboarding_id: UUID, name: str, actor: Actor = SELLER) -> None:
    with transaction() as session:
        connections.rename(session, onboarding_id, actor, name)


def told(onboarding_id: UUID) -> list[str]:
    """The types of its events, as other systems get them."""
    with reading() as session:
        wanted = Wanted(None, onboarding_id=onboarding_id)
        page = following.page(session, wanted, event_log.BEGINNING, 100)
        return [body["type"] for body in page.bodies("https://here.example")]


def healthy() -> None:
    assert list(violations()) == []


@pytest.mark.parametrize("state", DONE)
def test_revoked_credentials_work_nowhere_from_that_moment(app: FastAPI, state: str) -> None:
    caller = a_caller(app, state)
    token = caller.token()
    expect(caller.whoami(token), 200)
    since = builders.the(caller.id).entered_at
    assert revoke(caller.id)
    expect(caller.ask(), 401)
    refused(caller.whoami(token), 401, "token_revoked")
    one = builders.the(caller.id)
    assert (one.state, one.entered_at) == (state, since)
    assert told(caller.id)[-1] == "onboarding.credentials_revoked"
    healthy()
    builders.work()
    healthy()


def test_revoking_ends_a_new_secret_that_waits_and_the_link(app: FastAPI) -> None:
    caller = a_caller(app)
    with transaction() as session:
        replacing.ask(session, caller.id, SELLER, 3)
    builders.work(caller.id)
    revoke(caller.id)
    with reading() as session:
        assert session.query(SealedSecret).count() == 0
        assert links.live_link(session, caller.id) is None
        ended = connections.ended(session, builders.the(caller.id))
    assert ended
    assert ended.client
    assert ended.link
    healthy()


@pytest.mark.parametrize("end", [revoke, unlink])
def test_of_many_who_end_it_at_once_one_does(app: FastAPI, end: Any) -> None:
    one = builders.an_onboarding("confirmed", email=EMAIL)
    builders.work()
    sequence = builders.the(one).sequence
    assert sorted(map(str, race(*[lambda: end(one)] * 8))) == ["False"] * 7 + ["True"]
    assert builders.the(one).sequence == sequence + 1
    letters = [m.about["notice"] for m in builders.promised("send_email", one)]
    assert letters == ["credentials_revoked" if end is revoke else "link_ended"]
    healthy()


def test_a_client_that_is_unlinked_lives_and_acts_for_nobody(app: FastAPI) -> None:
    caller = a_caller(app)
    token = caller.token()
    assert unlink(caller.id)
    expect(caller.ask(), 200)
    expect(caller.whoami(token), 200)
    refused(caller.whoami(token, ACCOUNT.seller_id), 403, "client_not_linked")
    assert told(caller.id)[-1] == "onboarding.link_ended"
    with reading() as session:
        ((link, onboarding),) = connections.unlinked_from(session, ACCOUNT.issuer, ACCOUNT.subject)
    assert (onboarding.id, link.ended_at is not None) == (caller.id, True)
    healthy()
    assert revoke(caller.id)
    expect(caller.ask(), 401)
    healthy()


def test_the_aggregator_of_a_delegated_connection_is_unlinked_too(database: Engine) -> None:
    one = builders.an_onboarding("confirmed", delegated=True)
    with pytest.raises(NotEligible):
        revoke(one)
    assert unlink(one)
    healthy()


@pytest.mark.parametrize("state", ["started", "secret_ready", "seller_linked", "cancelled"])
def test_what_is_not_done_has_its_own_ways_to_end(database: Engine, state: str) -> None:
    one = builders.an_onboarding(state)
    for verb in (revoke, unlink, lambda each: rename(each, "Mine")):
        with pytest.raises(EventNotAllowed):
            verb(one)


def test_nobody_is_unlinked_who_was_never_linked(database: Engine) -> None:
    with pytest.raises(NotEligible):
        unlink(builders.an_onboarding("credentials_issued"))


@pytest.mark.parametrize("actor", [PLATFORM, Actor("developer", "browser:developer")])
def test_only_owners_and_operators_end_anything(database: Engine, actor: Actor) -> None:
    one = builders.an_onboarding("confirmed")
    for verb in (revoke, unlink):
        with pytest.raises(EventNotYours):
            verb(one, actor)
    for other in (API, OPERATOR):
        assert unlink(builders.an_onboarding("confirmed"), other)


def test_a_form_that_has_fallen_behind_ends_nothing(database: Engine) -> None:
    one = builders.an_onboarding("confirmed")
    seen = builders.the(one).sequence
    rename(one, "Mine")
    with pytest.raises(MovedOn):
        revoke(one, expected=seen)


def test_a_name_is_kept_and_history_does_not_have_it(database: Engine) -> None:
    one = builders.an_onboarding("confirmed")
    rename(one, "  Été · shop 2 ")
    assert builders.the(one).connection_name == "Été · shop 2"
    with reading() as session:
        last = queries.history(session, one)[-1]
    assert (last.event, last.details) == ("rename", {})
    rename(one, "Été · shop 2")
    assert builders.the(one).sequence == last.sequence
    healthy()


@pytest.mark.parametrize("name", ["", "   ", "a" * 81, "a\nb", "a\x00b", "a\u202eb", "\x1b[31m"])
def test_what_is_no_name_is_refused_and_changes_nothing(sqlite: Engine, name: str) -> None:
    one = builders.an_onboarding("confirmed")
    with pytest.raises(Invalid):
        rename(one, name)
    assert builders.the(one).connection_name is None


def test_eighty_characters_are_a_name(sqlite: Engine) -> None:
    one = builders.an_onboarding("confirmed")
    rename(one, "é" * 80)
    assert builders.the(one).connection_name == "é" * 80


def test_a_task_that_makes_a_secret_finds_nothing_to_do_once_it_is_revoked(app: FastAPI) -> None:
    caller: Caller = a_caller(app)
    with transaction() as session:
        replacing.ask(session, caller.id, SELLER, 3)
    revoke(caller.id)
    builders.work()
    assert builders.promised() == []
    healthy()
