"""The front door for events that come with data: from the API, the CLI and the console.

Each event names what it takes; whatever else is sent is refused. Events of our own tasks, of the
clock and of a browser's sign-in have their own ways in and are not here for everybody: the chart's
`MAY_FIRE` decides by actor.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy.orm import Session

from onboarding import credentials, developers, lifecycle, names, registry
from onboarding.access import Actor
from onboarding.chart import CONNECTION_TYPES, CREDENTIAL_MODES, MAY_FIRE
from onboarding.errors import EventNotAllowed, EventNotYours, EventUnknown, Invalid
from onboarding.models import Onboarding
from onboarding.names import CONNECTION_AT_MOST
from onboarding.words import N_, ONE_OF, Said

Verb = Callable[[Session, UUID, Actor, Mapping[str, Any], int | None], Onboarding]


class Fields(NamedTuple):
    """The fields of an event's data: all that it takes, and those that it cannot do without."""

    takes: tuple[str, ...]
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    """An event's data: what it takes, what it needs, and the verb that carries it out."""

    takes: frozenset[str]
    verb: Verb
    needs: frozenset[str] = frozenset()


def handle(
    session: Session,
    onboarding_id: UUID,
    event: str,
    actor: Actor,
    data: Mapping[str, Any],
    *,
    expected: int | None = None,
) -> Onboarding:
    """Fire an event with its data. Raises any Refusal; then nothing is written."""
    if event not in MAY_FIRE:
        raise EventUnknown(event)
    if actor.kind not in MAY_FIRE[event]:
        raise EventNotYours(f"{actor.kind} may not fire {event}")
    entry = _ENTRIES.get(event) or _plain(event)
    _check_fields(entry, data)
    return entry.verb(session, onboarding_id, actor, data, expected)


def fields(event: str) -> Fields:
    """What an event's data may hold."""
    entry = _ENTRIES.get(event) or _plain(event)
    return Fields(tuple(sorted(entry.takes)), tuple(sorted(entry.needs)))


def choose_type(
    session: Session,
    onboarding_id: UUID,
    actor: Actor,
    data: Mapping[str, Any],
    expected: int | None = None,
) -> Onboarding:
    """Choose the connection type: `connection_type`, and for an aggregator which one and how."""
    kind, mode = data.get("connection_type"), data.get("credential_mode")
    name = _text(data, "aggregator", 120)
    if wrong := _wrong_choice(kind, mode, name):
        raise Invalid(wrong)
    choices = {"connection_type": kind, "credential_mode": mode} | _aggregator(session, name)
    return lifecycle.fire(
        session, onboarding_id, "choose_type", actor, expected=expected, choices=choices
    )


def _wrong_choice(kind: object, mode: object, aggregator: str | None) -> dict[str, str]:
    wrong: dict[str, str] = {}
    if kind not in CONNECTION_TYPES:
        wrong["connection_type"] = Said(ONE_OF, expected=", ".join(CONNECTION_TYPES))
    if kind == "aggregator":
        if mode not in CREDENTIAL_MODES:
            wrong["credential_mode"] = Said(ONE_OF, expected=", ".join(CREDENTIAL_MODES))
        if aggregator is None:
            wrong["aggregator"] = N_("The aggregator's name or ID.")
        return wrong
    given = {"credential_mode": mode, "aggregator": aggregator}
    only = N_("Only for the connection type aggregator.")
    return wrong | {each: only for each, value in given.items() if value is not None}


def _choose_elsewhere(
    session: Session,
    onboarding_id: UUID,
    actor: Actor,
    data: Mapping[str, Any],
    expected: int | None,
) -> Onboarding:
    """A program chooses: what was answered on our pages before led elsewhere, and may name people."""
    onboarding = choose_type(session, onboarding_id, actor, data, expected)
    if onboarding.answers:
        onboarding.answers = {}
    return onboarding


