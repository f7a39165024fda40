"""What the classes of the asked-for values decide, as data that takes effect on a date.

An onboarding keeps the version that it was routed under. To change a rule, add a `RuleSet` with a
later date; never edit one that has been in force. A version is the date of its set, so
`rule_set(date.fromisoformat(version))` finds it again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Final, Literal

from onboarding.routing_labels import SYNONYMS, Lexicon, Synonyms, lexicon


def N_(message: str) -> str:  # noqa: N802  (gettext's own name)
    """Mark a message for the catalogue; `words` shows it, and needs libraries to do so."""
    return message


@dataclass(frozen=True)
class Decision:
    """The verdict where all of `needs` and none of `without` are among the classes."""

    needs: frozenset[str]
    without: frozenset[str]
    verdict: Literal["type", "ask", "stop", "unsupported"]
    why: str
    connection_type: str | None = None
    credential_mode: Literal["delegated", "full"] | None = None
    question: str | None = None

    def applies(self, classes: frozenset[str]) -> bool:
        """Whether this is a decision on these classes."""
        return self.needs <= classes and not self.without & classes


@dataclass(frozen=True)
class RuleSet:
    """Synonyms and decisions in force from a date on; of the decisions, the first that applies."""

    effective_from: date
    synonyms: Synonyms
    decisions: tuple[Decision, ...]

    @property
    def version(self) -> str:
        """What an onboarding remembers."""
        return self.effective_from.isoformat()

    @cached_property
    def lexicon(self) -> Lexicon:
        """The synonyms, indexed once."""
        return lexicon(self.synonyms)

    def decide(self, classes: frozenset[str]) -> Decision:
        """The first decision that applies; the last one always does."""
        return next(decision for decision in self.decisions if decision.applies(classes))


def _ask(
    question: str, needs: str, why: str, *, without: str = "", mode: Literal["full"] | None = None
) -> Decision:
    return Decision(_set(needs), _set(without), "ask", why, None, mode, question)


def _door(connection_type: str, needs: str, why: str, *, without: str = "") -> Decision:
    mode: Literal["delegated"] | None = "delegated" if connection_type == "aggregator" else None
    return Decision(_set(needs), _set(without), "type", why, connection_type, mode)


def _refuse(
    verdict: Literal["stop", "unsupported"], needs: str, why: str, *, without: str = ""
) -> Decision:
    return Decision(_set(needs), _set(without), verdict, why)


def _set(names: str) -> frozenset[str]:
    return frozenset(names.split())


_SHARED_SIGN_IN = N_(
    "Never give a tool the e-mail address and password of your seller account: no tool needs them."
)
_TWO_GENERATIONS = N_(
    "A Seller ID is asked for next to a login and a password of their own: the tool may mix the"
    " REST API with the older SOAP APIs, and the login fields may have to stay empty."
)
_NOT_SOAP = N_(
    "A client ID and a client secret belong to the REST API, and the Seller ID may be asked for"
    " on another screen; if you are the developer or the aggregator, you may need only these two."
)
_INCOMPLETE = N_(
    "These values do not make a complete set: count what the tool asks for on all of its screens."
)
_BESIDES = N_(
    "The tool asks for a key, token or certificate besides other values: count what it asks for"
    " on all of its screens."
)

_DECISIONS: Final[tuple[Decision, ...]] = (
    _refuse("stop", "account", _SHARED_SIGN_IN),
    _refuse("stop", "email password", _SHARED_SIGN_IN, without="principal"),
    _ask(
        "which_generation",
        "seller api_login password",
        _TWO_GENERATIONS,
        without="client_id client_secret",
    ),
    _ask(
        "which_generation",
        "seller principal secret lane",
        _TWO_GENERATIONS,
        without="client_id client_secret",
    ),
    _door(
        "own_development",
        "certificate",
        N_(
            "A public key or certificate is asked for by software that you develop: here it gets a"
            " client ID and a client secret instead."
        ),
        without="secret key login api_login",
    ),
    _ask("values", "principal foreign", _BESIDES),
    _ask("values", "secret foreign", _BESIDES),
    _ask(
        "who_runs_it",
        "seller principal secret several",
        N_("Three values, with a Seller ID for each country: link each seller account by itself."),
        mode="full",
    ),
    _ask(
        "who_runs_it",
        "seller principal secret",
        N_(
            "Three values, whatever their names, are a client ID, a client secret and a Seller ID"
            " for the REST API; the door depends on who runs the tool."
        ),
        mode="full",
    ),
    _door(
        "credentials_only",
        "partner",
        N_("A developer or an aggregator may have credentials without linking a seller account."),
        without="seller",
    ),
    _ask("seller_id_elsewhere", "client_id secret", _NOT_SOAP),
    _ask("seller_id_elsewhere", "principal client_secret", _NOT_SOAP),
    _door(
        "legacy_soap",
        "api_login password",
        N_("The login and password of an API user belong to the older SOAP APIs."),
        without="unknown",
    ),
    _ask(
        "seller_id_elsewhere",
        "principal secret",
        N_(
            "A login and a password alone belong to the older SOAP APIs, but with a Seller ID or"
            " a shop number on another screen they are a client ID and a client secret."
        ),
    ),
    _ask(
        "who_gave_the_client_id",
        "client_id",
        N_(
            "A client ID that an aggregator gave you is theirs, to be linked to your seller"
            " account; if the tool asks you for one, it needs a client secret as well."
        ),
    ),
    _refuse(
        "unsupported",
        "shop_admin",
        N_("The tool asks for the sign-in to your own shop, which is nothing that we issue."),
        without="seller principal",
    ),
    _ask(
        "which_is_the_client_id",
        "secret",
        N_("A secret is asked for, but no client ID: one of the fields may be the client ID."),
    ),
    _ask("values", "principal", _INCOMPLETE),
    _refuse(
        "unsupported",
        "foreign",
        N_("We issue no API keys or tokens: ask the provider of the tool for its REST version."),
    ),
    _door(
        "aggregator",
        "seller",
        N_("A Seller ID alone means that an aggregator connects for you with its own credentials."),
        without="unknown",
    ),
    _ask("values", "seller", _INCOMPLETE),
    _ask("values", "email", _INCOMPLETE),
    _ask(
        "values",
        "unknown",
        N_("We do not know these names: count the values, or ask the provider of the tool."),
    ),
    _refuse(
        "unsupported",
        "oauth",
        N_("Redirect URLs and scopes are for registering an app: its maker must talk to us first."),
    ),
    _refuse(
        "unsupported",
        "shop",
        N_("The tool asks for the address of your own shop, which is nothing that we issue."),
    ),
    _door(
        "aggregator",
        "connect",
        N_("A button without fields means that an aggregator connects for you, once you allow it."),
    ),
    _ask("connection_type", "", N_("Nothing is asked for: say how you will connect.")),
)

RULE_SETS: Final = (RuleSet(date(2026, 11, 1), SYNONYMS, _DECISIONS),)
# In force when this release ships; a set for a later date waits until `rule_set` is asked for it.
CURRENT: Final = RULE_SETS[0]


def rule_set(on: date, among: Sequence[RuleSet] = RULE_SETS) -> RuleSet:
    """The set in force on a day; before the first one took effect, the first."""
    by_date = sorted(among, key=lambda rules: rules.effective_from)
    begun = [rules for rules in by_date if rules.effective_from <= on]
    return begun[-1] if begun else by_date[0]
