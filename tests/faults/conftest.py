"""After every fault the invariants hold, whatever the test itself has looked at."""

from collections.abc import Iterator

import pytest

from onboarding import invariants

DATABASES = {"database", "sqlite", "postgresql", "own_database"}


@pytest.fixture(autouse=True)
def checked(request: pytest.FixtureRequest) -> Iterator[None]:
    """Asks the database of the test. Whoever runs processes on one of their own asks it themselves."""
    databases = DATABASES.intersection(request.fixturenames)
    for name in databases:
        request.getfixturevalue(name)
    yield
    if databases:
        assert list(map(str, invariants.violations())) == []
