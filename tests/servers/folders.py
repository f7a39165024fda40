"""The temporary folder that the servers of one test run live in."""

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

# Short, because the path of a Unix socket has 107 bytes and starts with this folder.
PREFIX = "onboarding-"
LOCK = "servers.lock"
MEMORY = Path("/dev/shm")


@contextmanager
def server_folder() -> Iterator[Path]:
    """A new folder that other users can pass through but not list; it goes away with us."""
    parent = parent_folder()
    remove_abandoned(parent)
    fresh = Path(tempfile.mkdtemp(prefix="new-" + PREFIX, dir=parent))
    fresh.chmod(0o711)
    with (fresh / LOCK).open("w") as lock:
        # It gets the name that remove_abandoned() looks for only once it is locked.
        locked(lock)
        folder = fresh.rename(parent / fresh.name.removeprefix("new-"))
        try:
            yield folder
        finally:
            shutil.rmtree(folder)


def parent_folder() -> Path:
    """Where temporary files go, but in memory if there is room, and never where only root can enter.

    On a busy disk a fresh database took two seconds, in memory 0.1; kill -9 loses nothing on either.
    """
    if "TMPDIR" not in os.environ and roomy(MEMORY):
        return MEMORY
    candidates = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]
    return next((folder for folder in candidates if open_to_all(folder)), candidates[0])


def roomy(memory: Path) -> bool:
    """Whether it has 3 GB free, and lets programs run: containers often have neither."""
    if not memory.is_dir():
        return False
    mounted = os.statvfs(memory)
    return mounted.f_bavail * mounted.f_frsize > 3 << 30 and not mounted.f_flag & os.ST_NOEXEC


def open_to_all(path: Path) -> bool:
    """Whether every user of the machine may enter this folder, or run this program."""
    path = path.resolve()
    return all(part.stat().st_mode & stat.S_IXOTH for part in [path, *path.parents])


def remove_abandoned(parent: Path) -> None:
    """Removes the folders of runs that were killed: the kernel has dropped their locks."""
    for path in parent.glob(f"{PREFIX}*/{LOCK}"):
        if path.stat().st_uid == os.getuid():
            with path.open("a") as lock:
                if locked(lock):
                    shutil.rmtree(path.parent, ignore_errors=True)


def locked(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