def _issue_id(
    session: Session,
    onboarding_id: UUID,
    actor: Actor,
    data: Mapping[str, Any],
    expected: int | None,
) -> Onboarding:
    name = _text(data, "connection_name", CONNECTION_AT_MOST)
    credentials.issue_id(session, onboarding_id, actor, connection_name=name, expected=expected)
    return lifecycle.lock(session, onboarding_id)


def _reissue(
    session: Session,
    onboarding_id: UUID,
    actor: Actor,
    data: Mapping[str, Any],
    expected: int | None,
) -> Onboarding:
    return credentials.reissue(session, onboarding_id, actor, expected=expected)


def _acknowledge(
    session: Session,
    onboarding_id: UUID,
    actor: Actor,
    data: Mapping[str, Any],
    expected: int | None,
) -> Onboarding:
    version = data["version"]
    if not isinstance(version, int) or isinstance(version, bool):
        raise Invalid({"version": N_("The number of the version that was revealed.")})
    ending = _text(data, "ending", 6) or ""
    return credentials.acknowledge(
        session, onboarding_id, actor, version=version, ending=ending, expected=expected
    )


def _elsewhere(event: str, door: str) -> Verb:
    """The secret is in the answer of another request, and a sign-in happens in a browser."""

    def refuse(
        session: Session,
        onboarding_id: UUID,
        actor: Actor,
        data: Mapping[str, Any],
        expected: int | None,
    ) -> Onboarding:
        onboarding = lifecycle.lock(session, onboarding_id)
        allowed = developers.allowed(onboarding, actor.kind)
        raise EventNotAllowed(event, onboarding.state, allowed, door)

    return refuse


def _plain(event: str) -> _Entry:
    """One that takes no data."""

    def fire(
        session: Session,
        onboarding_id: UUID,
        actor: Actor,
        data: Mapping[str, Any],
        expected: int | None,
    ) -> Onboarding:
        return lifecycle.fire(session, onboarding_id, event, actor, expected=expected)

    return _Entry(frozenset(), fire)


_ENTRIES: Final[dict[str, _Entry]] = {
    "choose_type": _Entry(
        frozenset({"connection_type", "credential_mode", "aggregator"}),
        _choose_elsewhere,
        frozenset({"connection_type"}),
    ),
    "issue_id": _Entry(frozenset({"connection_name"}), _issue_id),
    "reissue_secret": _Entry(frozenset(), _reissue),
    "acknowledge_secret": _Entry(
        frozenset({"version", "ending"}), _acknowledge, frozenset({"version", "ending"})
    ),
    "reveal_secret": _Entry(frozenset(), _elsewhere("reveal_secret", "secret-reveal")),
    "link_seller": _Entry(frozenset(), _elsewhere("link_seller", "sign-in")),
}


def _check_fields(entry: _Entry, data: Mapping[str, Any]) -> None:
    unknown = {name: N_("Not a field of this event.") for name in data if name not in entry.takes}
    missing = {name: N_("This is needed: send it.") for name in entry.needs if name not in data}
    if unknown or missing:
        codes = dict.fromkeys(unknown, "extra_forbidden") | dict.fromkeys(missing, "missing")
        raise Invalid(unknown | missing, codes)


def _text(data: Mapping[str, Any], name: str, longest: int) -> str | None:
    """A short text without control characters, or None where it is not given."""
    value = data.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise Invalid({name: N_("Send a text.")})
    kept = names.kept(value)
    if kept and (fault := names.fault(kept, longest)):
        raise Invalid({name: fault})
    return kept or None


def _aggregator(session: Session, name: str | None) -> dict[str, str | None]:
    """An aggregator by ID or name; an unknown one is kept as it was typed, for the registry."""
    if name is None:
        return {}
    found = registry.by_id(session, name) or registry.find(session, name)
    if found:
        return {"aggregator_id": found.id, "aggregator_name": found.name}
    return {"aggregator_name": name, "aggregator_folded_name": registry.fold(name)}
