"""Secrets of ours in any bytes: where they are, and nothing that only looks like one."""

import io
import re
import tracemalloc
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding import checksums, scanning
from onboarding.credentials import new_secret
from onboarding.scanning import Finding, findings, shapes

OURS = shapes(["mps"])
LIVE = new_secret("mps", live=True)
KEY = checksums.new(checksums.API_KEY_PREFIX)


@dataclass
class InPieces:
    """A stream that gives a few bytes at a time, as a pipe may."""

    whole: io.BytesIO
    most: int

    def read(self, size: int) -> bytes:
        return self.whole.read(min(size, self.most))


def found(content: bytes) -> list[Finding]:
    return [*findings(io.BytesIO(content), OURS)]


def test_each_kind_is_found_where_it_is() -> None:
    test = new_secret("mps", live=False)
    content = f"one\n  a={LIVE};{test}\nthree\n{KEY}".encode()
    assert found(content) == [
        Finding(2, 5, "client_secret", "live", LIVE[-6:]),
        Finding(2, 6 + len(LIVE), "client_secret", "test", test[-6:]),
        Finding(4, 1, "api_key", None, KEY[-6:]),
    ]


@given(st.binary(max_size=300), st.binary(max_size=300), st.integers(1, 200))
def test_one_is_found_in_any_bytes_however_they_come(
    before: bytes, after: bytes, at_a_time: int
) -> None:
    """As `re` finds it in the whole, though no piece holds all of it."""
    content = before + LIVE.encode() + after
    (place,) = findings(InPieces(io.BytesIO(content), at_a_time), OURS)
    start = content.index(LIVE.encode())
    assert place.line == 1 + content.count(b"\n", 0, start)
    line = re.split(rb"\n", content[:start])[-1]
    assert place.column == 1 + len(line)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16"])
@pytest.mark.parametrize("at_a_time", [7, 1 << 20])
def test_one_is_found_in_what_windows_writes(encoding: str, at_a_time: int) -> None:
    content = f"one\r\nsecret={LIVE}\r\n".encode(encoding)
    (one,) = findings(InPieces(io.BytesIO(content), at_a_time), OURS)
    assert (one.line, one.ending) == (2, LIVE[-6:])


def test_what_is_cut_off_or_mistyped_or_of_another_prefix_is_none_of_ours() -> None:
    other = new_secret("other", live=True)
    assert found(b"\n".join([LIVE[:-1].encode(), LIVE.swapcase().encode(), other.encode()])) == []
    typed = LIVE[:20] + ("a" if LIVE[20] != "a" else "b") + LIVE[21:]
    assert found(typed.encode()) == []


def test_one_that_follows_one_that_is_cut_off_is_found() -> None:
    """The prefix of the second could be taken for the end of the first."""
    (one,) = found((LIVE[:-3] + LIVE).encode())
    assert one.column == len(LIVE) - 2


def test_memory_stays_flat() -> None:
    class Endless:
        left = 40 * scanning.CHUNK

        def read(self, size: int) -> bytes:
            size = min(size, self.left)
            self.left -= size
            return bytes(size)

    tracemalloc.start()
    assert [*findings(Endless(), OURS)] == []
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 5 * scanning.CHUNK


def test_a_name_keeps_its_last_six_characters() -> None:
    assert scanning.hidden(f"a/{LIVE}.txt", OURS) == f"a/…{LIVE[-6:]}.txt"
