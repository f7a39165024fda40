"""The letter about where a connection stands is sent again, whatever has happened since that no letter tells of."""

from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding import connections
from onboarding.afterwards import AFTERWARDS, DONE, UNTOLD
from onboarding.db import transaction
from onboarding.mail import StoredMail
from onboarding.sealing import Keyring
from tests import builders
from tests.acting import a_lead, carry_out, findings, look
from tests.builders import SELLER
from tests.composing import EMAIL, brought_to, client_id_of, put
from tests.telling import a_source
from tests.test_replacing import shown
from tests.threats.test_leaked_secrets import PLACE, disclose, work_off
from tests.web.calling import expect, served
from tests.web.operating import at_console, home
from tests.web.presenting import Caller, a_caller
from tests.web.visiting import letters


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return served(ring)


def sent_again(ring: Keyring, onboarding_id: UUID) -> StoredMail:
    """The letter that an operator has sent, with the text that they were shown before."""
    before = len(letters())
    who = a_lead()
    carry_out(ring, who, look(who, onboarding_id, "resend"))
    work_off()
    assert len(letters()) == before + 1
    return letters()[0]


def a_written_to(app: FastAPI, state: str = "confirmed") -> Caller:
    caller = a_caller(app, state)
    put(caller.id, contact_email=EMAIL)
    return caller


def renamed(caller: Caller) -> None:
    with transaction() as session:
        connections.rename(session, caller.id, SELLER, "My second shop")


def replaced(caller: Caller) -> None:
    expect(shown(caller, days=0).ask(), 200)


def test_what_no_letter_tells_of_has_none_of_its_own() -> None:
    told = {event for event, each in AFTERWARDS.items() if each.notice}
    assert {*AFTERWARDS} - told == UNTOLD | {"disclose_secret"}


@pytest.mark.parametrize("state", DONE)
@pytest.mark.parametrize("happens", [renamed, replaced])
def test_a_connection_that_works_is_told_of_again(
    app: FastAPI, ring: Keyring, state: str, happens: object
) -> None:
    caller = a_written_to(app, state)
    happens(caller)  # type: ignore[operator]
    work_off()
    letter = sent_again(ring, caller.id)
    assert (
        letter.subject
        == {
            "confirmed": "Your API connection is ready",
            "credentials_issued": "Your API credentials are ready to use",
        }[state]
    )
    assert caller.client_id[-4:] in letter.text
    assert findings() == []


def test_an_end_is_told_of_again_after_another_name(app: FastAPI, ring: Keyring) -> None:
    walk = brought_to("link_ended")
    with transaction() as session:
        connections.rename(session, walk.id, SELLER, "My second shop")
    work_off()
    assert "has ended" in sent_again(ring, walk.id).subject


def test_where_a_secret_was_found_is_told_again_until_there_is_a_new_one(
    app: FastAPI, ring: Keyring
) -> None:
    caller = a_written_to(app)
    expect(disclose(app, a_source(), caller.secret), 202)
    work_off()
    first = letters()[0]
    again = sent_again(ring, caller.id)
    assert (again.subject, PLACE in again.text) == (first.subject, True)
    renamed(caller)
    assert sent_again(ring, caller.id).subject == first.subject


def test_a_new_secret_settles_what_was_told_of_the_one_before(app: FastAPI, ring: Keyring) -> None:
    leaked = a_written_to(app)
    expect(disclose(app, a_source(), leaked.secret), 202)
    expired = brought_to("secret_expired")
    work_off()
    assert sent_again(ring, expired.id).subject == "Your client secret has expired"
    for each in (leaked, Caller(app, expired.id, client_id_of(expired.id), "")):
        replaced(each)
        work_off()
        assert sent_again(ring, each.id).subject == "Your API connection is ready"


def test_an_operator_sees_the_letter_as_it_will_be_sent(app: FastAPI, ring: Keyring) -> None:
    caller = a_written_to(app)
    expect(disclose(app, a_source(), caller.secret), 202)
    work_off()
    renamed(caller)
    one = builders.the(caller.id)
    page = at_console(app, "lead").get(f"{home(one.id)}/resend")
    assert "Your client secret was found where it should not be" in page.text
    assert PLACE in page.text
