"""What a client secret looks like, and how a scanner or a form tells it from a mistyped one."""

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding.checksums import BASE62, checksum, well_formed
from onboarding.credentials import new_secret

SHAPE = re.compile(r"mps_(live|test)_[0-9A-Za-z]{43}[0-9A-Za-z]{6}")
# Chi-squared with 61 degrees of freedom: more than this comes by chance once in a million runs.
CHI_SQUARED_AT_MOST = 130.0


@pytest.mark.parametrize("live", [False, True])
def test_a_secret_looks_like_one(*, live: bool) -> None:
    secret = new_secret("mps", live=live)
    assert SHAPE.fullmatch(secret)
    assert secret.startswith("mps_live_" if live else "mps_test_")
    assert well_formed(secret)


def test_thousands_of_secrets_differ_and_use_every_letter_alike() -> None:
    secrets = [new_secret("mps", live=True) for _ in range(5_000)]
    assert len(set(secrets)) == len(secrets)
    letters = Counter("".join(secret[9:52] for secret in secrets))
    expected = letters.total() / len(BASE62)
    assert set(letters) == set(BASE62)
    assert sum((n - expected) ** 2 / expected for n in letters.values()) < CHI_SQUARED_AT_MOST


def test_every_edit_of_one_letter_is_noticed() -> None:
    secret = new_secret("mps", live=True)
    for place in range(len(secret)):
        for letter in set(BASE62) - {secret[place]}:
            assert not well_formed(secret[:place] + letter + secret[place + 1 :])


def test_every_swap_of_neighbours_is_noticed() -> None:
    secret = new_secret("mps", live=False)
    for place in range(len(secret) - 1):
        left, right = secret[place], secret[place + 1]
        if left != right:
            assert not well_formed(secret[:place] + right + left + secret[place + 2 :])


def test_every_part_of_a_secret_is_noticed_to_be_a_part() -> None:
    secret = new_secret("mps", live=True)
    assert not any(well_formed(secret[:length]) for length in range(len(secret)))
    assert not any(well_formed(secret[start:]) for start in range(1, len(secret)))


@given(st.text(max_size=80))
def test_the_checksum_is_six_letters_of_anything(text: str) -> None:
    assert len(checksum(text)) == 6
    assert set(checksum(text)) <= set(BASE62)


def test_a_secret_is_found_in_a_haystack() -> None:
    """A scanner needs the shape and the checksum, and no look at a database."""
    secret = new_secret("mps", live=True)
    haystack = "".join(new_secret("mps", live=True)[:-1] + "! " for _ in range(2000))
    text = haystack + f'"client_secret": "{secret}"' + haystack
    assert [m[0] for m in SHAPE.finditer(text) if well_formed(m[0])] == [secret]
