"""What operators may do: looked at first, carried out once, by whom the role allows, and written down."""

import pytest
from sqlalchemy import Engine, select

from onboarding import actions, marks, queries, resending, standing
from onboarding.actions import ACTIONS, Order
from onboarding.chart import MAY_FIRE, STATES
from onboarding.db import reading, transaction
from onboarding.deciding import allowed, facts_of
from onboarding.errors import (
    EventNotAllowed,
    Invalid,
    MovedOn,
    NotEligible,
    NotFound,
    PreviewUsed,
    Refusal,
    RoleNeeded,
)
from onboarding.marks import Said
from onboarding.models import Assignment, Note
from onboarding.operators import MAY, Who
from onboarding.runs import Plan
from onboarding.sealing import Keyring
from onboarding.stuck import CauseName
from onboarding.web import console_words
from tests import builders
from tests.acting import WHY, a_lead, carry_out, look, trail
from tests.commands.incidents import an_incident
from tests.composing import put


def test_every_event_that_an_operator_may_fire_is_an_action() -> None:
    assert {event for event, actors in MAY_FIRE.items() if "operator" in actors} < set(ACTIONS)
    assert not {"reveal_secret", "confirm", "link_seller", "choose_type"} & set(ACTIONS)


@pytest.mark.parametrize("action", sorted(ACTIONS))
@pytest.mark.parametrize("role", sorted(MAY))
def test_a_role_may_do_what_its_permissions_say(sqlite: Engine, role: str, action: str) -> None:
    onboarding_id = builders.an_onboarding("secret_ready")
    who = Who("operator:x", "X", role)
    try:
        look(who, onboarding_id, action)
    except Refusal as error:
        refused: type[Refusal] | None = type(error)
    else:
        refused = None
    assert (refused is RoleNeeded) == (ACTIONS[action].permission not in MAY[role])


@pytest.mark.parametrize("state", STATES)
def test_the_chart_says_which_events_make_sense(sqlite: Engine, state: str) -> None:
    onboarding_id = builders.an_onboarding(state)
    who = a_lead()
    possible = allowed(facts_of(builders.the(onboarding_id)), "operator")
    with transaction() as session:
        stands = standing.of(session, queries.by_id(session, onboarding_id))
        sensible = {
            name
            for name, action in ACTIONS.items()
            if name in MAY_FIRE and action.why_not(stands, Order(who)) is None
        }
    assert sensible == set(possible)


def test_an_event_is_fired_with_its_reason_and_both_trails_have_it(
    database: Engine, ring: Keyring
) -> None:
    onboarding_id = builders.an_onboarding("secret_ready")
    who = a_lead()
    assert carry_out(ring, who, look(who, onboarding_id, "start_over"), f"  {WHY}\n") == "started"
    with reading() as session:
        last = queries.history(session, onboarding_id)[-1]
    assert (last.actor_kind, last.actor_id) == ("operator", who.id)
    assert last.details == {"reason": WHY}
    (entry,) = trail()
    assert (entry.actor, entry.role, entry.action) == (who.id, "lead", "start_over")
    assert (entry.reason, entry.outcome, entry.onboarding_id) == (WHY, "done", onboarding_id)
    assert entry.details == {"from": "secret_ready", "to": "started"}


def test_what_was_carried_out_is_not_carried_out_again(database: Engine, ring: Keyring) -> None:
    onboarding_id = builders.an_onboarding("awaiting_aggregator")
    who = a_lead()
    chosen = look(who, onboarding_id, "note")
    carry_out(ring, who, chosen)
    with pytest.raises(PreviewUsed):
        carry_out(ring, who, chosen)
    with reading() as session:
        assert [note.text for note in session.scalars(select(Note))] == [WHY]


def test_what_has_moved_on_since_it_was_looked_at_is_left_alone(
    database: Engine, ring: Keyring
) -> None:
    onboarding_id = builders.an_onboarding("secret_ready")
    who = a_lead()
    chosen = look(who, onboarding_id, "cancel")
    builders.reveal(onboarding_id)
    with pytest.raises(MovedOn):
        carry_out(ring, who, chosen)
    assert builders.state_of(onboarding_id) == "secret_revealed"
    assert trail() == []


def test_an_action_that_makes_no_sense_is_refused(database: Engine, ring: Keyring) -> None:
    onboarding_id = builders.an_onboarding("started")
    who = a_lead()
    for action in ("retry", "resend", "let_go"):
        with pytest.raises(NotEligible):
            look(who, onboarding_id, action)
    with pytest.raises(EventNotAllowed) as refused:
        look(who, onboarding_id, "unlink_seller")
    assert "cancel" in refused.value.allowed
    with pytest.raises(NotFound):
        look(who, onboarding_id, "reveal_secret")
    chosen = look(who, onboarding_id, "take_on")
    carry_out(ring, who, look(who, onboarding_id, "take_on"))
    with pytest.raises(NotEligible):
        carry_out(ring, who, chosen)


