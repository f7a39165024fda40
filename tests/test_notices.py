"""The rules that every letter keeps to: who gets one, where it leads, and what it never holds."""

import re
from email import message_from_bytes
from email.policy import default
from typing import Any, Final
from uuid import UUID

import pytest
from bs4 import BeautifulSoup
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select, update

from onboarding import credentials, lifecycle, mail, notices, proofs
from onboarding.access import CLOCK
from onboarding.db import reading, transaction
from onboarding.errors import NotFound
from onboarding.ids import new_id
from onboarding.models import ContactCode, Link, Mail, ResumeLink
from onboarding.outbox import Claim
from onboarding.settings import Settings, settings
from tests.builders import (
    OPERATOR,
    SELLER,
    Walk,
    an_onboarding,
    fire,
    keyring,
    promised,
    the,
    vouch,
    work,
)
from tests.composing import (
    EMAIL,
    LANGUAGES,
    PUBLIC_URL,
    TOLD,
    a_claim,
    a_code,
    about_of,
    addresses,
    brought_to,
    client_id_of,
    compose,
    put,
    written,
)

ASK_FOR_NOTHING: Final = {
    "cancelled",
    "confirmed",
    "contact_code",
    "credentials_issued",
    "credentials_revoked",
    "expired",
    "first_call",
    "further_link_ended",
    # It says to send the seller a link: it must hold none that lets whoever has it go on.
    "further_link_failed",
    "further_link_verified",
    "link_ended",
}


def test_every_notice_has_a_text_and_a_form_in_html() -> None:
    # Operators are told of a view that fills: tests/test_watching.py reads that letter. Those to a
    # named developer are read in tests/threats/test_handover_links.py.
    told = {*TOLD, "view_alert", "developer_code", "developer_named"}
    for kind in ("txt", "html"):
        files = {path.stem for path in notices.TEMPLATES.glob(f"[!_]*.{kind}")}
        assert files == told


@pytest.mark.parametrize("notice", TOLD)
def test_a_letter_keeps_to_the_rules_in_every_language(sqlite: Engine, notice: str) -> None:
    walk = brought_to(notice)
    reference = the(walk.id).reference
    letters = [written(walk.id, notice, one, **about_of(notice, walk.id)) for one in LANGUAGES]
    assert letters[0].subject != letters[1].subject
    for letter, locale in zip(letters, LANGUAGES, strict=True):
        soup = BeautifulSoup(letter.html, "html.parser")
        assert (letter.to.clear, letter.notice, letter.locale) == (EMAIL, notice, locale)
        assert [one["lang"] for one in soup.find_all("html")] == [locale]
        assert [one.get_text() for one in soup.find_all("h1")] == [letter.subject]
        for text in (letter.text, soup.get_text(" ")):
            assert reference in text
            assert not re.search(r"None|%\(|&\w+;|&#", text)
            assert not re.search(r"cid_\w|mps_(live|test)_", text)
        assert not soup.find_all(["img", "script", "link", "iframe"])
        assert "url(" not in letter.html
        assert max(len(line) for line in letter.text.split("\n") if "://" not in line) <= 72


@pytest.mark.parametrize("notice", TOLD)
def test_a_letter_leads_back_only_if_it_asks_for_something(sqlite: Engine, notice: str) -> None:
    walk = brought_to(notice)
    claim = a_claim(walk.id, notice, **about_of(notice, walk.id))
    letter = compose(claim, "fr")
    assert letter is not None
    links = {one for one in addresses(letter) if "/resume/" in one}
    assert len(links) == (0 if notice in ASK_FOR_NOTHING else 1)
    for link in links:
        start, token = link.rsplit("/", 1)
        assert start == f"{PUBLIC_URL}/fr/resume"
        assert f"\n{link}\n" in letter.text
        assert "72" in letter.text
        with reading() as session:
            found = proofs.find_resume_link(session, keyring(), token)
            assert found is not None
            assert (found.id, found.onboarding_id) == (claim.id, walk.id)


def test_addresses_come_from_the_settings_alone(sqlite: Engine) -> None:
    """T22."""
    for notice in ("confirmed", "expired", "aggregator_refused"):
        letter = written(brought_to(notice).id, notice)
        configured = (settings().documentation_url, settings().seller_portal_url)
        known = (PUBLIC_URL, "mailto:", *configured)
        assert [one for one in addresses(letter) if not one.startswith(known)] == []


def test_composing_again_gives_the_same_letter(database: Engine) -> None:
    claim = a_claim(brought_to("secret_ready").id, "secret_ready")
    assert compose(claim) == compose(claim)
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(ResumeLink)) == 1


def test_without_an_address_there_is_no_letter(sqlite: Engine) -> None:
    assert compose(a_claim(an_onboarding("secret_ready"), "secret_ready")) is None


def test_a_reminder_is_dropped_once_the_onboarding_has_moved_on(database: Engine) -> None:
    onboarding_id = an_onboarding("secret_ready")
    put(onboarding_id, contact_email=EMAIL)
    claim = a_claim(onboarding_id, "reminder", number=1)
    assert compose(claim) is not None
    fire(onboarding_id, "lapse_secret", CLOCK)
    assert compose(claim) is None


