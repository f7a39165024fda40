"""The front door for events with data: what is not exactly right is refused and changes nothing."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from onboarding import events
from onboarding.chart import MAY_FIRE, STATES
from onboarding.db import transaction
from onboarding.errors import (
    EventNotAllowed,
    EventNotYours,
    EventUnknown,
    Invalid,
    NotFound,
    Refusal,
)
from onboarding.ids import new_id
from onboarding.models import Onboarding
from tests.builders import ACTORS, API, SELLER, a_walk, an_onboarding, handle, promised, the, vouch
from tests.dumping import dump

AGGREGATOR = {"connection_type": "aggregator", "credential_mode": "full", "aggregator": "Feedwise"}


@pytest.mark.parametrize(
    ("data", "state"),
    [
        ({"connection_type": "plugin"}, "type_chosen"),
        ({"connection_type": "own_development"}, "type_chosen"),
        ({"connection_type": "credentials_only"}, "type_chosen"),
        ({"connection_type": "legacy_soap"}, "redirected_to_soap"),
        (AGGREGATOR, "checking_aggregator"),
        (AGGREGATOR | {"credential_mode": "delegated"}, "checking_aggregator"),
    ],
)
def test_every_connection_type_leads_somewhere(
    database: Engine, data: dict[str, Any], state: str
) -> None:
    onboarding = handle(an_onboarding(), "choose_type", **data)
    assert onboarding.state == state
    assert onboarding.connection_type == data["connection_type"]
    assert onboarding.credential_mode == data.get("credential_mode")


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({}, "connection_type"),
        ({"connection_type": None}, "connection_type"),
        ({"connection_type": "soap"}, "connection_type"),
        ({"connection_type": ["plugin"]}, "connection_type"),
        ({"connection_type": {"plugin": 1}}, "connection_type"),
        ({"connection_type": "plugin", "credential_mode": "full"}, "credential_mode"),
        ({"connection_type": "plugin", "aggregator": "Feedwise"}, "aggregator"),
        ({"connection_type": "plugin", "colour": "blue"}, "colour"),
        ({"connection_type": "plugin", "state": "confirmed"}, "state"),
        (AGGREGATOR | {"credential_mode": None}, "credential_mode"),
        (AGGREGATOR | {"credential_mode": "some"}, "credential_mode"),
        (AGGREGATOR | {"aggregator": ""}, "aggregator"),
        (AGGREGATOR | {"aggregator": "   "}, "aggregator"),
        (AGGREGATOR | {"aggregator": None}, "aggregator"),
        (AGGREGATOR | {"aggregator": 7}, "aggregator"),
        (AGGREGATOR | {"aggregator": "x" * 121}, "aggregator"),
        (AGGREGATOR | {"aggregator": "Feed\nwise"}, "aggregator"),
        (AGGREGATOR | {"aggregator": "Feed\x00wise"}, "aggregator"),
        (AGGREGATOR | {"aggregator": "Feed\u202ewise"}, "aggregator"),
    ],
)
def test_a_wrong_choice_names_the_field(database: Engine, data: dict[str, Any], field: str) -> None:
    onboarding_id = an_onboarding()
    before = dump(database)
    with pytest.raises(Invalid) as refused:
        handle(onboarding_id, "choose_type", **data)
    assert field in refused.value.fields
    assert dump(database) == before


def test_an_aggregator_is_known_by_id_or_name_and_kept_as_typed_otherwise(
    database: Engine,
) -> None:
    an_onboarding("checking_aggregator")
    for given_name, expected in (
        ("feedwise", ("feedwise", "Feedwise", None)),
        ("FEEDWISE", ("feedwise", "Feedwise", None)),
        (" Another Émile ", (None, "Another Émile", "another emile")),
    ):
        data: dict[str, Any] = AGGREGATOR | {"aggregator": given_name}
        row = handle(an_onboarding(), "choose_type", **data)
        found = (row.aggregator_id, row.aggregator_name, row.aggregator_folded_name)
        assert found == expected


@pytest.mark.parametrize("event", sorted(set(MAY_FIRE) - {"choose_type", "acknowledge_secret"}))
def test_nothing_can_be_smuggled_in_with_an_event(database: Engine, event: str) -> None:
    onboarding_id = an_onboarding("seller_linked")
    kind = min(MAY_FIRE[event])
    before = dump(database)
    for field in ("state", "choices", "expected", "details", ""):
        with pytest.raises(Invalid), transaction() as session:
            events.handle(session, onboarding_id, event, ACTORS[kind], {field: "confirmed"})
    assert dump(database) == before


def test_events_that_are_none_of_yours_or_none_at_all(database: Engine) -> None:
    onboarding_id = an_onboarding()
    for event in ("", "start", "confirmed", "choose_type\n", "__init__", "handle"):
        with pytest.raises(EventUnknown):
            handle(onboarding_id, event)
    for event, kinds in MAY_FIRE.items():
        for kind in set(ACTORS) - kinds:
            with pytest.raises(EventNotYours):
                handle(onboarding_id, event, ACTORS[kind])
    with pytest.raises(NotFound):
        handle(new_id(), "cancel")


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("event", ["reveal_secret", "link_seller"])
def test_a_secret_and_a_sign_in_have_doors_of_their_own(
    sqlite: Engine, state: str, event: str
) -> None:
    onboarding_id = an_onboarding(state)
    before = dump(sqlite)
    with pytest.raises(EventNotAllowed) as refused:
        handle(onboarding_id, event)
    assert refused.value.event == event
    assert dump(sqlite) == before


def test_a_connection_may_have_a_name(database: Engine) -> None:
    walk = a_walk("type_chosen")
    vouch(walk)
    for wrong in ("x" * 81, "two\nlines", 7):
        with pytest.raises(Invalid):
            handle(walk.id, "issue_id", connection_name=wrong)
    assert handle(walk.id, "issue_id", connection_name="  My shop ").state == "issuing_secret"
    assert the(walk.id).connection_name == "My shop"


def test_an_event_that_was_decided_on_an_older_look_is_refused(database: Engine) -> None:
    onboarding_id = an_onboarding("type_chosen")
    before = dump(database)
    for event, data in (("choose_type", {"connection_type": "plugin"}), ("cancel", {})):
        with pytest.raises(Refusal), transaction() as session:
            events.handle(session, onboarding_id, event, API, data, expected=1)
    assert dump(database) == before


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=150),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=5,
)
FIELDS = (
    "connection_type",
    "credential_mode",
    "aggregator",
    "connection_name",
    "version",
    "ending",
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    event=st.sampled_from(sorted(MAY_FIRE)),
    data=st.dictionaries(st.sampled_from(FIELDS), anything, max_size=3)
    | st.fixed_dictionaries(
        {"connection_type": st.just("aggregator"), "aggregator": anything},
        optional={"credential_mode": st.sampled_from(["full", "delegated"])},
    )
    | st.fixed_dictionaries({"version": anything, "ending": anything}),
)
def test_whatever_is_sent_is_a_move_or_a_refusal(
    sqlite: Engine, event: str, data: Mapping[str, Any]
) -> None:
    """Never an error of ours: it would be a 500 to whoever sent it."""
    kind = "seller" if "seller" in MAY_FIRE[event] else min(MAY_FIRE[event])
    for state in ("started", "secret_revealed"):
        onboarding_id = STANDING.get((id(sqlite), state)) or an_onboarding(state)
        STANDING[id(sqlite), state] = onboarding_id
        before = the(onboarding_id).sequence
        with transaction() as session:
            try:
                events.handle(session, onboarding_id, event, ACTORS[kind], data)
            except Refusal:
                assert not session.dirty
            session.rollback()
        assert the(onboarding_id).sequence == before


STANDING: dict[tuple[int, str], Any] = {}


def test_handling_returns_the_onboarding_as_it_is_now(database: Engine) -> None:
    walk = a_walk("type_chosen")
    vouch(walk)
    onboarding = handle(walk.id, "issue_id", SELLER)
    assert isinstance(onboarding, Onboarding)
    assert (onboarding.state, onboarding.sequence) == ("issuing_secret", the(walk.id).sequence)
    assert [m.task for m in promised()] == ["generate_secret"]
