"""Secrets that were found elsewhere, for tests: disclosed as a partner does, and what is promised then."""

from typing import Final
from uuid import UUID

from pydantic import SecretStr

from onboarding import credentials, leaks
from onboarding.db import transaction
from onboarding.leaks import Found
from onboarding.settings import settings
from tests import builders
from workers import turns

PARTNER: Final = "https://scanning.example"
PLACE: Final = "https://git.example/shop/blob/main/config.py"


def a_leak() -> UUID:
    """An onboarding whose client secret has just been disclosed."""
    walk = builders.a_walk("confirmed")
    assert walk.revealed is not None
    disclose(walk.revealed.secret)
    return walk.id


def disclose(secret: SecretStr) -> None:
    with transaction() as session:
        leaks.take(session, builders.keyring(), settings(), PARTNER, [Found(secret, PLACE)])


def a_leak_that_is_over() -> None:
    """As if its owner had another secret; nobody has looked yet."""
    onboarding_id = a_leak()
    (message,) = builders.promised("answer_leak")
    turns.run(str(message.id))
    with transaction() as session:
        secret = credentials.live_secret(session, onboarding_id)
        assert secret is not None
        secret.disclosed_at = None
