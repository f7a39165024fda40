"""A client secret: stored as a hash, shown at most once, and lost by no mistake of ours."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, select

from onboarding import announced, credentials, sealing
from onboarding.access import CLOCK, PLATFORM, Actor
from onboarding.checksums import well_formed
from onboarding.credentials import Revealed
from onboarding.db import reading, transaction
from onboarding.errors import (
    EventNotAllowed,
    EventNotYours,
    Invalid,
    MovedOn,
    NotFound,
    TooMany,
    Unavailable,
)
from onboarding.models import SealedSecret, Secret, Transition
from onboarding.sealing import Keyring
from onboarding.settings import settings
from tests import builders
from tests.builders import API, DEVELOPER, OPERATOR, SELLER, a_walk, an_onboarding, fire, state_of
from tests.dumping import dump, everything_written


def test_the_hash_is_of_this_secret_for_this_client_and_version(
    database: Engine, ring: Keyring
) -> None:
    walk = a_walk("secret_revealed")
    assert walk.revealed is not None
    clear = walk.revealed.secret.get_secret_value()
    with reading() as session:
        row = session.scalars(select(Secret)).one()

    def fits(client_id: str, version: int, secret: str) -> bool:
        context = f"client-secret-v1:{client_id}:{version}"
        return sealing.matches(ring, row.pepper_id, context, secret, row.hash)

    assert fits(row.client_id, row.version, clear)
    assert not fits(row.client_id, row.version + 1, clear)
    assert not fits("cid_" + "0" * 22, row.version, clear)
    assert not fits(row.client_id, row.version, clear[:-1])
    assert row.ending == clear[-6:]


def test_a_client_id_is_long_and_public(database: Engine) -> None:
    walk = a_walk("secret_revealed")
    assert walk.revealed is not None
    assert re.fullmatch(r"cid_[0-9A-Za-z]{22}", walk.revealed.client_id)


def test_a_secret_is_shown_at_most_once(database: Engine) -> None:
    onboarding_id = an_onboarding("secret_ready")
    assert well_formed(builders.reveal(onboarding_id).secret.get_secret_value())
    for actor in (SELLER, API):
        with pytest.raises(EventNotAllowed):
            builders.reveal(onboarding_id, actor)
    # Nobody has named one: tests/threats/test_handover.py has those who are.
    with pytest.raises(NotFound):
        builders.reveal(onboarding_id, DEVELOPER)


def test_operators_and_our_own_tasks_never_see_one(database: Engine) -> None:
    onboarding_id = an_onboarding("secret_ready")
    for actor in (OPERATOR, PLATFORM, CLOCK):
        with pytest.raises(EventNotYours):
            builders.reveal(onboarding_id, actor)
    builders.reveal(onboarding_id)


def test_the_clear_secret_is_nowhere_in_the_database(database: Engine, ring: Keyring) -> None:
    """Neither while it is sealed, nor after it was shown, nor after it was saved."""
    walk = a_walk("secret_ready", email="seller@shop.example")
    sealed = everything_written(database)
    builders.STEPS["reveal"](walk)
    assert walk.revealed is not None
    clear = walk.revealed.secret.get_secret_value().encode()
    shown = everything_written(database)
    builders.STEPS["acknowledge"](walk)
    saved = everything_written(database)
    for everything in (sealed, shown, saved):
        assert walk.revealed.client_id.encode() in everything
        assert clear not in everything
        assert clear[9:52] not in everything


def test_what_was_revealed_does_not_print_itself(database: Engine) -> None:
    revealed = builders.reveal(an_onboarding("secret_ready"))
    clear = revealed.secret.get_secret_value()
    assert clear[9:] not in repr(revealed) + str(revealed) + f"{revealed.secret} {revealed!r}"


@pytest.mark.parametrize("wrong", ["another pair", "no private half", "no key of that name"])
def test_a_wrong_keyring_shows_nothing_and_loses_nothing(
    database: Engine, ring: Keyring, wrong: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    onboarding_id = an_onboarding("secret_ready")
    before = dump(database)
    other = sealing.open_keyring(tmp_path_factory.mktemp("other"))
    broken = {
        "another pair": replace(ring, keys=ring.keys | {"seal": other.keys["seal"]}),
        "no private half": replace(ring, keys=ring.keys | {"seal": {}}),
        "no key of that name": replace(ring, keys=ring.keys | {"seal": {"1999-01-01": bytes(32)}}),
    }[wrong]
    with pytest.raises(Unavailable):
        builders.reveal(onboarding_id, ring=broken)
    assert dump(database) == before
    assert well_formed(builders.reveal(onboarding_id).secret.get_secret_value())


def test_a_sealed_secret_opens_for_no_other_client(database: Engine) -> None:
    """Whoever can write to the database cannot have a secret shown by another onboarding."""
    mine, theirs = an_onboarding("secret_ready"), an_onboarding("secret_ready")
    with transaction() as session:
        first, second = session.scalars(select(SealedSecret))
        first.ciphertext, second.ciphertext = second.ciphertext, first.ciphertext
    before = dump(database)
    for onboarding_id in (mine, theirs):
        with pytest.raises(Unavailable):
            builders.reveal(onboarding_id)
    assert dump(database) == before


def test_a_secret_whose_seal_is_gone_can_be_made_again(database: Engine) -> None:
    onboarding_id = an_onboarding("secret_ready")
    with transaction() as session:
        session.delete(session.scalars(select(SealedSecret)).one())
    before = dump(database)
    with pytest.raises(EventNotAllowed) as refused:
        builders.reveal(onboarding_id)
    assert refused.value.allowed == ("reissue_secret",)
    assert dump(database) == before
    builders.handle(onboarding_id, "reissue_secret")
    builders.work(onboarding_id)
    builders.reveal(onboarding_id)


def acknowledge(walk: builders.Walk, wrong: dict[str, Any] | None = None) -> str:
    assert walk.revealed is not None
    ending = walk.revealed.secret.get_secret_value()[-6:]
    given: dict[str, Any] = {"version": walk.revealed.version, "ending": ending} | (wrong or {})
    return builders.handle(walk.id, "acknowledge_secret", **given).state


def test_saving_a_secret_names_its_version_and_its_ending(database: Engine) -> None:
    walk = a_walk("secret_revealed")
    before = dump(database)
    for version in (0, 2, True, "1", None, 2**70):
        with pytest.raises(Invalid):
            acknowledge(walk, {"version": version})
    for ending in ("", "aaaaaa", "é" * 6, 6, None):
        with pytest.raises(Invalid):
            acknowledge(walk, {"ending": ending})
    assert dump(database) == before
    assert acknowledge(walk) == "awaiting_seller"
    with reading() as session:
        secret = session.scalars(select(Secret)).one()
    assert secret.acknowledged_at is not None
    assert secret.ended_at is None


def test_a_whole_secret_pasted_with_spaces_is_an_ending_too(database: Engine) -> None:
    walk = a_walk("secret_revealed")
    assert walk.revealed is not None
    with transaction() as session:
        after = credentials.acknowledge(
            session,
            walk.id,
            SELLER,
            version=1,
            ending=f"  {walk.revealed.secret.get_secret_value()}\n",
        )
    assert after.state == "awaiting_seller"


def test_a_stale_tab_cannot_save_a_secret_that_nobody_has(database: Engine) -> None:
    walk = a_walk("secret_revealed")
    builders.handle(walk.id, "reissue_secret")
    builders.work(walk.id)
    builders.reveal(walk.id)
    with pytest.raises(Invalid):
        acknowledge(walk)
    assert state_of(walk.id) == "secret_revealed"


def test_a_new_secret_ends_the_old_one_at_once(database: Engine, ring: Keyring) -> None:
    walk = a_walk("secret_revealed")
    assert walk.revealed is not None
    old = walk.revealed
    builders.handle(walk.id, "reissue_secret")
    builders.work(walk.id)
    new = builders.reveal(walk.id)
    assert (new.client_id, new.version) == (old.client_id, old.version + 1)
    assert new.secret != old.secret
    with reading() as session:
        rows = session.scalars(select(Secret).order_by(Secret.version)).all()
    assert [(row.version, row.ended_because) for row in rows] == [(1, "reissued"), (2, None)]


def reissued(onboarding_id: UUID, actor: Actor = SELLER) -> Revealed:
    builders.handle(onboarding_id, "reissue_secret", actor)
    builders.work(onboarding_id)
    return builders.reveal(onboarding_id)


def test_after_three_new_secrets_in_a_day_somebody_has_a_look(database: Engine) -> None:
    onboarding_id = an_onboarding("secret_revealed")
    assert [reissued(onboarding_id).version for _ in range(3)] == [2, 3, 4]
    before = dump(database)
    for actor in (SELLER, API):
        with pytest.raises(TooMany):
            builders.handle(onboarding_id, "reissue_secret", actor)
    assert dump(database) == before
    assert reissued(onboarding_id, OPERATOR).version == 5
    with pytest.raises(TooMany):
        builders.handle(onboarding_id, "reissue_secret")
    with transaction() as session:
        for step in session.scalars(select(Transition)):
            step.at -= timedelta(days=1)
    assert reissued(onboarding_id).version == 6


def test_a_late_generation_makes_no_second_secret(database: Engine, ring: Keyring) -> None:
    onboarding_id = an_onboarding("secret_ready")
    before = dump(database)
    for expected in (3, 4):
        with pytest.raises((MovedOn, EventNotAllowed)), transaction() as session:
            credentials.generate(session, onboarding_id, PLATFORM, ring, settings(), expected)
    assert dump(database) == before


def test_what_fails_while_revealing_leaves_the_secret_sealed(database: Engine) -> None:
    onboarding_id = an_onboarding("secret_ready")
    before = dump(database)

    def reveal_and_fail() -> None:
        with transaction() as session:
            credentials.reveal(session, onboarding_id, SELLER, builders.keyring())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        reveal_and_fail()
    assert dump(database) == before


def test_withdrawing_a_client_is_remembered_once(database: Engine) -> None:
    onboarding_id = an_onboarding("secret_ready")
    fire(onboarding_id, "cancel")
    builders.work(onboarding_id)
    once = dump(database)
    client_id = once["clients"][0][0]
    with transaction() as session:
        announced.withdraw(session, client_id)
    assert dump(database) == once
