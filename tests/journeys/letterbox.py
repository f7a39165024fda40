"""What somebody gets by e-mail during a journey, and what must never be in it."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from uuid import UUID

from onboarding import queries, words
from onboarding.db import reading
from tests.servers.smtp import Smtp


@dataclass
class Letterbox:
    """The letters to one address; each is opened once."""

    smtp: Smtp
    address: str
    opened: list[EmailMessage] = field(default_factory=list)

    def code(self) -> str:
        """The six digits of the next letter that has any."""
        return self._find(r"^\d{6}$")

    def link(self, under: str) -> str:
        """The way back in the next letter that offers one under these words."""
        return self._find(rf"^{re.escape(under)}\s+(http://\S+/resume/\S+)$")

    def developers_link(self) -> str:
        """The way to a named developer's part, in the next letter that has one."""
        return self._find(r"^(http://\S+/developer/\S+)$")

    def letters(self) -> list[EmailMessage]:
        """All of them, opened or not."""
        return [one for one in self.smtp.messages if one["To"] == self.address]

    def holds(self, onboarding_id: UUID, notices: Sequence[str]) -> None:
        """Wait until these letters about an onboarding are all there, and see that no other is."""
        deadline = time.monotonic() + 20
        while (told := told_about(onboarding_id)) != sorted(notices):
            assert time.monotonic() < deadline, told
            time.sleep(0.02)
        assert len(self.letters()) == len(notices)

    def is_in(self, locale: str) -> None:
        """Every letter speaks the language of the onboarding, and says so."""
        for letter in self.letters():
            assert letter["Content-Language"] == locale
            assert f'<html lang="{locale}"' in part(letter, "html")
            sentence = words.translate(locale, "This e-mail was sent automatically.")
            assert sentence in part(letter, "plain")

    def never_says(self, *secrets: str) -> None:
        for letter in self.letters():
            for secret in secrets:
                assert secret not in part(letter, "plain") + part(letter, "html")

    def _find(self, pattern: str) -> str:
        letter = self.smtp.wait_for(
            lambda one: (
                one["To"] == self.address
                and not any(one is other for other in self.opened)
                and bool(_matches(pattern, one))
            ),
            timeout=20,
        )
        self.opened.append(letter)
        return _matches(pattern, letter)[0]


def told_about(onboarding_id: UUID) -> list[str]:
    """The notices that were handed over, by name."""
    with reading() as session:
        return sorted(mail.notice for mail in queries.mails_of(session, onboarding_id))


def part(letter: EmailMessage, kind: str) -> str:
    """A letter as text or as HTML."""
    body = letter.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def _matches(pattern: str, letter: EmailMessage) -> list[str]:
    return re.findall(pattern, part(letter, "plain"), re.MULTILINE)
