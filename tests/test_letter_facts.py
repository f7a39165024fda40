"""What a letter can say: of the transition that promised it, whatever has become of the onboarding since."""

from uuid import UUID

import pytest
from sqlalchemy import Engine

from onboarding import credentials, further_sellers, letter_facts, notices
from onboarding.db import reading, transaction
from onboarding.errors import NotFound
from onboarding.ids import new_id
from onboarding.letter_facts import Found
from onboarding.mail import Letter, as_message
from onboarding.outbox import Claim
from onboarding.settings import settings
from tests import another_seller
from tests.builders import ACCOUNT, SELLER, Walk, a_walk, fire, keyring, the, vouch, work
from tests.composing import EMAIL, a_claim, client_id_of, put
from tests.instructions import instructions
from tests.noting import count_statements

# Of the interpreter, to compose a letter with a link, and to write it out: a tenth more than what 3.11 takes.
INSTRUCTIONS = {"compose": 40_500, "write out": 21_300}


def found(onboarding_id: UUID, sequence: int | None = None) -> Found:
    with reading() as session:
        return letter_facts.find(session, onboarding_id, sequence)


def composed(claim: Claim) -> Letter | None:
    with transaction() as session:
        return notices.compose(session, claim, keyring(), settings())


def test_a_letter_is_one_look_and_its_link(database: Engine) -> None:
    claim = a_claim(a_walk("secret_ready", email=EMAIL).id, "secret_ready")
    asked = count_statements(database)
    assert composed(claim)
    assert [text.split()[0] for text in asked if text != "BEGIN IMMEDIATE"] == ["SELECT", "INSERT"]


def test_a_letter_takes_so_many_instructions(postgresql: Engine) -> None:
    claim = a_claim(a_walk("secret_ready", email=EMAIL).id, "secret_ready")
    # The driver has the server prepare what it is asked for the sixth time.
    *_, again = (instructions(lambda: composed(claim)) for _ in range(8))
    letter = composed(claim)
    assert letter
    *_, out = (instructions(lambda: bytes(as_message(letter, settings()))) for _ in range(3))
    taken = {"compose": again, "write out": out}
    assert {it: count for it, count in taken.items() if count > INSTRUCTIONS[it]} == {}


def test_nothing_is_found_of_what_is_not_there(database: Engine) -> None:
    walk = a_walk("type_chosen")
    with pytest.raises(NotFound):
        found(new_id())
    with pytest.raises(NotFound):
        found(walk.id, the(walk.id).sequence + 1)


def test_the_latest_transition_is_asked_for_without_a_number(database: Engine) -> None:
    walk = a_walk("type_chosen")
    assert found(walk.id)[3:] == found(walk.id, the(walk.id).sequence)[3:]


def test_client_and_seller_are_those_of_the_transition(database: Engine) -> None:
    """Started over and at the next client ID: what ended by a transition is what stood at it."""
    walk = a_walk("seller_linked")
    before, first = the(walk.id).sequence, client_id_of(walk.id)
    fire(walk.id, "start_over")
    over = the(walk.id).sequence
    second = issued_again(walk)
    for then in (before, over):
        assert found(walk.id, then).client_id == first
        assert found(walk.id, then).seller_id == ACCOUNT.seller_id
        assert found(walk.id, then).shop_name == ACCOUNT.shop_name
    assert found(walk.id).client_id == second
    assert found(walk.id).seller_id is None


def test_the_secret_is_the_one_that_its_client_goes_by_now(database: Engine) -> None:
    """Of two clients' secrets, and of two versions, only one is in use."""
    walk = a_walk("secret_revealed")
    ready = the(walk.id).sequence - 1
    assert found(walk.id, ready).secret_version == 1
    fire(walk.id, "reissue_secret")
    assert found(walk.id, ready).secret_version is None
    work(walk.id)
    assert found(walk.id, ready).secret_version == 2
    fire(walk.id, "start_over")
    issued_again(walk)
    work(walk.id)
    assert found(walk.id).secret_version == 1


def test_a_transition_about_another_seller_tells_of_that_one(database: Engine) -> None:
    onboarding_id = another_seller.a_linked_one()
    with transaction() as session:
        links = further_sellers.alive(session, onboarding_id)
    assert another_seller.ended(links[0].id)
    assert found(onboarding_id).seller_id == another_seller.OTHER.seller_id
    assert found(onboarding_id).shop_name == another_seller.OTHER.shop_name
    assert found(onboarding_id, 1).seller_id == ACCOUNT.seller_id


@pytest.mark.parametrize("email", [EMAIL, None])
def test_an_address_is_proved_by_a_code_or_by_whoever_vouched_for_it(
    database: Engine, email: str | None
) -> None:
    walk = a_walk("type_chosen", email=email)
    assert not found(walk.id).is_proved
    put(walk.id, contact_verified_at=the(walk.id).created_at)
    assert found(walk.id).is_proved == (email is not None)


def issued_again(walk: Walk) -> str:
    """The next client ID of one that was started over."""
    fire(walk.id, "choose_type", choices={"connection_type": "plugin"})
    vouch(walk)
    with transaction() as session:
        return credentials.issue_id(session, walk.id, SELLER)
