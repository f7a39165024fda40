"""Onboardings where the marketplace has an authorization server of its own, for tests."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from onboarding import credentials, outbox, queries
from onboarding.db import reading, transaction
from onboarding.models import Client
from onboarding.outbox import Claim
from tests.databases import forget_settings


def tell(monkeypatch: pytest.MonkeyPatch, settings: Mapping[str, str]) -> None:
    """Have these settings until the test ends; the fixture `ring` reads them again after it."""
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    forget_settings()


def client_of(onboarding_id: UUID) -> Client:
    """The client that an onboarding had last."""
    with reading() as session:
        found = select(Client).where(Client.onboarding_id == onboarding_id)
        return session.scalars(found.order_by(Client.created_at.desc())).all()[0]


def last_details(onboarding_id: UUID) -> dict[str, Any]:
    """What history keeps of its last transition."""
    with reading() as session:
        return queries.history(session, onboarding_id)[-1].details


def a_secret() -> SecretStr:
    """One as a task makes it."""
    return SecretStr(credentials.new_secret("mps", live=False))


def claim_of(message_id: UUID) -> Claim:
    """A worker's turn at a message."""
    with transaction() as session:
        claim = outbox.claim(session, message_id)
    assert claim is not None
    return claim
