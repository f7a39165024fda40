"""The wizard's questions as a tree: what each page asks for, and where each answer leads."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from onboarding.names import CONNECTION_AT_MOST

Answers = Mapping[str, str]


@dataclass(frozen=True)
class Field:
    """One answer of a question: a code out of `options`, or free text where there are none."""

    name: str
    options: tuple[str, ...] = ()
    # Asked for only if the question's own answer is this code.
    only_if: str | None = None
    optional: bool = False
    # In characters; as it stands, what an e-mail address may have.
    longest: int = 254

    def accepts(self, value: str) -> bool:
        """Whether this is a possible answer."""
        if self.options:
            return value in self.options
        # A control character or half a surrogate pair is no text, and databases refuse them.
        return 0 < len(value) <= self.longest and {"Cc", "Cs"}.isdisjoint(
            map(unicodedata.category, value)
        )


@dataclass(frozen=True)
class Question:
    """A page of the wizard; the field named like the question, if any, decides what comes next."""

    code: str
    fields: tuple[Field, ...]

    @property
    def options(self) -> tuple[str, ...]:
        """The codes to choose from; none where the question takes free text."""
        return next((field.options for field in self.fields if field.name == self.code), ())

    def fields_for(self, answers: Answers) -> list[Field]:
        """The fields that apply, given the question's own answer."""
        own = answers.get(self.code)
        return [field for field in self.fields if field.only_if in (None, own)]


@dataclass(frozen=True)
class Door:
    """Where the questions end. `aggregator` is the ID of a registered one; another has a name."""

    connection_type: str
    credential_mode: Literal["delegated", "full"] | None = None
    aggregator: str | None = None
    aggregator_name: str | None = None


@dataclass(frozen=True)
class Advice:
    """Something to do first; then another answer to `question` goes on."""

    code: Literal["ask_provider", "older_plugin"]
    question: str = ""


class Node(NamedTuple):
    """A question on one of the ways that lead to it; `ANY` stands for every answer."""

    question: Question
    leads_to: Mapping[str, str | Door | Advice]


ANY: Final = "*"
START: Final = "connection_type"


def _choose(code: str, *more: Field, **leads_to: str | Door | Advice) -> Node:
    return Node(Question(code, (Field(code, tuple(leads_to)), *more)), leads_to)


_SOAP: Final = Door("legacy_soap")
_PLUGIN: Final = Door("plugin")
_OWN: Final = Door("own_development")
_DELEGATED: Final = Door("aggregator", "delegated")
_FULL: Final = Door("aggregator", "full")
_ASK_PROVIDER: Final = Advice("ask_provider")
_OLDER_PLUGIN: Final = Advice("older_plugin")

_AGGREGATOR: Final = Question(
    "aggregator",
    (Field("aggregator", longest=64), Field("aggregator_name", only_if="other", longest=120)),
)
_ACCOUNT: Final = Question(
    "account",
    (
        Field("organisation", longest=120),
        Field("email"),
        Field("role", ("developer", "aggregator", "integration_partner")),
    ),
)

TREE: Final[Mapping[str, Node]] = {
    START: _choose(
        "connection_type",
        aggregator="aggregator",
        plugin="direct",
        own_development="developer",
        legacy_soap=_SOAP,
        credentials_only="account",
        unsure="values",
    ),
    "values": _choose(
        "values",
        one="one.aggregator",
        three="provider",
        two="two.elsewhere",
        unknown=_ASK_PROVIDER,
    ),
    "one.aggregator": Node(_AGGREGATOR, {ANY: _DELEGATED}),
    "two.elsewhere": _choose(
        "seller_id_elsewhere", yes="provider", no=_SOAP, unknown=_ASK_PROVIDER
    ),
    "provider": _choose(
        "provider",
        aggregator="three.aggregator",
        direct_plugin=_PLUGIN,
        third_party_plugin="three.aggregator",
        own_code="developer",
    ),
    "three.aggregator": Node(_AGGREGATOR, {ANY: _FULL}),
    "aggregator": Node(_AGGREGATOR, {ANY: "aggregator.asks_for"}),
    "aggregator.asks_for": _choose(
        "asks_for", one=_DELEGATED, three=_FULL, two="aggregator.elsewhere"
    ),
    "aggregator.elsewhere": _choose(
        "seller_id_elsewhere", yes=_FULL, no=_SOAP, unknown=_ASK_PROVIDER
    ),
    "direct": _choose("direct", yes="plugin.asks_for", no="aggregator", unknown=_ASK_PROVIDER),
    "plugin.asks_for": _choose("asks_for", three=_PLUGIN, two="plugin.elsewhere"),
    "plugin.elsewhere": _choose(
        "seller_id_elsewhere", yes=_PLUGIN, no=_OLDER_PLUGIN, unknown=_ASK_PROVIDER
    ),
    "developer": _choose(
        "developer",
        Field("developer_email", only_if="partner", optional=True),
        Field("connection_name", optional=True, longest=CONNECTION_AT_MOST),
        me=_OWN,
        partner=_OWN,
    ),
    "account": Node(_ACCOUNT, {ANY: Door("credentials_only")}),
}
