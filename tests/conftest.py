"""What every test can ask for."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import Engine

from onboarding import outbox
from onboarding.outbox import Announcement
from tests.receiving import Receiver
from workers import clock

pytest_plugins = ["tests.servers.fixtures", "tests.databases", "tests.system", "tests.faults.stage"]


@pytest.fixture
def published() -> list[Announcement]:
    """What a publisher was told, in place until the test ends."""
    told: list[Announcement] = []
    outbox.publish_with(told.extend)
    return told


@pytest.fixture
def receiver(database: Engine) -> Iterator[Receiver]:
    """A server of another system, which is told of events where somebody says so."""
    assert clock.leap().done
    with closing(Receiver()) as made:
        yield made
