"""What each letter says: what happened, what comes next and by when."""

from datetime import timedelta
from typing import Final
from uuid import UUID

import pytest
from sqlalchemy import Engine, update

from onboarding import credentials, db, lifecycle, proofs, words
from onboarding.access import CLOCK, PLATFORM
from onboarding.db import transaction
from onboarding.models import Transition
from onboarding.settings import settings
from tests.builders import (
    API,
    SELLER,
    an_onboarding,
    fire,
    keyring,
    the,
)
from tests.composing import (
    EMAIL,
    LANGUAGES,
    REMINDED,
    TOLD,
    a_code,
    about_of,
    addresses,
    brought_to,
    client_id_of,
    deadline,
    put,
    written,
)


@pytest.mark.parametrize(
    ("cause", "subject", "advice"),
    [
        ("aggregator_not_registered", "has not registered", "Ask Feedwise to register"),
        ("aggregator_soap_only", "does not use the REST API", "User Rights Management"),
        ("aggregator_suspended", "cannot be connected", "when its registration will be active"),
        (None, "could not be approved", "Contact us"),
    ],
)
def test_a_refused_aggregator_comes_with_what_can_be_done(
    sqlite: Engine, cause: str | None, subject: str, advice: str
) -> None:
    onboarding_id = an_onboarding("checking_aggregator")
    put(onboarding_id, contact_email=EMAIL)
    details = {"cause": cause} if cause else {}
    fire(onboarding_id, "refuse_aggregator", PLATFORM, details=details)
    letter = written(onboarding_id, "aggregator_refused")
    assert letter.subject.startswith("Feedwise " + subject)
    assert advice in letter.text
    assert advice in letter.html
    assert "Choose another way to connect." in letter.text
    assert words.format_datetime("en", deadline(onboarding_id)) in " ".join(letter.text.split())
    portal = settings().seller_portal_url in addresses(letter)
    assert portal == (cause == "aggregator_soap_only")


CAUSES: Final = (
    "link_missing",
    "client_missing",
    "secret_not_saved",
    "secret_leaked",
    "seller_suspended",
    "aggregator_not_registered",
    "aggregator_soap_only",
    "aggregator_suspended",
    None,
)


def test_each_cause_of_a_failed_verification_has_its_own_advice(sqlite: Engine) -> None:
    onboarding_id = an_onboarding("verifying", delegated=True)
    put(onboarding_id, contact_email=EMAIL)
    texts = set()
    for cause in CAUSES:
        details = {"cause": cause} if cause else {}
        fire(onboarding_id, "verification_failed", PLATFORM, details=details)
        texts.add(written(onboarding_id, "verification_failed").text.split("If nobody")[0])
        fire(onboarding_id, "confirm")
    assert len(texts) == len(CAUSES)


@pytest.mark.parametrize("locale", LANGUAGES)
@pytest.mark.parametrize("state", REMINDED)
def test_a_reminder_says_by_when(sqlite: Engine, state: str, locale: str) -> None:
    onboarding_id = an_onboarding(state)
    put(onboarding_id, contact_email=EMAIL)
    letter = written(onboarding_id, "reminder", locale, number=1)
    when = words.format_datetime(locale, deadline(onboarding_id))
    assert when in " ".join(letter.text.replace("\n", " ").split(" "))
    assert when in letter.html


def test_every_state_has_its_own_reminder(sqlite: Engine) -> None:
    subjects = set()
    for state in REMINDED:
        onboarding_id = an_onboarding(state)
        put(onboarding_id, contact_email=EMAIL)
        subjects.add(written(onboarding_id, "reminder", number=1).subject)
    assert len(subjects) == len(REMINDED)


@pytest.mark.parametrize("left", [timedelta(minutes=5), timedelta(hours=30)])
def test_the_last_call_for_a_secret_names_the_hour(sqlite: Engine, left: timedelta) -> None:
    onboarding_id = an_onboarding("secret_ready")
    with transaction() as session:
        ends_at = db.clock(session).replace(hour=12) + left
        entered_at = ends_at - timedelta(hours=24)
        session.execute(
            update(Transition)
            .where(Transition.onboarding_id == onboarding_id, Transition.target == "secret_ready")
            .values(at=entered_at)
        )
    put(onboarding_id, contact_email=EMAIL, entered_at=entered_at)
    subject = written(onboarding_id, "reminder", number=1).subject
    if left < timedelta(hours=1):
        assert subject == f"Collect your client secret before {ends_at:%H:%M} UTC today"
    else:
        when = words.format_datetime("en", ends_at)
        assert subject == f"Collect your client secret before {when}"


