"""Wherever a secret could have got to: what each place holds, and whether it is in there in any spelling."""

import base64
import re
import subprocess
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from tests.servers.postgres import Cluster, conninfo

Contents = Mapping[str, Iterable[bytes]]


def hits(places: Contents, secret: str) -> dict[str, int]:
    """In how many pieces of each place it is; places without any are left out."""
    wanted = [*spellings(secret)]
    counted = {
        name: sum(any(each in piece for each in wanted) for piece in pieces)
        for name, pieces in places.items()
    }
    return {name: number for name, number in counted.items() if number}


def spellings(secret: str) -> Iterator[bytes]:
    """As it is, backwards, as hexadecimal digits, in two bytes a character, and in base64 wherever it begins."""
    raw = secret.encode()
    yield raw
    yield raw[::-1]
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    yield secret.encode("utf-16-le")
    for before in range(3):
        coded = base64.b64encode(bytes(before) + raw)
        # What stands before and after it is in the first and the last characters, too.
        whole = coded[4 if before else 0 : -4]
        yield whole
        yield whole.translate(bytes.maketrans(b"+/", b"-_"))


def files(folder: Path, since: float = 0) -> Iterator[bytes]:
    """Each file below that was written after a time, in seconds since 1970.

    One that goes while we look is one that is not there.
    """
    for path in sorted(folder.rglob("*")):
        try:
            if path.is_file() and path.stat().st_mtime >= since:
                yield path.read_bytes()
        except FileNotFoundError:
            continue


def unpacked(piece: bytes) -> Iterator[bytes]:
    """A piece as it is, and what is in it that was packed by gzip, as servers send it and caches keep it."""
    yield piece
    for found in re.finditer(rb"\x1f\x8b\x08", piece):
        with suppress(zlib.error):
            yield zlib.decompressobj(wbits=31).decompress(piece[found.start() :])


def letters(folder: Path) -> Iterator[bytes]:
    """Those that were handed over as files."""
    for path in sorted(folder.glob("*.eml")):
        yield letter(message_from_bytes(path.read_bytes(), policy=policy.default))


def letter(message: EmailMessage) -> bytes:
    """As it came, and each part of it as it is read."""
    parts = [part.get_payload(decode=True) for part in message.walk() if not part.is_multipart()]
    return b"\n".join([bytes(message), *(part for part in parts if isinstance(part, bytes))])


def dumped(cluster: Cluster, database: str) -> bytes:
    """What pg_dump writes; a value of bytes is in it as hexadecimal digits."""
    where = conninfo(cluster.url.set(database=database))
    command = [str(cluster.binaries / "bin" / "pg_dump"), where]
    return subprocess.run(command, capture_output=True, check=True, env={}).stdout


def processes(*numbers: int) -> Iterator[bytes]:
    """The environment and the command line of each, as everybody of this account can read them."""
    for number in numbers:
        folder = Path("/proc") / str(number)
        yield (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
