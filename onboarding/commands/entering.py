"""The way into the console of a sandbox, where nobody has an account."""

from datetime import UTC, datetime

from onboarding import operators
from onboarding.commands import printing
from onboarding.commands.exits import USAGE, Failure
from onboarding.operators import LINK_LASTS
from onboarding.sealing import Keyring
from onboarding.settings import Settings


def link(chosen: Settings, ring: Keyring, role: str) -> None:
    """Print a link that opens the console. Raises Failure where sellers are real."""
    if not chosen.sandbox:
        raise Failure(
            "Sellers are real here: operators sign in, and no link opens the console.",
            "Unset ONBOARDING_OIDC_ISSUER for a sandbox.",
            USAGE,
        )
    printing.text(address(chosen, ring, role))


def address(chosen: Settings, ring: Keyring, role: str) -> str:
    """The link for a role, good for as long as a session."""
    token = operators.link_token(ring, role, datetime.now(UTC) + LINK_LASTS)
    return f"{chosen.base_url}/console/enter/{token}"
