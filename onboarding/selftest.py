"""Tests credentials as their user would use them: the checksum, a token, a first call, for whom it is.

The secret is tried and forgotten: it is not stored, not logged and in no result.
"""

from dataclasses import dataclass
from typing import Final, Protocol

from pydantic import SecretStr

from onboarding import checksums, judging
from onboarding.judging import Answer
from onboarding.verdicts import CASES, WORKS, Case

STEPS: Final = ("checksum", "token", "call")


class Unreached(Exception):
    """Nobody has answered; `case` is one of `verdicts`."""

    def __init__(self, case: str) -> None:
        super().__init__(case)
        self.case = case


class Way(Protocol):
    """How the two questions are asked. Both raise Unreached."""

    def token(self, client_id: str, secret: SecretStr) -> Answer: ...
    def call(self, token: str, seller_id: str | None) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a test: the case, how far it got, and which seller account the API has named."""

    case: str
    passed: tuple[str, ...]
    seller_id: str | None = None
    shop_name: str | None = None

    @property
    def explained(self) -> Case:
        return CASES[self.case]

    @property
    def works(self) -> bool:
        return self.explained.verdict == WORKS


def run(way: Way, client_id: str, secret: SecretStr, seller_id: str | None) -> Outcome:
    """Test one pair, for this seller or for whichever is linked to it."""
    if not checksums.well_formed(secret.get_secret_value()):
        return Outcome("mistyped_secret", ())
    try:
        answer = way.token(client_id, secret)
        if (wrong := judging.of_token(answer)) is not None:
            return Outcome(wrong, STEPS[:1])
        called = way.call((answer.json or {})["access_token"], seller_id)
    except Unreached as error:
        return Outcome(error.case, STEPS[:1])
    return _judged(called, seller_id)


def _judged(called: Answer, seller_id: str | None) -> Outcome:
    case = judging.of_call(called, seller_id)
    if CASES[case].verdict != WORKS:
        return Outcome(case, STEPS[:2])
    seller = (called.json or {}).get("seller") or {}
    return Outcome(case, STEPS, seller.get("seller_id"), seller.get("shop_name"))
