"""The way into the console of a sandbox, where nobody has an account."""

from datetime import UTC, datetime

from onboarding import admissions, operators
from onboarding.commands import printing, terminal
from onboarding.commands.exits import USAGE, Failure
from onboarding.operators import LINK_LASTS
from onboarding.sealing import Keyring
from onboarding.settings import Settings


def link(chosen: Settings, ring: Keyring, role: str, reason: str) -> None:
    """Print a link that opens the console. Raises Failure where sellers are real, and Invalid."""
    if not chosen.sandbox:
        raise Failure(
            "Sellers are real here: operators sign in, and no link opens the console.",
            "Unset ONBOARDING_OIDC_ISSUER for a sandbox.",
            USAGE,
        )
    printing.text(address(chosen, ring, role, reason))


def address(chosen: Settings, ring: Keyring, role: str, reason: str = "") -> str:
    """The link for a role, good for as long as a session. Who made it stands in the trail. Raises Invalid."""
    told = terminal.change("operators.link", reason)
    with admissions.written_down(ring, told) as (_, about):
        about["opens_as"] = role
    token = operators.link_token(ring, role, datetime.now(UTC) + LINK_LASTS)
    return f"{chosen.base_url}/console/enter/{token}"
