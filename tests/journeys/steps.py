"""The parts that journeys have in common: showing who one is, the client secret, the seller account."""

import json
from dataclasses import dataclass, field
from email.message import EmailMessage
import re

from onboarding import queries
from onboarding.db import reading
from tests.journeys.pages import Person
from tests.servers.smtp import Smtp


@dataclass
class Letterbox:
    """What somebody gets by e-mail; each letter is opened once."""

    smtp: Smtp
    address: str
    opened: list[EmailMessage] = field(default_factory=list)

    def find(self, pattern: str) -> str:
        """What matches in the text of the next letter in which anything does."""
        letter = self.smtp.wait_for(
            lambda one: one in self.letters() and one not in self.opened and bool(_match(pattern, one)),
            timeout=20,
        )
        self.opened.append(letter)
        return _match(pattern, letter)[0]

    def code(self) -> str:
        return self.find(r"^\d{6}$")

    def link(self) -> str:
        return self.find(r"^http://\S+/resume/\S+$")

    def letters(self) -> list[EmailMessage]:
        return [one for one in self.smtp.messages if self.address in str(one["To"])]


def _match(pattern: str, letter: EmailMessage) -> list[str]:
    return re.findall(pattern, text_of(letter), re.MULTILINE)


def text_of(letter: EmailMessage, kind: str = "plain") -> str:
    part = letter.get_body((kind,))
    assert part is not None
    return str(part.get_content())