@pytest.mark.parametrize("reason", ["", "  ", "no", "a\0b c", "x" * 501])
def test_a_reason_says_something(sqlite: Engine, ring: Keyring, reason: str) -> None:
    onboarding_id = builders.an_onboarding("started")
    who = a_lead()
    with pytest.raises(Invalid):
        carry_out(ring, who, look(who, onboarding_id, "cancel"), reason)
    assert builders.state_of(onboarding_id) == "started"


def test_a_retry_gives_what_failed_one_attempt_more(database: Engine, ring: Keyring) -> None:
    message = an_incident()
    assert message.onboarding_id
    who = a_lead()
    carry_out(ring, who, look(who, message.onboarding_id, "retry"))
    (retried,) = builders.promised("generate_secret", message.onboarding_id)
    assert (retried.failed_at, retried.max_attempts) == (None, message.attempts + 1)
    (entry,) = trail()
    assert entry.details == {"tasks": [f"generate_secret: {message.cause}"]}
    with pytest.raises(NotEligible):
        look(who, message.onboarding_id, "retry")


def test_the_letter_of_where_it_stands_is_sent_again(database: Engine, ring: Keyring) -> None:
    onboarding_id = builders.an_onboarding("secret_ready")
    put(onboarding_id, contact_email="alex@shop.example")
    builders.work(onboarding_id)
    who = a_lead()
    carry_out(ring, who, look(who, onboarding_id, "resend"))
    (promised,) = builders.promised("send_email", onboarding_id)
    assert promised.about == {"notice": "secret_ready"}
    assert promised.sequence == builders.the(onboarding_id).sequence
    with pytest.raises(NotEligible):
        look(who, onboarding_id, "resend")


def test_one_operator_after_another_takes_it_on(database: Engine, ring: Keyring) -> None:
    onboarding_id = builders.an_onboarding("started")
    mara, li = a_lead("Mara"), a_lead("Li")
    for who in (mara, li):
        carry_out(ring, who, look(who, onboarding_id, "take_on"))
    with reading() as session:
        assert session.get_one(Assignment, onboarding_id).operator_id == li.operator_id
    assert trail()[0].details == {"before": str(mara.operator_id)}
    carry_out(ring, mara, look(mara, onboarding_id, "let_go"))
    with reading() as session:
        assert session.get(Assignment, onboarding_id) is None


def test_a_refused_attempt_is_written_down(database: Engine, ring: Keyring) -> None:
    onboarding_id = builders.an_onboarding("started")
    who = a_lead()
    with transaction() as session:
        actions.refused(session, ring, who, "cancel", onboarding_id, " no\n ", RoleNeeded("lead"))
    (entry,) = trail()
    assert (entry.outcome, entry.reason, entry.details) == ("refused", "no", {"why": "role_needed"})


def test_every_error_of_a_field_can_be_said_on_a_page(sqlite: Engine) -> None:
    with pytest.raises(Invalid) as no_reason:
        actions.checked("")
    with transaction() as session, pytest.raises(Invalid) as no_choice:
        actions.choose(session, ACTIONS["extend"], "1000")
    with pytest.raises(Invalid) as no_plan:
        Plan(first=-1, pace=0, stop_above=101)
    with pytest.raises(Invalid) as no_time:
        resending.read({"since": "yesterday"})
    with pytest.raises(Invalid) as no_end:
        resending.read({"since": "2026-11-27", "until": "2026-11-26"})
    name, who = CauseName("send_email", "busy"), a_lead()
    with transaction() as session, pytest.raises(Invalid) as no_status:
        marks.mark(session, builders.keyring(), who, name, Said("gone"), WHY)
    with transaction() as session, pytest.raises(Invalid) as no_release:
        marks.mark(session, builders.keyring(), who, name, Said("fixed"), WHY)
    raised = (no_reason, no_choice, no_plan, no_time, no_end, no_status, no_release)
    said = {name: why for each in raised for name, why in each.value.fields.items()}
    # A terminal shows no list to choose from, so it is told what there is.
    assert said.pop("choice") == "One of 7, 14, 30."
    # A note is a reason; its page calls it what it is.
    told = {n: why for n, why in console_words.ERRORS.items() if n not in {"note", "choice"}}
    assert said == told


def test_it_is_handed_to_somebody_who_can_do_something(database: Engine, ring: Keyring) -> None:
    onboarding_id = builders.an_onboarding("secret_ready")
    mara, li = a_lead("Mara"), a_lead("Li")
    carry_out(ring, mara, look(mara, onboarding_id, "assign"), choice=str(li.operator_id))
    with reading() as session:
        assert session.get_one(Assignment, onboarding_id).operator_id == li.operator_id
    for nobody in ("", "x", str(onboarding_id)):
        with pytest.raises(Invalid):
            carry_out(ring, mara, look(mara, onboarding_id, "assign"), choice=nobody)
