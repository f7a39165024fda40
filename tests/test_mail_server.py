"""One conversation with a mail server is for as many letters as there are, and none suffers for another."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Final

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import Engine

from onboarding import mail, mail_server
from onboarding.mail import Letter
from onboarding.mail_server import Refused, Unavailable
from onboarding.masking import Personal
from onboarding.sealing import Keyring
from onboarding.settings import Settings
from tests.builders import an_onboarding, fire, promised
from tests.databases import forget_settings
from tests.test_mail import LETTER, Postbox, serving, settings
from workers import turns

NOBODY: Final = "nobody@shop.example"


@dataclass
class Counting(Postbox):
    """Counts who is greeted. After each letter it may hang up, or say that it takes no more."""

    greeted: int = 0
    after_each: str = ""
    seconds: float = 0.0

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, answers: list[str]
    ) -> list[str]:
        self.greeted += 1
        session.host_name = hostname
        return answers

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address == NOBODY:
            return "550 5.1.1 No such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_NOOP(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, told: str
    ) -> str:
        return self.after_each or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        await asyncio.sleep(self.seconds)
        answer = await super().handle_DATA(server, session, envelope)
        if self.after_each == "hangs up" and server.transport:
            asyncio.get_running_loop().call_later(0.01, server.transport.close)
        return answer


@contextmanager
def served(postbox: Counting) -> Iterator[Settings]:
    with serving(postbox) as port:
        yield settings(smtp_url=f"smtp://localhost:{port}")


@contextmanager
def closing_soon(postbox: Counting) -> Iterator[tuple[Callable[[], object], Settings]]:
    """The same, and what ends it."""
    with ExitStack() as stack:
        chosen = stack.enter_context(served(postbox))
        yield stack.pop_all().close, chosen


def to(address: str) -> Letter:
    return replace(LETTER, to=Personal(address))


def test_letters_go_out_in_one_conversation() -> None:
    postbox = Counting()
    with served(postbox) as chosen, mail.handing_over(chosen) as hand_over:
        for number in range(3):
            hand_over(to(f"{number}@shop.example"))
    assert [who for who, _ in postbox.letters] == [[f"{n}@shop.example"] for n in range(3)]
    assert postbox.greeted == 1


@pytest.mark.parametrize("after_each", ["421 4.7.0 Enough for today", "hangs up"])
def test_a_server_that_takes_one_letter_at_a_time_is_greeted_for_each(after_each: str) -> None:
    postbox = Counting(after_each=after_each)
    with served(postbox) as chosen, mail.handing_over(chosen) as hand_over:
        for _ in range(3):
            hand_over(LETTER)
    assert len(postbox.letters) == postbox.greeted == 3


def test_a_letter_that_is_refused_takes_none_with_it() -> None:
    postbox = Counting()
    with served(postbox) as chosen, mail.handing_over(chosen) as hand_over:
        hand_over(LETTER)
        with pytest.raises(Refused) as caught:
            hand_over(to(NOBODY))
        hand_over(LETTER)
    assert caught.value.cause == "address_refused"
    assert len(postbox.letters) == 2


def test_each_letter_has_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """All three together take longer than one may."""
    monkeypatch.setattr(mail_server, "IN_ALL", 1.5)
    postbox = Counting(seconds=0.6)
    with served(postbox) as chosen, mail.handing_over(chosen) as hand_over:
        for _ in range(3):
            hand_over(LETTER)
    assert len(postbox.letters) == 3
    assert postbox.greeted == 1


def test_a_server_that_has_gone_meanwhile_is_away() -> None:
    postbox = Counting()
    with closing_soon(postbox) as (gone, chosen), mail.handing_over(chosen) as hand_over:
        hand_over(LETTER)
        gone()
        with pytest.raises(Unavailable) as caught:
            hand_over(LETTER)
    assert caught.value.cause == "mail_server_away"
    assert len(postbox.letters) == 1


def test_a_worker_hands_over_what_waits_in_one_conversation(
    database: Engine, ring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    postbox = Counting()
    for number in range(3):
        fire(an_onboarding("type_chosen", email=f"{number}@shop.example"), "cancel")
    with served(postbox) as chosen:
        monkeypatch.setenv("ONBOARDING_SMTP_URL", chosen.smtp_url)
        forget_settings()
        turns.drain(str(promised("send_email")[0].id))
    monkeypatch.delenv("ONBOARDING_SMTP_URL")
    forget_settings()
    assert promised("send_email") == []
    assert len(postbox.letters) == 3
    assert postbox.greeted == 1
