"""The life of an onboarding on one page: its states, its events, and three tables.

The chart does no work. It says what may happen; `lifecycle` makes it happen, and what a state
promises on entry is a name in a table, carried out later by a worker. `NEXT_MOVE` says whose turn
it is and for how long, so "stuck" is a question that can be asked at any time, not a state that
somebody must remember to leave.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from statemachine import State, StateChart


class Chart(StateChart["Facts"]):
    """Every legal move. Guards (`cond`) name facts of the onboarding and never do any work."""

    # Strict: an unknown or illegal event raises, an error is not swallowed, and the state is
    # written once. The library's defaults are the opposite of the first three.
    allow_event_without_transition = False
    catch_errors_as_events = False
    atomic_configuration_update = True
    enable_self_transition_entries = False

    started = State("Choosing a connection type", initial=True)
    checking_aggregator = State("Checking the aggregator")
    awaiting_aggregator = State("Waiting for the aggregator")
    type_chosen = State("Connection type chosen")
    issuing_secret = State("Making the client secret")
    secret_ready = State("Client secret ready to be shown")
    secret_lapsed = State("Client secret destroyed unseen")
    secret_revealed = State("Client secret shown, not yet saved")
    awaiting_seller = State("Waiting for the seller to sign in")
    seller_linked = State("Seller account linked, to be confirmed")
    verifying = State("Verifying the connection")
    confirmed = State("Connected", final=True)
    credentials_issued = State("Credentials issued", final=True)
    redirected_to_soap = State("Sent to the Seller Portal for SOAP", final=True)
    cancelled = State("Cancelled", final=True)
    expired = State("Expired", final=True)

    choose_type = (
        redirected_to_soap.from_(started, type_chosen, awaiting_aggregator, cond="wants_soap")
        | checking_aggregator.from_(
            started, type_chosen, awaiting_aggregator, cond="wants_aggregator"
        )
        | type_chosen.from_(started, type_chosen, awaiting_aggregator, cond="wants_credentials")
    )
    approve_aggregator = checking_aggregator.to(
        awaiting_seller, cond="delegated"
    ) | checking_aggregator.to(type_chosen, unless="delegated")
    refuse_aggregator = checking_aggregator.to(awaiting_aggregator)
    recheck_aggregator = awaiting_aggregator.to(checking_aggregator)

    issue_id = type_chosen.to(issuing_secret, cond="contact_verified")
    secret_generated = issuing_secret.to(secret_ready)
    reveal_secret = secret_ready.to(secret_revealed)
    lapse_secret = secret_ready.to(secret_lapsed)
    reissue_secret = issuing_secret.from_(secret_ready, secret_revealed, secret_lapsed)
    acknowledge_secret = secret_revealed.to(
        credentials_issued, cond="credentials_only"
    ) | secret_revealed.to(awaiting_seller, unless="credentials_only")

    link_seller = awaiting_seller.to(seller_linked)
    unlink_seller = seller_linked.to(awaiting_seller)
    confirm = seller_linked.to(verifying)
    verification_passed = verifying.to(confirmed)
    verification_failed = verifying.to(seller_linked)

    start_over = started.from_(
        checking_aggregator,
        awaiting_aggregator,
        type_chosen,
        issuing_secret,
        secret_ready,
        secret_lapsed,
        secret_revealed,
        awaiting_seller,
        seller_linked,
    )
    cancel = cancelled.from_(
        started,
        checking_aggregator,
        awaiting_aggregator,
        type_chosen,
        issuing_secret,
        secret_ready,
        secret_lapsed,
        secret_revealed,
        awaiting_seller,
        seller_linked,
        verifying,
    )
    expire = expired.from_(
        started,
        awaiting_aggregator,
        type_chosen,
        secret_lapsed,
        secret_revealed,
        awaiting_seller,
        seller_linked,
    )


@dataclass(slots=True)
class Facts:
    """What guards may ask about one onboarding: a bare slot, never the row itself.

    The library reads a model's attributes as callbacks, so a column named like a guard would
    silently take part in the decision.
    """

    state: str | None = None
    connection_type: str | None = None
    credential_mode: str | None = None
    contact_verified: bool = False

    @property
    def wants_soap(self) -> bool:
        return self.connection_type == "legacy_soap"

    @property
    def wants_aggregator(self) -> bool:
        return self.connection_type == "aggregator"

    @property
    def wants_credentials(self) -> bool:
        return self.connection_type in {"plugin", "own_development", "credentials_only"}

    @property
    def credentials_only(self) -> bool:
        return self.connection_type == "credentials_only"

    @property
    def delegated(self) -> bool:
        return self.credential_mode == "delegated"


@dataclass(frozen=True, slots=True)
class Move:
    """Whose turn it is in a state, and what time does if nobody moves."""

    whom: str
    overdue_after: timedelta
    reminders: tuple[timedelta, ...] = ()
    then: str | None = None
    then_after: timedelta | None = None


_MINUTE = timedelta(minutes=1)
_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)


def _person(whom: str, overdue_after: timedelta, then_after: timedelta) -> Move:
    """A person's turn: reminded when overdue and again three days before it expires."""
    reminders = (overdue_after, then_after - 3 * _DAY)
    return Move(whom, overdue_after, reminders, "expire", then_after)


