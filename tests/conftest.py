"""What every test can ask for."""

import pytest

from onboarding import outbox
from onboarding.outbox import Announcement

pytest_plugins = ["tests.servers.fixtures", "tests.databases", "tests.system", "tests.faults.stage"]


@pytest.fixture
def published() -> list[Announcement]:
    """What a publisher was told, in place until the test ends."""
    told: list[Announcement] = []
    outbox.publish_with(told.extend)
    return told
