"""Names that people give: how long one may be, what it may hold, and how it is kept."""

import unicodedata
from typing import Final

from onboarding.words import N_, Said

# Characters of a connection's name: one that is longer fills a list.
CONNECTION_AT_MOST: Final = 80
# They have no width, but whoever takes them out misspells Persian, and takes a family of emoji apart.
_JOINERS: Final = "\u200c\u200d"


def kept(text: str) -> str:
    """A name as it is kept: composed, with plain spaces, and none at its ends."""
    plain = (" " if unicodedata.category(c) == "Zs" else c for c in text)
    return unicodedata.normalize("NFC", "".join(plain)).strip(f" {_JOINERS}")


def shown(text: str) -> str:
    """Without what cannot be seen: marks without a width, and those that turn a line round."""
    return "".join(c for c in text if c in _JOINERS or unicodedata.category(c) != "Cf")


def on_one_line(text: str) -> str:
    """A name from elsewhere, with a space for each character that a line of ours cannot show."""
    return "".join(c if _shows(c) else " " for c in text)


def fault(name: str, at_most: int) -> str:
    """What is wrong with a name as it is kept, for those who sent it; nothing for a good one."""
    if not name:
        return N_("A name has at least one character.")
    if len(name) > at_most:
        sizes = {"length": len(name), "at_most": at_most}
        return Said(N_("%(length)s characters; at most %(at_most)s are taken."), **sizes)
    wrong = next((c for c in name if not _shows(c)), None)
    if wrong is None:
        return ""
    return Said(
        N_("It holds %(character)s, which a line cannot show."), character=f"U+{ord(wrong):04X}"
    )


def _shows(character: str) -> bool:
    return character.isprintable() or character in _JOINERS
