"""`test-credentials` and `explain-error`: why it does not work, and what to do."""

import getpass
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from pydantic import SecretStr

from onboarding import error_texts, selftest, selftest_http
from onboarding.commands import opening, printing
from onboarding.commands.exits import DONE, FINDINGS, UNAVAILABLE, USAGE, Failure
from onboarding.selftest import Outcome, Way
from onboarding.selftest_beside import Beside
from onboarding.settings import Settings
from onboarding.verdicts import CASES

_NOBODY_S_FAULT = ("unreachable", "try_again")


def credentials(
    settings: Settings, url: str | None, client_id: str, seller_id: str | None, *, as_json: bool
) -> None:
    """Test one pair at a system. Exits with FINDINGS or UNAVAILABLE; raises Failure without a secret.

    Without an URL it is this one; beside another authorization server, that one is asked for the token
    and our database for whom it acts.
    """
    asked = url or settings.base_url
    if not asked.startswith(("https://", "http://")):
        raise Failure(f"{asked} is no address.", "Use https://… or http://….", USAGE)
    secret = _secret()
    beside = url is None and settings.tells_another
    asking: AbstractContextManager[Way] = (
        _beside(settings) if beside else selftest_http.elsewhere(asked)
    )
    with asking as way:
        outcome = selftest.run(way, client_id.strip(), secret, seller_id)
    if as_json:
        printing.line(_as_json(outcome))
    else:
        _tell(outcome)
    if not outcome.works:
        quiet = outcome.explained.verdict in _NOBODY_S_FAULT
        sys.exit(UNAVAILABLE if quiet else FINDINGS)


def explain(given: Sequence[str], *, as_json: bool) -> None:
    """The case of a text from stdin. Exits with FINDINGS where it is none that we know. Raises Failure."""
    if given:
        raise Failure(
            "An error is not taken from the command line, where others could read what is in it.",
            "Paste it once it is asked for, or send its file: onboarding explain-error < error.txt",
            USAGE,
        )
    if sys.stdin.isatty():
        printing.say("Paste the error, then press Ctrl-D.")
    found = error_texts.explain(sys.stdin.read(error_texts.LONGEST))
    case = CASES[found]
    if as_json:
        printing.line(
            {"verdict": case.verdict or None, "case": found, "what": case.what, "do": case.advice}
        )
    else:
        printing.text(case.what)
        printing.text(case.advice)
    sys.exit(DONE if case.verdict else FINDINGS)


@contextmanager
def _beside(settings: Settings) -> Iterator[Way]:
    opening.open_database(settings)
    yield Beside(settings.token_endpoint)


def _secret() -> SecretStr:
    """From a person without an echo, or from stdin. Raises Failure for none."""
    asked = sys.stdin.isatty()
    typed = getpass.getpass("Client secret: ") if asked else sys.stdin.readline()
    if not typed.strip():
        raise Failure("There is no client secret.", "Send it to stdin, or type it.", USAGE)
    return SecretStr(typed.strip())


def _as_json(outcome: Outcome) -> dict[str, object]:
    case = outcome.explained
    return {
        "verdict": case.verdict,
        "case": outcome.case,
        "passed": [*outcome.passed],
        "seller_id": outcome.seller_id,
        "shop_name": outcome.shop_name,
        "what": case.what,
        "do": case.advice,
    }


def _tell(outcome: Outcome) -> None:
    for step in selftest.STEPS:
        printing.text(f"{step:<10}{'ok' if step in outcome.passed else '-'}")
    for said in outcome.explained[1:]:
        printing.text(said)
    if outcome.seller_id:
        printing.facts({"Seller ID": outcome.seller_id, "shop": outcome.shop_name or ""})
