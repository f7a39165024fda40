"""What rows are known by: numbers in the order in which they were made, which nobody has to ask for; references."""

import os
import re
import secrets
import threading
import time
from datetime import datetime
from typing import Final
from uuid import UUID

from onboarding.errors import NotFound

# No reference has these letters: whoever reads one aloud or copies it by hand may mean others.
_HEARD: Final = str.maketrans("OILU", "011V")
_SIGNS: Final = 10
# Client IDs have all letters, small ones too: these are taken for digits.
_SEEN: Final = str.maketrans("OIL", "011")
_ENDING: Final = re.compile(r"[\s.…]*((?:[0-9A-Za-z]\s?){4})")

_making = threading.Lock()
_last_made = 0


def new_id(*, at: datetime | None = None) -> UUID:
    """A UUID of version 7 (RFC 9562 §5.7): sorts by time of creation, now or then; indexes like it.

    Those that a process makes now sort as they were made, also within a millisecond (§6.2, method 1).
    """
    milliseconds, counter = divmod(_later_than_last(), 1 << 12)
    if at:
        milliseconds = int(at.timestamp() * 1000)
    value = (milliseconds << 80) | (7 << 76) | (counter << 64)
    return UUID(int=value | (0b10 << 62) | secrets.randbits(62))


def read_uuid(text: str) -> UUID:
    """An ID as it stands in an address or a form. Raises NotFound: one that is none is nobody's."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None


def as_reference(text: str) -> str:
    """A reference as it is kept, however much of its form was typed, and what was heard for a digit."""
    signs = "".join(filter(str.isalnum, text.upper())).translate(_HEARD)
    bare = signs.removeprefix("0NB") if len(signs) > _SIGNS else signs
    return f"ONB-{bare[:5]}-{bare[5:]}"


def as_ending(text: str) -> str | None:
    """The end of a client ID as it is looked up, however it was read out; None for what is none."""
    found = _ENDING.fullmatch(text.rstrip())
    return "".join(found[1].split()).upper().translate(_SEEN) if found else None


def _later_than_last() -> int:
    """Milliseconds, and twelve bits that begin anywhere in the lower half and count on."""
    global _last_made  # noqa: PLW0603 - one order for all threads of the process
    with _making:
        now = (time.time_ns() // 1_000_000 << 12) | secrets.randbits(11)
        _last_made = max(now, _last_made + 1)
        return _last_made


def _start_afresh() -> None:
    """A forked child must not wait for a thread that made one at the fork, and is not in it."""
    global _making  # noqa: PLW0603 - the lock belongs to the process
    _making = threading.Lock()


os.register_at_fork(after_in_child=_start_afresh)
