"""One-time codes: right for one address, one onboarding, ten minutes and five tries."""

from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select, update

from onboarding import lifecycle, proofs
from onboarding.db import reading, transaction
from onboarding.errors import TooMany
from onboarding.models import ContactCode
from onboarding.sealing import Keyring
from tests import builders
from tests.builders import an_onboarding, make_older, promised, the
from tests.dumping import everything_written
from tests.racing import race

EMAIL = "seller@shop.example"
MARGIN = timedelta(seconds=30)


def send(onboarding_id: UUID, email: str = EMAIL) -> UUID:
    with transaction() as session:
        proofs.send_code(session, lifecycle.lock(session, onboarding_id), email)
        code = proofs.latest_code(session, onboarding_id)
        assert code is not None
        return code.id


def enter(onboarding_id: UUID, ring: Keyring, code: str) -> str:
    with transaction() as session:
        onboarding = lifecycle.lock(session, onboarding_id)
        return proofs.check_code(session, ring, onboarding, code)


def test_a_code_is_not_in_the_database(database: Engine, ring: Keyring) -> None:
    code = proofs.code_of(ring, send(an_onboarding()))
    assert f"'{code}'".encode() not in everything_written(database)


def test_a_right_code_verifies_its_address_once(database: Engine, ring: Keyring) -> None:
    onboarding_id = an_onboarding()
    code = proofs.code_of(ring, send(onboarding_id))
    assert len(code) == 6
    assert the(onboarding_id).contact_verified_at is None
    assert enter(onboarding_id, ring, f" {code[:3]} {code[3:]}\n") == "right"
    assert the(onboarding_id).contact_email == EMAIL
    assert the(onboarding_id).contact_verified_at is not None
    assert enter(onboarding_id, ring, code) == "expired"


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(entered=st.text(max_size=12) | st.sampled_from(["²²²²²²", "٣٣٣٣٣٣", "", "００００００"]))
def test_whatever_is_entered_is_answered(sqlite: Engine, ring: Keyring, entered: str) -> None:
    onboarding_id = an_onboarding()
    send(onboarding_id, f"{onboarding_id}@shop.example")
    assert enter(onboarding_id, ring, entered) == "wrong"


def test_a_code_may_be_mistyped_five_times(database: Engine, ring: Keyring) -> None:
    """T24."""
    onboarding_id = an_onboarding()
    code = proofs.code_of(ring, send(onboarding_id))
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    assert [enter(onboarding_id, ring, wrong) for _ in range(5)] == ["wrong"] * 4 + ["too_many"]
    assert enter(onboarding_id, ring, code) == "too_many"
    assert the(onboarding_id).contact_verified_at is None


def test_guessing_at_once_is_guessing_five_times(database: Engine, ring: Keyring) -> None:
    onboarding_id = an_onboarding()
    code = int(proofs.code_of(ring, send(onboarding_id)))
    guesses = [f"{(code + shift) % 1_000_000:06}" for shift in range(1, 17)]
    outcomes = race(*(partial(enter, onboarding_id, ring, guess) for guess in guesses))
    assert outcomes.count("wrong") == 4
    assert outcomes.count("too_many") == 12
    with reading() as session:
        assert session.scalars(select(ContactCode.attempts)).one() == 5


def test_a_code_entered_sixteen_times_at_once_counts_once(database: Engine, ring: Keyring) -> None:
    onboarding_id = an_onboarding()
    code = proofs.code_of(ring, send(onboarding_id))
    outcomes = race(*[lambda: enter(onboarding_id, ring, code)] * 16)
    assert outcomes.count("right") == 1
    assert outcomes.count("expired") == 15


def test_a_code_lasts_ten_minutes(database: Engine, ring: Keyring) -> None:
    onboarding_id = an_onboarding()
    code = proofs.code_of(ring, send(onboarding_id))
    make_older(ContactCode, "created_at", timedelta(minutes=10) + MARGIN)
    assert enter(onboarding_id, ring, code) == "expired"


def test_a_page_that_shows_where_a_code_went_waits_for_nobody(postgresql: Engine) -> None:
    onboarding_id = an_onboarding("type_chosen")
    send(onboarding_id)
    with postgresql.begin() as connection:
        connection.execute(select(ContactCode.id).with_for_update())
        with reading() as session:
            assert proofs.latest_code(session, onboarding_id) is not None


def test_only_the_latest_code_counts_by_the_clock_of_the_database(
    database: Engine, ring: Keyring
) -> None:
    """IDs begin with the time of the machine that made them, and machines differ."""
    onboarding_id = an_onboarding()
    first = send(onboarding_id)
    make_older(ContactCode, "created_at", timedelta(minutes=1))
    second = send(onboarding_id, "other@shop.example")
    ahead = UUID(int=second.int + (1 << 90))
    with transaction() as session:
        session.execute(update(ContactCode).where(ContactCode.id == first).values(id=ahead))
    assert enter(onboarding_id, ring, proofs.code_of(ring, ahead)) == "wrong"
    assert enter(onboarding_id, ring, proofs.code_of(ring, second)) == "right"


def test_a_code_is_for_its_onboarding_only(database: Engine, ring: Keyring) -> None:
    mine, theirs = an_onboarding(), an_onboarding()
    code = proofs.code_of(ring, send(mine))
    send(theirs)
    assert enter(theirs, ring, code) == "wrong"


def test_five_codes_an_hour_and_no_more(database: Engine) -> None:
    onboarding_id = an_onboarding()
    for number in range(5):
        send(onboarding_id, f"{number}@shop.example")
    with pytest.raises(TooMany):
        send(onboarding_id, "another@shop.example")
    assert len(promised("send_email")) == 5
    make_older(ContactCode, "created_at", timedelta(hours=1))
    send(onboarding_id, "another@shop.example")


def test_asking_for_codes_at_once_gives_five(database: Engine) -> None:
    onboarding_id = an_onboarding()
    asked = [partial(send, onboarding_id, f"{number}@shop.example") for number in range(12)]
    outcomes = race(*asked)
    assert sum(isinstance(o, TooMany) for o in outcomes) == 7, outcomes
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(ContactCode)) == 5


def test_no_code_of_before_makes_another_the_contact_once_a_client_id_is_issued(
    database: Engine, ring: Keyring
) -> None:
    """Two tabs: one asks for a code to another address, and the other one goes on meanwhile."""
    onboarding_id = an_onboarding("type_chosen", connection_type="plugin")
    assert enter(onboarding_id, ring, proofs.code_of(ring, send(onboarding_id))) == "right"
    code = proofs.code_of(ring, send(onboarding_id, "somebody@else.example"))
    builders.handle(onboarding_id, "issue_id")
    assert enter(onboarding_id, ring, code) == "expired"
    assert the(onboarding_id).contact_email == EMAIL
    assert enter(onboarding_id, ring, proofs.code_of(ring, send(onboarding_id))) == "right"
