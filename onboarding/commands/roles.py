"""Which role a verb needs, where a terminal has one.

Whoever has a terminal with the database's address and the keyring has everything. Where others are let
in, `ONBOARDING_TERMINAL_ROLE` says what the commands do for them: see docs/decisions/0052.
"""

from collections.abc import Mapping
from typing import Final

# The verbs that open the database, by what they need. What an action or a run is about asks for more.
VERBS: Final[Mapping[str, tuple[str, ...]]] = {
    "look": (
        "aggregators ls",
        "bulk ls",
        "bulk show",
        "causes ls",
        "causes show",
        "connection sellers",
        "doctor",
        "history",
        "inbound ls",
        "inbound show",
        "incidents",
        "keyring ls",
        "keys ls",
        "ls",
        "operators ls",
        "report funnel",
        "report standing",
        "report times",
        "show",
        "source ls",
        "views ls",
        "webhook deliveries",
        "webhook ls",
        "worker-health",
    ),
    "act": (
        "act",
        "bulk abort",
        "bulk agree",
        "bulk decline",
        "bulk pause",
        "bulk resume",
        "bulk start",
        "causes mark",
        "causes note",
        "fire",
        "inbound retry",
        "note",
        "retry",
        "webhook enable",
        "webhook redeliver",
    ),
    "decide": (
        "connection invite",
        "connection rename",
        "connection revoke",
        "connection unlink",
        "inbound dismiss",
        "secret end",
        "secret replace",
    ),
    "audit": ("audit ls", "audit verify"),
    "manage": (
        "aggregators set",
        "archive",
        "demo",
        "erase",
        "keyring retire",
        "keyring rotate",
        "keys create",
        "keys revoke",
        "keys rotate",
        "migrate",
        "operators link",
        "operators remove",
        "relay",
        "restored",
        "serve",
        "source add",
        "source rm",
        "source rotate",
        "walk",
        "web",
        "webhook add",
        "webhook rm",
        "worker",
    ),
}
NEEDS: Final[Mapping[str, str]] = {
    verb: permission for permission, verbs in VERBS.items() for verb in verbs
}


# They calculate, or ask a system elsewhere with a key of its own. Only a test of credentials may open the
# database: for what whoever has the secret may know.
FREE: Final = frozenset(
    {
        "chart",
        "explain-error",
        "man",
        "route",
        "scan",
        "settings",
        "test-credentials",
        "webhook listen",
    }
)


def admit(verb: str) -> None:
    """Refuse a verb that this terminal's role lacks. Raises RoleNeeded.

    Without a role it is that of whoever has the machine. A verb that is not listed is for admins.
    """
    if verb in FREE:
        return
    # What opens no database does not wait for its libraries.
    from onboarding.errors import RoleNeeded  # noqa: PLC0415 - see above
    from onboarding.operators import MAY, least_role  # noqa: PLC0415 - see above
    from onboarding.settings import settings  # noqa: PLC0415 - see above

    role, permission = settings().terminal_role, NEEDS.get(verb, "manage")
    if role and permission not in MAY[role]:
        raise RoleNeeded(least_role(permission))