NEXT_MOVE: Final[dict[str, Move]] = {
    "started": _person("seller", 7 * _DAY, 30 * _DAY),
    "checking_aggregator": Move("platform", 10 * _MINUTE),
    "awaiting_aggregator": _person("aggregator", 14 * _DAY, 90 * _DAY),
    "type_chosen": _person("seller", 7 * _DAY, 30 * _DAY),
    "issuing_secret": Move("platform", _MINUTE),
    "secret_ready": Move("seller", 15 * _MINUTE, (20 * _HOUR,), "lapse_secret", 24 * _HOUR),
    "secret_lapsed": _person("seller", 7 * _DAY, 30 * _DAY),
    "secret_revealed": _person("seller", 24 * _HOUR, 14 * _DAY),
    "awaiting_seller": _person("seller", 7 * _DAY, 30 * _DAY),
    "seller_linked": _person("seller", 7 * _DAY, 30 * _DAY),
    "verifying": Move("platform", 10 * _MINUTE),
}

# The most that an operator may give a person besides, in days.
EXTRA_DAYS_AT_MOST: Final = 90

# Who may fire what. "developer" is one whom the seller has named; "api" is a calling system with
# a key; "platform" is our own tasks; "clock" is the sweep of deadlines.
MAY_FIRE: Final[dict[str, frozenset[str]]] = {
    "choose_type": frozenset({"seller", "api"}),
    "approve_aggregator": frozenset({"platform", "operator"}),
    "refuse_aggregator": frozenset({"platform", "operator"}),
    "recheck_aggregator": frozenset({"seller", "platform", "operator"}),
    "issue_id": frozenset({"seller", "api"}),
    "secret_generated": frozenset({"platform"}),
    "reveal_secret": frozenset({"seller", "developer", "api"}),
    "lapse_secret": frozenset({"clock"}),
    "reissue_secret": frozenset({"seller", "api", "operator"}),
    "acknowledge_secret": frozenset({"seller", "developer", "api", "platform"}),
    "link_seller": frozenset({"seller"}),
    "unlink_seller": frozenset({"seller", "operator"}),
    "confirm": frozenset({"seller", "api"}),
    "verification_passed": frozenset({"platform"}),
    "verification_failed": frozenset({"platform"}),
    "start_over": frozenset({"seller", "operator"}),
    "cancel": frozenset({"seller", "operator", "api"}),
    "expire": frozenset({"clock"}),
}

# What a state promises on entry, whatever the way in: the names of tasks.
ON_ENTRY: Final[dict[str, tuple[str, ...]]] = {
    "checking_aggregator": ("check_aggregator",),
    "issuing_secret": ("generate_secret",),
    "verifying": ("verify_connection",),
}

# What a transition promises besides: (event, target) → the notice that `send_email` sends.
NOTICES: Final[dict[tuple[str, str], str]] = {
    ("refuse_aggregator", "awaiting_aggregator"): "aggregator_refused",
    ("approve_aggregator", "awaiting_seller"): "aggregator_approved",
    ("approve_aggregator", "type_chosen"): "aggregator_approved",
    ("secret_generated", "secret_ready"): "secret_ready",
    ("reveal_secret", "secret_revealed"): "secret_revealed",
    ("lapse_secret", "secret_lapsed"): "secret_lapsed",
    ("acknowledge_secret", "credentials_issued"): "credentials_issued",
    ("link_seller", "seller_linked"): "seller_linked",
    ("verification_failed", "seller_linked"): "verification_failed",
    ("verification_passed", "confirmed"): "confirmed",
    ("start_over", "started"): "started_over",
    ("cancel", "cancelled"): "cancelled",
    ("expire", "expired"): "expired",
}

# Events that take back what was issued; `revoke_client` is promised where a client exists.
REVOKES: Final[frozenset[str]] = frozenset({"start_over", "cancel", "expire"})

# The name under which other systems hear of an event: past participles.
EVENT_TYPES: Final[dict[str, str]] = {
    "start": "onboarding.started",
    "choose_type": "onboarding.type_chosen",
    "approve_aggregator": "onboarding.aggregator_approved",
    "refuse_aggregator": "onboarding.aggregator_refused",
    "recheck_aggregator": "onboarding.aggregator_recheck_requested",
    "issue_id": "onboarding.id_issued",
    "secret_generated": "onboarding.secret_generated",
    "reveal_secret": "onboarding.secret_revealed",
    "lapse_secret": "onboarding.secret_lapsed",
    "reissue_secret": "onboarding.secret_reissued",
    "acknowledge_secret": "onboarding.secret_acknowledged",
    "link_seller": "onboarding.seller_linked",
    "unlink_seller": "onboarding.seller_unlinked",
    "confirm": "onboarding.confirmed",
    "verification_passed": "onboarding.verification_passed",
    "verification_failed": "onboarding.verification_failed",
    "start_over": "onboarding.started_over",
    "cancel": "onboarding.cancelled",
    "expire": "onboarding.expired",
}

# The steps that people know a journey by.
MILESTONES: Final = ("choose_type", "issue_id", "reveal_secret", "link_seller", "confirm")

STATES: Final[tuple[str, ...]] = tuple(str(state.id) for state in Chart.states)
OPEN: Final[frozenset[str]] = frozenset(str(s.id) for s in Chart.states if not s.final)
CONNECTION_TYPES: Final = (
    "aggregator",
    "plugin",
    "own_development",
    "legacy_soap",
    "credentials_only",
)
CREDENTIAL_MODES: Final = ("delegated", "full")
