"""What may happen to a connection after its onboarding is done: what its history goes on with.

The chart has no move out of an end state, and needs none: whoever has revoked their credentials has
still been onboarded. So these events leave the state as it is; history, the log and other systems
have them like any other.
"""

from dataclasses import dataclass
from typing import Final

# Onboardings that are done: their credentials or their link are in use.
DONE: Final = ("confirmed", "credentials_issued")


@dataclass(frozen=True, slots=True)
class Afterwards:
    """An event after the end: who may bring it about, what other systems hear, and which letter is sent."""

    who: frozenset[str]
    type: str
    notice: str | None = None


AFTERWARDS: Final[dict[str, Afterwards]] = {
    "revoke_credentials": Afterwards(
        frozenset({"seller", "api", "operator"}),
        "onboarding.credentials_revoked",
        "credentials_revoked",
    ),
    "rename": Afterwards(frozenset({"seller", "api", "operator"}), "onboarding.renamed"),
    "expire_secret": Afterwards(
        frozenset({"clock"}), "onboarding.secret_expired", "secret_expired"
    ),
    # A new version has taken the place of the one before, which may have some days left.
    "take_new_secret": Afterwards(frozenset({"seller", "platform"}), "onboarding.secret_replaced"),
    # Somebody else may have the secret; from now on it is refused.
    "disclose_secret": Afterwards(frozenset({"api"}), "onboarding.secret_disclosed"),
    "end_link": Afterwards(
        frozenset({"seller", "api", "operator"}), "onboarding.link_ended", "link_ended"
    ),
    # Of sellers besides the one that the onboarding was for.
    "link_further_seller": Afterwards(frozenset({"seller"}), "onboarding.further_seller_linked"),
    "further_link_verified": Afterwards(
        frozenset({"platform"}), "onboarding.further_link_verified", "further_link_verified"
    ),
    "further_link_failed": Afterwards(
        frozenset({"platform"}), "onboarding.further_link_failed", "further_link_failed"
    ),
    "end_further_link": Afterwards(
        frozenset({"seller", "api", "operator"}),
        "onboarding.further_link_ended",
        "further_link_ended",
    ),
}

# Of these no letter tells: what was said before them is so still.
UNTOLD: Final = frozenset({"rename", "take_new_secret", "link_further_seller"})
# What is over with a new secret, so that it is not told again.
SETTLED_BY_NEW_SECRET: Final = frozenset({"expire_secret", "disclose_secret"})

# Of these, the first takes back all that was issued; either ends the onboarding's own link.
REVOKING: Final = frozenset({"revoke_credentials"})
UNLINKING: Final = frozenset({"end_link"}) | REVOKING
