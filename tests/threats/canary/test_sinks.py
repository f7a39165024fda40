"""The search itself: it finds a secret however it is spelled, and wherever it begins."""

import pytest

from tests.threats.canary import sinks

SECRET = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"


@pytest.mark.parametrize("spelling", list(sinks.spellings(SECRET)))
@pytest.mark.parametrize("before", [b"", b"x", b"xy"])
def test_the_search_knows_every_spelling(spelling: bytes, before: bytes) -> None:
    assert sinks.hits({"a log": [before + spelling + b"\n"]}, SECRET) == {"a log": 1}