def test_a_code_that_no_longer_counts_is_not_sent(database: Engine) -> None:
    onboarding_id = an_onboarding("type_chosen")
    first = a_claim(onboarding_id, "contact_code", code=a_code(onboarding_id))
    second_code = a_code(onboarding_id, "other@shop.example")
    second = a_claim(onboarding_id, "contact_code", code=second_code)
    assert compose(first) is None
    assert compose(second) is not None
    with transaction() as session:
        code = session.get_one(ContactCode, UUID(second_code))
        code.created_at -= proofs.CODE_LASTS
    assert compose(second) is None


def test_a_code_that_was_used_is_not_sent(database: Engine) -> None:
    onboarding_id = an_onboarding("type_chosen")
    code = a_code(onboarding_id)
    with transaction() as session:
        onboarding = lifecycle.lock(session, onboarding_id)
        digits = proofs.code_of(keyring(), UUID(code))
        assert proofs.check_code(session, keyring(), onboarding, digits) == "right"
    assert compose(a_claim(onboarding_id, "contact_code", code=code)) is None


@pytest.mark.parametrize("actor", [SELLER, OPERATOR])
def test_a_late_letter_tells_what_was_true_then(database: Engine, actor: Any) -> None:
    """Started over and already at the next client ID: the letter names the one that was revoked."""
    onboarding_id = an_onboarding("seller_linked")
    put(onboarding_id, contact_email=EMAIL)
    revoked = client_id_of(onboarding_id)
    fire(onboarding_id, "start_over", actor)
    claim = a_claim(onboarding_id, "started_over")
    choices = {"connection_type": "plugin"}
    fire(onboarding_id, "choose_type", choices=choices)
    vouch(Walk(onboarding_id, {}))
    with transaction() as session:
        issued = credentials.issue_id(session, onboarding_id, SELLER)
    letter = compose(claim)
    assert letter is not None
    text = " ".join(letter.text.split())
    assert f"The client ID that ends in {revoked[-4:]} and its secret were revoked" in text
    assert issued[-4:] not in text
    assert ("support team" in text) == (actor is OPERATOR)


def test_what_is_promised_arrives(database: Engine) -> None:
    """From the events to the files, through the outbox and the tasks."""
    onboarding_id = an_onboarding("confirmed", email=EMAIL)
    work(onboarding_id)
    expected = ["secret_ready", "secret_revealed", "seller_linked", "confirmed"]
    with reading() as session:
        sent = session.scalars(select(Mail).order_by(Mail.sent_at)).all()
    assert [row.notice for row in sent] == expected
    stored = mail.stored(settings())
    assert [one.name for one in stored] == [str(row.id) for row in reversed(sent)]
    assert {one.to for one in stored} == {EMAIL}
    assert promised() == []


@examples(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    name=st.text(max_size=80)
    | st.sampled_from(
        [
            "a\r\nBcc: eve@evil.example",
            "=?utf-8?q?a=0ABcc=3A_eve=40evil.example?=",
            "\u202eevil\0",
            "<b>&amp;</b>",
            "%(when)s {{ 7 * 7 }}",
        ]
    ),
    notice=st.sampled_from(["aggregator_refused", "confirmed", "seller_linked"]),
)
def test_no_name_can_change_the_form_of_a_letter(
    sqlite: Engine, onboardings: dict[str, UUID], name: str, notice: str
) -> None:
    """T19, T20."""
    onboarding_id = onboardings[notice]
    put(onboarding_id, connection_name=name, aggregator_name=name)
    with transaction() as session:
        session.execute(
            update(Link).where(Link.onboarding_id == onboarding_id).values(shop_name=name)
        )
    letter = written(onboarding_id, notice)
    message = mail.as_message(letter, Settings(public_url=PUBLIC_URL))
    head = bytes(message).partition(b"\r\n\r\n")[0]
    named = {line.split(b":")[0] for line in head.split(b"\r\n") if not line.startswith(b" ")}
    assert named == {name.encode() for name in message.keys()}  # noqa: SIM118 - headers, in order
    arrived = message_from_bytes(bytes(message), policy=default)
    assert [one.addr_spec for one in arrived["To"].addresses] == [EMAIL]
    soup = BeautifulSoup(letter.html, "html.parser")
    assert not soup.find_all(["b", "script", "img"])
    assert letter.text.count("\n--\n") == 1


@pytest.fixture
def onboardings(sqlite: Engine) -> dict[str, UUID]:
    """One onboarding at each of the notices that repeat names."""
    states = {
        "aggregator_refused": "awaiting_aggregator",
        "confirmed": "confirmed",
        "seller_linked": "seller_linked",
    }
    found = {notice: an_onboarding(state) for notice, state in states.items()}
    for onboarding_id in found.values():
        # Nobody's names go to an address that is not proved.
        proved = the(onboarding_id).created_at
        put(onboarding_id, contact_email=EMAIL, contact_verified_at=proved)
    return found


def test_a_letter_does_not_print_what_it_says(sqlite: Engine) -> None:
    letter = written(brought_to("secret_ready").id, "secret_ready")
    assert EMAIL not in repr(letter)
    assert "resume" not in repr(letter)


def test_a_message_about_an_onboarding_that_is_gone_is_refused(sqlite: Engine) -> None:
    claim = Claim(new_id(), "send_email", 1, 8, new_id(), 1, {"notice": "confirmed"})
    with transaction() as session, pytest.raises(NotFound):
        notices.compose(session, claim, keyring(), settings())
