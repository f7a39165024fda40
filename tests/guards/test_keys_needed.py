"""A key is destroyed once nothing needs it, so whatever is written under one has to be counted."""

import inspect

import pytest

from onboarding import retiring_keys
from onboarding.models import Base

# Columns that name a key of the keyring: under which something is sealed, hashed or derived.
NAMES = {"key_id", "previous_key_id", "pepper_id", "seal_id", "derive_id"}
UNDER_A_KEY = sorted(
    f"{mapper.class_.__name__}.{column.name}"
    for mapper in Base.registry.mappers
    for column in mapper.columns
    if column.name in NAMES and not column.foreign_keys
)


@pytest.mark.parametrize("column", UNDER_A_KEY)
def test_what_is_written_under_a_key_keeps_it(column: str) -> None:
    """Tokens of registrations were forgotten here, and their key was destroyed after eight days."""
    assert column in inspect.getsource(retiring_keys)


def test_there_is_something_to_keep() -> None:
    assert "SealedSecret.key_id" in UNDER_A_KEY
