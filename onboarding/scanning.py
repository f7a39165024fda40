"""Client secrets and API keys in what should hold none: found by their prefix and their checksum.

It reads bytes, so a binary file is as good as a text, and so is UTF-16. Of what it finds it tells
where it is and the last six characters, which are the checksum of the rest.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final, Protocol

from onboarding import checksums
from onboarding.checksums import API_KEY_PREFIX, BODY, CHECKSUM, ENVIRONMENTS

# Bytes that are read at once: memory stays flat, however big a file is.
CHUNK: Final = 1 << 20
_NEWLINE: Final = b"\n"


class Stream(Protocol):
    """What can be read on and on."""

    def read(self, size: int, /) -> bytes:
        """At most so many bytes; none at the end."""
        ...


@dataclass(frozen=True, slots=True)
class Finding:
    """Where one begins, line and column from 1, the column in bytes; never the secret."""

    line: int | None
    column: int | None
    kind: str
    # Of a client secret: live or test.
    environment: str | None
    ending: str


@dataclass(frozen=True, slots=True)
class Shape:
    """What one of ours begins with, and what it is."""

    prefix: str
    kind: str
    environment: str | None = None

    @property
    def length(self) -> int:
        return len(self.prefix) + BODY + CHECKSUM


def shapes(secret_prefixes: Collection[str]) -> list[Shape]:
    """Those of client secrets under these prefixes, and of API keys."""
    secrets = [
        Shape(checksums.secret_prefix(prefix, environment), "client_secret", environment)
        for prefix in sorted(set(secret_prefixes))
        for environment in ENVIRONMENTS
    ]
    return [*secrets, Shape(API_KEY_PREFIX, "api_key")]


def findings(stream: Stream, wanted: Sequence[Shape]) -> Iterator[Finding]:
    """All of these shapes in a stream, in their order. Raises OSError as the stream does."""
    longest = 2 * max(shape.length for shape in wanted) - 1
    place, kept, is_over = _Place(), b"", False
    while not is_over:
        read = stream.read(CHUNK)
        is_over = not read
        held = kept + read
        # What begins later may go on in the next chunk.
        until = len(held) if is_over else max(0, len(held) - longest + 1)
        for at, shape, ending in sorted(_all(held, until, wanted), key=itemgetter(0)):
            line, column = place.of(held, at)
            yield Finding(line, column, shape.kind, shape.environment, ending)
        place.leave(held, until)
        kept = held[until:]


def hidden(text: str, wanted: Sequence[Shape]) -> str:
    """The text without what is secret in it: of each, its last six characters are left."""
    for shape in wanted:
        for secret in {each for _, each in _narrow(text.encode(errors="surrogateescape"), shape)}:
            text = text.replace(secret, f"…{secret[-CHECKSUM:]}")
    return text


def mentions(text: str, wanted: Sequence[Shape]) -> bool:
    """Whether one of these begins in a text, whole or cut off."""
    return any(shape.prefix in text for shape in wanted)


class _Place:
    """Lines and columns of offsets that only grow, without counting any byte twice."""

    def __init__(self) -> None:
        self._line, self._column, self._counted = 1, 1, 0

    def of(self, held: bytes, at: int) -> tuple[int, int]:
        lines = held.count(_NEWLINE, self._counted, at)
        if lines:
            self._line += lines
            self._column = at - held.rfind(_NEWLINE, self._counted, at)
        else:
            self._column += at - self._counted
        self._counted = at
        return self._line, self._column

    def leave(self, held: bytes, until: int) -> None:
        """What was held up to there is not held any more."""
        self.of(held, until)
        self._counted = 0


def _all(held: bytes, until: int, wanted: Sequence[Shape]) -> Iterator[tuple[int, Shape, str]]:
    for shape in wanted:
        for found in (_narrow, _wide):
            for at, secret in found(held, shape):
                if at < until:
                    yield at, shape, secret[-CHECKSUM:]


def _narrow(held: bytes, shape: Shape) -> Iterator[tuple[int, str]]:
    """A byte a character."""
    needle = shape.prefix.encode()
    for at in _places(held, needle):
        if (secret := _whole(held[at : at + shape.length], shape)) is not None:
            yield at, secret


def _wide(held: bytes, shape: Shape) -> Iterator[tuple[int, str]]:
    """Two bytes a character, whichever comes first: what Windows writes."""
    for at in _places(held, b"\0".join(bytes([each]) for each in shape.prefix.encode())):
        end = at + 2 * shape.length - 1
        if any(held[at + 1 : end : 2]):
            continue
        if (secret := _whole(held[at:end:2], shape)) is not None:
            yield at, secret


def _places(held: bytes, needle: bytes) -> Iterator[int]:
    """Also those within another: one that is cut off may be followed by a whole one."""
    at = held.find(needle)
    while at >= 0:
        yield at
        at = held.find(needle, at + 1)


def _whole(found: bytes, shape: Shape) -> str | None:
    """The text of one of this shape, if that is what it is."""
    body = found[len(shape.prefix) :]
    if len(found) != shape.length or not body.isalnum():
        return None
    text = found.decode()
    return text if checksums.well_formed(text) else None
