"""The chart as the product owner signed it: every legal move and who may make it, written out.

This page repeats `onboarding.chart` on purpose and takes nothing from it. A change of the chart is
a change of this page, made by hand.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Case:
    """What a guard may know of an onboarding."""

    connection_type: str | None
    credential_mode: str | None
    contact_verified: bool


@dataclass(frozen=True)
class ExpectedMove:
    event: str
    source: str
    guard: str
    target: str


OPEN: Final = (
    "started",
    "checking_aggregator",
    "awaiting_aggregator",
    "type_chosen",
    "issuing_secret",
    "secret_ready",
    "secret_lapsed",
    "secret_revealed",
    "awaiting_seller",
    "seller_linked",
    "verifying",
)
FINAL: Final = (
    "confirmed",
    "credentials_issued",
    "redirected_to_soap",
    "cancelled",
    "expired",
)
STATES: Final = OPEN + FINAL
ACTORS: Final = ("seller", "developer", "api", "platform", "operator", "clock")

# event, from, guard, to
_MOVES: Final = """
choose_type          started               legacy_soap         redirected_to_soap
choose_type          started               aggregator          checking_aggregator
choose_type          started               own_client          type_chosen
choose_type          type_chosen           legacy_soap         redirected_to_soap
choose_type          type_chosen           aggregator          checking_aggregator
choose_type          type_chosen           own_client          type_chosen
choose_type          awaiting_aggregator   legacy_soap         redirected_to_soap
choose_type          awaiting_aggregator   aggregator          checking_aggregator
choose_type          awaiting_aggregator   own_client          type_chosen
approve_aggregator   checking_aggregator   delegated           awaiting_seller
approve_aggregator   checking_aggregator   not_delegated       type_chosen
refuse_aggregator    checking_aggregator   -                   awaiting_aggregator
recheck_aggregator   awaiting_aggregator   -                   checking_aggregator
issue_id             type_chosen           contact_verified    issuing_secret
secret_generated     issuing_secret        -                   secret_ready
reveal_secret        secret_ready          -                   secret_revealed
lapse_secret         secret_ready          -                   secret_lapsed
reissue_secret       secret_ready          -                   issuing_secret
reissue_secret       secret_revealed       -                   issuing_secret
reissue_secret       secret_lapsed         -                   issuing_secret
acknowledge_secret   secret_revealed       credentials_only    credentials_issued
acknowledge_secret   secret_revealed       a_connection        awaiting_seller
link_seller          awaiting_seller       -                   seller_linked
unlink_seller        seller_linked         -                   awaiting_seller
confirm              seller_linked         -                   verifying
verification_passed  verifying             -                   confirmed
verification_failed  verifying             -                   seller_linked
start_over           checking_aggregator   -                   started
start_over           awaiting_aggregator   -                   started
start_over           type_chosen           -                   started
start_over           issuing_secret        -                   started
start_over           secret_ready          -                   started
start_over           secret_lapsed         -                   started
start_over           secret_revealed       -                   started
start_over           awaiting_seller       -                   started
start_over           seller_linked         -                   started
cancel               started               -                   cancelled
cancel               checking_aggregator   -                   cancelled
cancel               awaiting_aggregator   -                   cancelled
cancel               type_chosen           -                   cancelled
cancel               issuing_secret        -                   cancelled
cancel               secret_ready          -                   cancelled
cancel               secret_lapsed         -                   cancelled
cancel               secret_revealed       -                   cancelled
cancel               awaiting_seller       -                   cancelled
cancel               seller_linked         -                   cancelled
cancel               verifying             -                   cancelled
expire               started               -                   expired
expire               awaiting_aggregator   -                   expired
expire               type_chosen           -                   expired
expire               secret_lapsed         -                   expired
expire               secret_revealed       -                   expired
expire               awaiting_seller       -                   expired
expire               seller_linked         -                   expired
"""
MOVES: Final = tuple(ExpectedMove(*line.split()) for line in _MOVES.split("\n") if line)

MAY: Final[dict[str, set[str]]] = {
    "choose_type": {"seller", "api"},
    "approve_aggregator": {"platform", "operator"},
    "refuse_aggregator": {"platform", "operator"},
    "recheck_aggregator": {"seller", "platform", "operator"},
    "issue_id": {"seller", "api"},
    "secret_generated": {"platform"},
    "reveal_secret": {"seller", "developer", "api"},
    "lapse_secret": {"clock"},
    "reissue_secret": {"seller", "api", "operator"},
    "acknowledge_secret": {"seller", "developer", "api", "platform"},
    "link_seller": {"seller"},
    "unlink_seller": {"seller", "operator"},
    "confirm": {"seller", "api"},
    "verification_passed": {"platform"},
    "verification_failed": {"platform"},
    "start_over": {"seller", "operator"},
    "cancel": {"seller", "operator", "api"},
    "expire": {"clock"},
}

GUARDS: Final[dict[str, Callable[[Case], bool]]] = {
    "-": bool,
    "legacy_soap": lambda case: case.connection_type == "legacy_soap",
    "aggregator": lambda case: case.connection_type == "aggregator",
    "own_client": lambda case: (
        case.connection_type in ("plugin", "own_development", "credentials_only")
    ),
    "delegated": lambda case: case.credential_mode == "delegated",
    "not_delegated": lambda case: case.credential_mode != "delegated",
    "contact_verified": lambda case: case.contact_verified,
    "credentials_only": lambda case: case.connection_type == "credentials_only",
    "a_connection": lambda case: case.connection_type != "credentials_only",
}


def expected_target(source: str, event: str, case: Case) -> str | None:
    """Where the event leads; None: it is refused."""
    possible = [
        move.target
        for move in MOVES
        if (move.source, move.event) == (source, event) and GUARDS[move.guard](case)
    ]
    assert len(possible) <= 1, f"{event} in {source} leads to {possible}"
    return possible[0] if possible else None
