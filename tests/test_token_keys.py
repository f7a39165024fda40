"""Key pairs of access tokens follow each other, and nobody who verifies is surprised by one."""

from datetime import UTC, datetime, timedelta

import pytest
from joserfc import jws

from onboarding import token_keys, tokens
from onboarding.errors import Unavailable
from onboarding.sealing import Keyring
from onboarding.settings import Settings, settings
from onboarding.token_keys import LONGEST, PUBLISHED_BEFORE, PUBLISHED_FOR
from onboarding.tokens import Issuer, NotOurs
from tests.threats.forging import signed

FIRST, NEXT = "2026-01-01", "2026-06-01T1200"
MADE = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
TURN = MADE + PUBLISHED_BEFORE
A_MOMENT = timedelta(seconds=1)


RING = Keyring({"derive": {FIRST: bytes(32), NEXT: bytes(range(32))}})
BOTH = tokens.issuer(settings(), RING)
NEW, OLD = BOTH.pairs


def signed_by(token: str) -> str:
    return str(jws.extract_compact(token.encode()).headers()["kid"])


def token_at(now: datetime, by: Issuer = BOTH) -> str:
    return by.issue("cid_test_x", 1, now)


def forged(kid: str, issued: datetime, lasts: timedelta) -> str:
    """By whoever has got hold of that key."""
    said = {"iat": issued.timestamp(), "exp": (issued + lasts).timestamp()}
    return signed(token_at(MADE), RING, {"kid": kid}, BOTH.pairs[kid].key, **said)


def published(now: datetime) -> list[str]:
    return [key["kid"] for key in BOTH.jwks(now)["keys"]]


def test_a_pair_is_published_before_it_signs() -> None:
    """For longer than anybody keeps what was published."""
    assert PUBLISHED_BEFORE > PUBLISHED_FOR
    for now, signer in ((MADE, OLD), (TURN - A_MOMENT, OLD), (TURN, NEW)):
        assert published(now) == [NEW, OLD]
        assert signed_by(token_at(now)) == signer


def test_what_its_predecessor_signed_is_read_on() -> None:
    before, after = token_at(TURN - A_MOMENT), token_at(TURN)
    assert {BOTH.read(each).client_id for each in (before, after)} == {"cid_test_x"}


def test_what_its_predecessor_would_have_signed_later_is_not() -> None:
    """Whoever has got hold of that key may name an instant at which it signed, but not for how long."""
    assert BOTH.read(forged(OLD, TURN - A_MOMENT, LONGEST))
    for token in (
        forged(OLD, TURN, timedelta(minutes=15)),
        forged(OLD, TURN - A_MOMENT, LONGEST + A_MOMENT),
    ):
        with pytest.raises(NotOurs):
            BOTH.read(token)


def test_a_pair_is_published_until_all_that_it_signed_is_over() -> None:
    assert published(TURN + LONGEST) == [NEW, OLD]
    assert published(TURN + 2 * LONGEST) == [NEW]


def test_no_setting_lets_a_token_last_longer_than_is_read() -> None:
    asked = {"token_lasts": int(LONGEST.total_seconds())}
    lasting = tokens.issuer(settings().model_copy(update=asked), RING)
    assert lasting.read(token_at(MADE, lasting)).client_id == "cid_test_x"
    (most,) = (
        each.le for each in Settings.model_fields["token_lasts"].metadata if hasattr(each, "le")
    )
    assert timedelta(seconds=most) == LONGEST


def test_the_first_pair_signs_whatever_the_clock_says() -> None:
    alone = tokens.issuer(settings(), Keyring({"derive": {FIRST: bytes(32)}}))
    for now in (MADE, datetime(2025, 12, 31, tzinfo=UTC)):
        assert alone.read(token_at(now, alone)).client_id == "cid_test_x"


def test_a_key_that_somebody_named_signs_at_once() -> None:
    assert token_keys.pairs(Keyring({"derive": {"ours": bytes(32)}}))[0].since.year == 1


def test_without_a_key_nothing_is_signed() -> None:
    with pytest.raises(Unavailable, match="no derive key"):
        token_at(MADE, tokens.issuer(settings(), Keyring({"derive": {}})))