def test_a_code_goes_to_the_address_to_be_proved_and_repeats_nothing_typed(
    database: Engine,
) -> None:
    onboarding_id = brought_to("aggregator_approved").id
    put(onboarding_id, contact_email=None, aggregator_name="Visit evil.example")
    code = a_code(onboarding_id, "new@shop.example")
    letter = written(onboarding_id, "contact_code", code=code)
    assert letter.to.clear == "new@shop.example"
    assert f"\n{proofs.code_of(keyring(), UUID(code))}\n" in letter.text
    assert "phone" in letter.text
    assert "10 minutes" in letter.text
    for typed in ("evil.example", "My shop plugin"):
        assert typed not in letter.text + letter.html


@pytest.mark.parametrize("locale", LANGUAGES)
@pytest.mark.parametrize("notice", TOLD)
def test_no_letter_repeats_what_was_typed_before_its_address_is_proved(
    sqlite: Engine, notice: str, locale: str
) -> None:
    """Else anybody could have us send anybody any sentence."""
    walk = brought_to(notice)
    put(walk.id, aggregator_id=None, aggregator_name="Visit evil.example", connection_name="Win!")
    letter = written(walk.id, notice, locale, **about_of(notice, walk.id))
    for typed in ("evil.example", "Win!"):
        assert typed not in letter.subject + letter.text + letter.html
    assert letter.subject[0].isupper()


def test_a_letter_to_a_proved_address_names_what_it_is_about(sqlite: Engine) -> None:
    onboarding_id = an_onboarding("checking_aggregator")
    put(
        onboarding_id,
        aggregator_id=None,
        aggregator_name="Tiny Feeds",
        connection_name="می\u200cخواهم",
    )
    code = UUID(a_code(onboarding_id))
    with transaction() as session:
        onboarding = lifecycle.lock(session, onboarding_id)
        digits = proofs.code_of(keyring(), code)
        assert proofs.check_code(session, keyring(), onboarding, digits) == "right"
    fire(
        onboarding_id,
        "refuse_aggregator",
        PLATFORM,
        details={"cause": "aggregator_not_registered"},
    )
    letter = written(onboarding_id, "aggregator_refused")
    assert letter.subject.startswith("Tiny Feeds has not registered")
    assert "Your connection: می\u200cخواهم" in letter.text


def test_the_security_notice_says_when_and_what_to_do(database: Engine) -> None:
    walk = brought_to("secret_revealed")
    letter = written(walk.id, "secret_revealed")
    text = " ".join(letter.text.split())
    assert words.format_datetime("en", the(walk.id).entered_at) in text
    assert f"ends in {client_id_of(walk.id)[-4:]} was shown on our page" in text
    assert "Was it not you? Start over now" in text
    assert walk.revealed is not None
    assert walk.revealed.secret.get_secret_value() not in letter.text + letter.html


def test_a_secret_taken_through_the_api_is_told_apart(sqlite: Engine) -> None:
    onboarding_id = an_onboarding("secret_ready")
    put(onboarding_id, contact_email=EMAIL)
    with transaction() as session:
        credentials.reveal(session, onboarding_id, API, keyring())
    assert "handed over through the API" in " ".join(
        written(onboarding_id, "secret_revealed").text.split()
    )


def test_a_ready_connection_says_what_to_enter(database: Engine) -> None:
    walk = brought_to("confirmed")
    text = written(walk.id, "confirmed").text
    assert f"- Client ID: the one that ends in {client_id_of(walk.id)[-4:]}\n" in text
    assert "- Client secret: the one that you saved\n" in text
    assert "- Seller ID: S-4711\n" in text
    assert "Corner Shop" in text


def test_a_delegated_connection_asks_for_the_seller_id_alone(sqlite: Engine) -> None:
    onboarding_id = an_onboarding("confirmed", delegated=True)
    put(onboarding_id, contact_email=EMAIL)
    text = written(onboarding_id, "confirmed").text
    assert "Enter this one value where Feedwise asks for it" in " ".join(text.split())
    assert "- Seller ID: S-4711\n" in text
    assert "- Client" not in text


@pytest.mark.parametrize("notice", ["cancelled", "expired", "started_over"])
def test_nothing_is_said_of_a_client_that_never_was(sqlite: Engine, notice: str) -> None:
    onboarding_id = an_onboarding("awaiting_aggregator")
    put(onboarding_id, contact_email=EMAIL)
    event = {"cancelled": "cancel", "expired": "expire", "started_over": "start_over"}[notice]
    fire(onboarding_id, event, CLOCK if event == "expire" else SELLER)
    assert "client ID" not in written(onboarding_id, notice).text
