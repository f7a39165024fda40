"""`scan`: are there secrets of ours in these files? It needs no database, and nothing is sent anywhere."""

import io
import os
import stat
import sys
from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from onboarding import scanning
from onboarding.commands import printing
from onboarding.commands.exits import DONE, FINDINGS, NOT_FOUND, REFUSED, Failure
from onboarding.scanning import Finding, Shape, Stream

STDIN: Final = "-"
# How files begin whose text is not to be seen in their bytes.
_COMPRESSED: Final[dict[bytes, str]] = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"7z\xbc\xaf\x27\x1c": "7z",
    b"\x28\xb5\x2f\xfd": "zstd",
}
_KINDS: Final = {"client_secret": "client secret", "api_key": "API key"}


def scan(paths: Sequence[str], prefixes: Collection[str], *, as_json: bool) -> None:
    """Look through all of it and exit with FINDINGS, or REFUSED where something could not be read.

    Raises Failure for a path that is not there, before anything is read.
    """
    for path in paths:
        if path != STDIN and not os.path.lexists(path):
            raise Failure(f"There is no {path}.", "Nothing was searched.", NOT_FOUND)
    told = _Told(scanning.shapes(prefixes), as_json=as_json)
    for path in paths:
        if path == STDIN:
            told.stream(STDIN, sys.stdin.buffer)
        elif Path(path).is_dir():
            _folder(path, told)
        else:
            told.file(path)
    if told.found:
        sys.exit(FINDINGS)
    sys.exit(REFUSED if told.unread else DONE)


class _Told:
    """What was found and what could not be read, as it is printed."""

    def __init__(self, wanted: Sequence[Shape], *, as_json: bool) -> None:
        self._wanted, self._as_json = wanted, as_json
        self.found = self.unread = 0

    def file(self, path: str) -> None:
        """What is in one file, and in its name."""
        self.name(path)
        try:
            with open(path, "rb") as stream:  # noqa: PTH123 - a name may be any bytes
                self.stream(path, stream)
        except OSError as error:
            self.cannot(path, error.strerror or "it cannot be read")

    def stream(self, path: str, stream: Stream) -> None:
        """What is in a stream. Raises OSError."""
        seen = _Seen(stream)
        for each in scanning.findings(seen, self._wanted):
            self._tell(path, each, f"{each.line}:{each.column}")
        packed = next(
            (how for start, how in _COMPRESSED.items() if seen.head.startswith(start)), ""
        )
        if packed:
            self.left(path, f"{packed}: searched as it is; what is packed in it was not")

    def name(self, path: str) -> None:
        """What is in the last part of a path."""
        name = io.BytesIO(os.fsencode(os.path.basename(path)))  # noqa: PTH119 - any bytes
        for each in scanning.findings(name, self._wanted):
            self._tell(path, replace(each, line=None, column=None), "in its name")

    def cannot(self, path: str, why: str) -> None:
        """One that nobody has looked into; that is no clean bill."""
        self.unread += 1
        self.left(path, why)

    def left(self, path: str, why: str) -> None:
        """Say what was not searched."""
        if self._as_json:
            printing.line({"path": self._shown(path), "not_searched": why})
        else:
            printing.say(f"Not searched: {self._shown(path)}: {why}")

    def _tell(self, path: str, each: Finding, where: str) -> None:
        self.found += 1
        if self._as_json:
            printing.line({"path": self._shown(path)} | asdict(each))
            return
        what = " ".join(filter(None, (each.environment, _KINDS[each.kind])))
        printing.text(f"{self._shown(path)}:{where}: {what} …{each.ending}")

    def _shown(self, path: str) -> str:
        """A name may hold a secret, and what moves a terminal's cursor."""
        name = scanning.hidden(path, self._wanted)
        return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)


class _Seen:
    """A stream, and how it began."""

    def __init__(self, stream: Stream) -> None:
        self._stream, self.head = stream, b""

    def read(self, size: int) -> bytes:
        read = self._stream.read(size)
        self.head = self.head or read[:8]
        return read


def _folder(root: str, told: _Told) -> None:
    """All files below, links followed; each folder once, so that a link to one above ends."""
    been: set[tuple[int, int]] = set()

    def failed(error: OSError) -> None:
        told.cannot(str(error.filename), error.strerror or "it cannot be read")

    for folder, folders, files in os.walk(root, onerror=failed, followlinks=True):
        if _was_here(folder, been):
            folders.clear()
            continue
        folders.sort()
        if "objects" in folders and "HEAD" in files:
            folders.remove("objects")
            told.left(folder, "git's history is packed: git log -p --all | onboarding scan -")
        for name in folders:
            told.name(os.path.join(folder, name))  # noqa: PTH118 - a name may be any bytes
        for name in sorted(files):
            _one(os.path.join(folder, name), told)  # noqa: PTH118 - a name may be any bytes


def _was_here(folder: str, been: set[tuple[int, int]]) -> bool:
    try:
        here = os.stat(folder)  # noqa: PTH116 - a name may be any bytes
    except OSError:
        return False
    key = (here.st_dev, here.st_ino)
    if key in been:
        return True
    been.add(key)
    return False


def _one(path: str, told: _Told) -> None:
    """A pipe or a device in a folder would be waited for: it is only read where it is named."""
    try:
        mode = os.stat(path).st_mode  # noqa: PTH116 - a name may be any bytes
    except OSError as error:
        told.cannot(path, error.strerror or "it cannot be read")
        return
    if stat.S_ISREG(mode):
        told.file(path)
    else:
        told.cannot(path, "it is no file")
