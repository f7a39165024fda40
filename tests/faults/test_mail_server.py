"""A mail server that defers, falls silent or hangs up at any word (F32, F33): a letter is handed over, at least once, and no sooner given up than in a day.

That 5xx is final, TLS and login failures and a rude good-bye are in tests/test_mail.py. A server that
takes a letter and loses it (F34) cannot be told from a good one: no journey waits for a letter.
"""

from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import Engine

from onboarding import mail_server, outbox, redelivery
from onboarding.db import transaction
from onboarding.sealing import Keyring
from tests import builders
from tests.builders import an_onboarding, end_the_rest_of, fire, promised
from tests.databases import forget_settings
from tests.faults import write_paths
from tests.servers.fault_proxy import FaultProxy, fault_proxy
from tests.servers.ports import free_port
from tests.servers.smtp import Smtp, smtp_server
from workers import turns

EMAIL = "seller@shop.example"
END_OF_LETTER = b"\r\n.\r\n"
# As the standard library's client writes them.
WORDS = [b"ehlo", b"mail FROM", b"rcpt TO", b"data\r\n", END_OF_LETTER]
A_DAY = 24 * 3600


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Smtp]:
    """One without TLS, so that the proxy can read along."""
    with smtp_server(tmp_path_factory.mktemp("mail"), secure=False) as running:
        yield running


@pytest.fixture
def proxy(server: Smtp, ring: Keyring, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """The mail server of the settings, which has little time for each answer."""
    server.forget()
    with fault_proxy(server.port) as running:
        monkeypatch.setenv("ONBOARDING_SMTP_URL", f"smtp://127.0.0.1:{running.port}")
        monkeypatch.setattr(mail_server, "PATIENCE", 1.0)
        forget_settings()
        yield running
    monkeypatch.delenv("ONBOARDING_SMTP_URL")
    forget_settings()


def a_letter() -> UUID:
    """The message of a letter, ready to be sent."""
    fire(an_onboarding("type_chosen", email=EMAIL), "cancel")
    (message,) = promised("send_email")
    return message.id


def test_once_the_server_is_back_all_letters_go_out_however_long_they_still_had_to_rest(
    sqlite: Engine, server: Smtp, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        fire(an_onboarding("type_chosen", email=EMAIL), "cancel")
    letters = [message.id for message in promised("send_email")]
    with monkeypatch.context() as away:
        away.setenv("ONBOARDING_SMTP_URL", f"smtp://127.0.0.1:{free_port()}")
        forget_settings()
        for _ in range(8):
            for letter in letters:
                end_the_rest_of(letter)
                turns.run(str(letter))
    forget_settings()
    end_the_rest_of(letters[0])
    turns.run(str(letters[0]))
    with transaction() as session:
        woken = {announcement.id for announcement in redelivery.due(session)}
    assert set(letters[1:]) <= woken
    for letter in letters[1:]:
        turns.run(str(letter))
    assert len(server.messages) == 3


@pytest.mark.parametrize("silently", [False, True], ids=["hangs up", "falls silent"])
@pytest.mark.parametrize("word", WORDS)
def test_at_whatever_word_a_server_fails_the_letter_is_sent_again(
    sqlite: Engine, server: Smtp, proxy: FaultProxy, word: bytes, *, silently: bool
) -> None:
    message = a_letter()
    proxy.cut(word, silently=silently)
    turns.run(str(message))
    (waiting,) = promised("send_email")
    assert (waiting.attempts, waiting.failed_at) == (1, None)
    builders.end_the_rest_of(message)
    turns.run(str(message))
    assert write_paths.done("send_email", message) == 1
    # F33: it was taken before the line broke, so it arrives twice, as one message to a mailbox.
    assert len(server.messages) == (2 if word == END_OF_LETTER else 1)
    assert len({str(each["Message-ID"]) for each in server.messages}) == 1


def test_a_server_that_is_silent_from_the_start_is_tried_again(
    sqlite: Engine, server: Smtp, proxy: FaultProxy
) -> None:
    message = a_letter()
    proxy.swallow()
    turns.run(str(message))
    (waiting,) = promised("send_email")
    assert "the mail server does not answer" in (waiting.last_error or "")
    proxy.heal()
    builders.end_the_rest_of(message)
    turns.run(str(message))
    assert len(server.messages) == 1


def test_a_letter_that_is_deferred_again_and_again_is_no_incident(
    sqlite: Engine, server: Smtp, proxy: FaultProxy
) -> None:
    """Greylisting takes minutes, and so does a server's own maintenance."""
    message = a_letter()
    server.refuse(EMAIL, 451, times=20)
    for _ in range(20):
        turns.run(str(message))
        builders.end_the_rest_of(message)
    (waiting,) = builders.promised()
    assert (waiting.attempts, waiting.failed_at) == (20, None)
    turns.run(str(message))
    assert len(server.messages) == 1


def test_a_letter_is_tried_for_a_day_and_then_an_operator_hears_of_it(
    sqlite: Engine, server: Smtp, proxy: FaultProxy
) -> None:
    attempts = outbox.ATTEMPTS["send_email"]
    waits = [min(2.0**n, outbox.BACKOFF_AT_MOST) for n in range(attempts - 1)]
    assert 0.9 * A_DAY < sum(waits) < 1.5 * A_DAY
    message = a_letter()
    server.refuse(EMAIL, 451, times=attempts)
    for _ in range(attempts):
        turns.run(str(message))
        builders.end_the_rest_of(message)
    (incident,) = promised()
    assert (incident.cause, incident.failed_at is None) == ("address_deferred", False)
    assert server.messages == []
