"""Random texts that end in a checksum, so that a mistyped one is told without a look-up.

Client secrets and API keys are such: 43 base62 characters (256 bits) and six of CRC-32 of all that
stands before them, the prefix included.
"""

import secrets
import zlib
from typing import Final

BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
BODY: Final = 43
CHECKSUM: Final = 6
API_KEY_PREFIX: Final = "onbk_"
ENVIRONMENTS: Final = ("live", "test")


def secret_prefix(prefix: str, environment: str) -> str:
    """What a client secret begins with; `prefix` as the settings have it."""
    return f"{prefix}_{environment}_"


def new(prefix: str) -> str:
    """A text that nobody guesses, after its prefix."""
    head = prefix + random_base62(BODY)
    return head + checksum(head)


def checksum(head: str) -> str:
    """CRC-32 in six base62 characters."""
    return _in_base62(zlib.crc32(head.encode()), CHECKSUM)


def well_formed(text: str) -> bool:
    """Whether the last six characters fit the rest."""
    return len(text) > CHECKSUM and checksum(text[:-CHECKSUM]) == text[-CHECKSUM:]


def random_base62(length: int) -> str:
    """As many random characters, from one draw: the system's source of chance is asked once."""
    return _in_base62(secrets.randbelow(62**length), length)


def _in_base62(number: int, length: int) -> str:
    letters = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        letters.append(BASE62[digit])
    return "".join(reversed(letters))
