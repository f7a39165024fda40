"""What must always be true stands in the database: each named rule refuses a violation made by hand."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import (
    CheckConstraint,
    Constraint,
    Engine,
    ForeignKeyConstraint,
    UniqueConstraint,
    insert,
)
from sqlalchemy.exc import DBAPIError, IntegrityError

from onboarding.db import transaction
from onboarding.ids import new_id
from onboarding.models import Base
from tests.good_rows import FIRST, GOOD, NOW, REPLACED

AGGREGATOR = {"connection_type": "aggregator", "credential_mode": "full"}

# The rule → what to change in the good row so that it, and it alone, is broken.
CHECKS: dict[str, dict[str, Any]] = {
    "ck_aggregators_status": {"status": "gone"},
    "ck_aggregators_asks_for": {"asks_for": "everything"},
    "ck_onboardings_state": {"state": "blocked", "connection_type": "plugin"},
    "ck_onboardings_connection_type": {"connection_type": "soap"},
    "ck_onboardings_credential_mode": AGGREGATOR | {"credential_mode": "some"},
    "ck_onboardings_credential_mode_is_for_aggregators": {"credential_mode": "full"},
    "ck_onboardings_type_is_chosen": {"state": "secret_ready"},
    "ck_onboardings_sequence": {"sequence": 0},
    "ck_onboardings_extra_days": {"extra_days": 91},
    "ck_onboardings_only_open_states_wake": {"state": "cancelled", "wakes_at": NOW},
    "ck_onboardings_locale": {"locale": "de"},
    "ck_transitions_starts_from_nothing": {"source": "started"},
    "ck_transitions_target": {"target": "blocked"},
    "ck_transitions_actor_kind": {"actor_kind": "nobody"},
    "ck_event_log_only_one": {"id": 2},
    "ck_canaries_only_one": {"id": 2},
    "ck_operators_role": {"role": "root"},
    "ck_operators_email_given_when": {"email": "mara@market.example"},
    "ck_view_alerts_above": {"above": 10_000},
    "ck_view_alerts_locale": {"locale": "de"},
    "ck_unmaskings_field": {"field": "client_secret"},
    "ck_audit_number": {"number": 0},
    "ck_audit_outcome": {"outcome": "perhaps"},
    "ck_audit_head_only_one": {"id": 2},
    "ck_runs_number": {"number": 0},
    "ck_runs_status": {"status": "gone", "ended_at": NOW},
    "ck_runs_first": {"first": -1},
    "ck_runs_pace": {"pace": 0},
    "ck_runs_stop_above": {"stop_above": 101},
    "ck_runs_four_eyes": {"agreed_by": "cli:mara"},
    "ck_runs_ends": {"ended_at": NOW},
    "ck_run_items_position": {"position": 0},
    "ck_run_items_outcome": {"outcome": "perhaps", "at": NOW},
    "ck_run_items_at": {"at": NOW},
    "ck_cause_marks_status": {"status": "gone"},
    "ck_cause_marks_fixed_in_a_release": {"status": "fixed"},
    "ck_cause_marks_ignored_until_a_day": {"status": "ignored"},
    "ck_messages_incident_has_a_cause": {"failed_at": NOW},
    "ck_messages_attempts": {"attempts": -1},
    "ck_messages_claimed_for_a_turn": {"claimed_by": 1},
    "ck_failed_attempts_attempt": {"attempt": 9},
    "ck_clients_withdrawn_after_revoked": {"withdrawn_at": NOW},
    "ck_secrets_version": {"version": 0},
    "ck_secrets_revealed_before_acknowledged": {"acknowledged_at": NOW},
    "ck_secrets_ended_has_a_reason": {"ended_at": NOW},
    "ck_secrets_overlap_days": {"overlap_days": 8},
    "ck_secrets_saved_before_replaced": {"ends_at": NOW},
    "ck_links_client_or_aggregator": {"aggregator_id": "feedwise"},
    "ck_webhooks_signature": {"signature": "none"},
    "ck_webhooks_key_number": {"key_number": 0},
    "ck_webhooks_rotated_from_a_key": {"rotated_at": NOW},
    "ck_webhooks_disabled_has_a_reason": {"disabled_at": NOW},
    "ck_webhooks_failures": {"failures": -1, "failing_since": NOW},
    "ck_webhooks_failing_since_when": {"failures": 1},
    "ck_source_keys_signature": {"signature": "none", "key_id": None},
    "ck_source_keys_number": {"number": 0},
    "ck_source_keys_derived": {"key_id": None},
    "ck_source_keys_public": {"public_key": "whpk_a"},
    "ck_inbound_events_status": {"status": "gone", "settled_at": NOW},
    "ck_inbound_events_settled": {"settled_at": NOW},
    "ck_deliveries_of_a_transition": {"sequence": None},
    "ck_deliveries_attempts": {"attempts": -1},
    "ck_deliveries_one_end": {"delivered_at": NOW, "failed_at": NOW, "cause": "timeout"},
    "ck_deliveries_failed_has_a_cause": {"failed_at": NOW},
}
# More ways to break the same rule.
MORE_CHECKS: list[tuple[str, dict[str, Any]]] = [
    ("ck_onboardings_credential_mode_is_for_aggregators", {"connection_type": "aggregator"}),
    (
        "ck_onboardings_credential_mode_is_for_aggregators",
        {"connection_type": "plugin", "credential_mode": "full"},
    ),
    ("ck_transitions_starts_from_nothing", {"sequence": 2}),
    ("ck_failed_attempts_attempt", {"attempt": 0}),
    ("ck_secrets_ended_has_a_reason", {"ended_because": "revoked"}),
    ("ck_cause_marks_fixed_in_a_release", {"release": "1.4.2"}),
    ("ck_cause_marks_ignored_until_a_day", {"until": NOW}),
    ("ck_links_client_or_aggregator", {"client_id": None}),
    ("ck_onboardings_extra_days", {"extra_days": -1}),
    ("ck_runs_stop_above", {"stop_above": -1}),
    ("ck_runs_ends", {"status": "done"}),
    ("ck_run_items_at", {"outcome": "done"}),
    ("ck_webhooks_rotated_from_a_key", {"previous_key_id": "2025"}),
    ("ck_webhooks_disabled_has_a_reason", {"disabled_because": "gone"}),
    ("ck_inbound_events_settled", {"status": "applied"}),
    ("ck_deliveries_of_a_transition", {"onboarding_id": None}),
]
OTHER = new_id()
NEW_ONBOARDING = {"id": OTHER, "reference": "ONB-00000-00001", "start_key": None}
ENDED_LINK = {"id": OTHER, "ended_at": NOW}
# What may not be there twice → what the second row has of its own.
TWICE: dict[str, dict[str, Any]] = {
    "uq_aggregators_folded_name": {"id": "feedwise-2"},
    "uq_onboardings_reference": {"id": OTHER, "start_key": None},
    "uq_onboardings_start_key": {"id": OTHER, "reference": "ONB-00000-00001"},
    "uq_clients_alive": {"id": "cid_2"},
    "uq_secrets_alive": {"version": 2},
    "uq_secrets_coming": {"version": 3, "overlap_days": 3},
    "uq_secrets_ending": {"version": 3, **REPLACED},
    "uq_links_alive": {"id": OTHER},
    "uq_browser_sessions_token_hash": {"id": OTHER},
    "uq_api_keys_hash": {"id": OTHER},
    "uq_operators_issuer_subject": {"id": OTHER},
    "uq_operator_sessions_token_hash": {"id": OTHER},
    "uq_audit_preview_id": {"number": 2},
    "uq_runs_number": {"id": OTHER},
    "uq_saved_views_owner_id_name": {"id": OTHER, "shared": False},
    "uq_deliveries_webhook_id_event_id": {"id": OTHER},
    "uq_inbound_events_source_event_id": {"id": OTHER},
}
# The partial ones let a second row in once the first has ended.
ENDED: dict[str, dict[str, Any]] = {
    "uq_clients_alive": {"revoked_at": NOW},
    "uq_secrets_alive": {"ended_at": NOW, "ended_because": "reissued"},
    "uq_links_alive": {"ended_at": NOW},
}
# The reference → a row that would be in order if what it refers to were there.
REFERENCES: dict[str, dict[str, Any]] = {
    "fk_onboardings_aggregator_id": NEW_ONBOARDING | {"aggregator_id": "nobody"},
    "fk_onboardings_system_id": NEW_ONBOARDING | {"system_id": OTHER},
    "fk_source_keys_source": {"number": 2, "source": "nobody"},
    "fk_inbound_events_source": {"id": OTHER, "source": "nobody"},
    "fk_api_keys_system_id": {"id": OTHER, "hash": bytes([1] * 32), "system_id": OTHER},
    "fk_transitions_onboarding_id": {"onboarding_id": OTHER},
    "fk_unmaskings_session_id": {"session_id": OTHER},
    "fk_unmaskings_onboarding_id": {"onboarding_id": OTHER},
    "fk_messages_onboarding_id": {"id": OTHER, "onboarding_id": OTHER},
    "fk_failed_attempts_onboarding_id": {"attempt": 2, "onboarding_id": OTHER},
    "fk_clients_onboarding_id": {"id": "cid_2", "onboarding_id": OTHER},
    "fk_secrets_client_id": {"client_id": "cid_2"},
    "fk_sealed_secrets_client_id_version": {"version": 2},
    "fk_links_onboarding_id": {"id": OTHER, "onboarding_id": OTHER},
    "fk_links_client_id": ENDED_LINK | {"client_id": "cid_2"},
    "fk_links_aggregator_id": ENDED_LINK | {"client_id": None, "aggregator_id": "nobody"},
    "fk_mails_onboarding_id": {"id": OTHER, "onboarding_id": OTHER},
    "fk_run_items_run_id": {"run_id": OTHER},
    "fk_run_items_onboarding_id": {"position": 2, "onboarding_id": OTHER},
    "fk_browser_sessions_succeeded_by": {
        "id": OTHER,
        "token_hash": bytes([1] * 32),
        "succeeded_by": new_id(),
    },
    "fk_grants_session_id": {"session_id": OTHER},
    "fk_grants_onboarding_id": {"onboarding_id": OTHER},
    "fk_contact_codes_onboarding_id": {"id": OTHER, "onboarding_id": OTHER},
    "fk_resume_links_onboarding_id": {"id": OTHER, "onboarding_id": OTHER},
    "fk_operator_sessions_operator_id": {
        "id": OTHER,
        "token_hash": bytes([1] * 32),
        "operator_id": OTHER,
    },
    "fk_notes_onboarding_id": {"id": OTHER, "onboarding_id": OTHER},
    "fk_assignments_onboarding_id": {"onboarding_id": OTHER},
    "fk_assignments_operator_id": {"operator_id": OTHER},
    "fk_saved_views_owner_id": {"id": OTHER, "owner_id": OTHER, "name": "Others", "shared": False},
    "fk_view_alerts_view_id": {"view_id": OTHER},
    "fk_view_alerts_operator_id": {"operator_id": OTHER},
    "fk_cause_marks_owner_id": {"code": "other", "owner_id": OTHER},
    "fk_webhooks_system_id": {"id": OTHER, "system_id": OTHER},
    "fk_deliveries_webhook_id": {"id": OTHER, "webhook_id": OTHER},
    "fk_deliveries_onboarding_id": {"id": OTHER, "event_id": "evt_2", "onboarding_id": OTHER},
    "fk_pending_sign_ins_session_id": {"state": "t", "session_id": OTHER},
    "fk_pending_sign_ins_onboarding_id": {"state": "t", "onboarding_id": OTHER},
}
# Where the good row would be in the way.
ALONE = frozenset({"fk_assignments_operator_id"})


def table_of(rule: str) -> str:
    return max((name for name in GOOD if rule[3:].startswith(name)), key=len)


def write(engine: Engine, until: str | None = None, **changes: Any) -> None:
    """The good rows of every table before this one, and then its own with these changes."""
    with transaction() as session:
        for table in Base.metadata.sorted_tables:
            if table.name != until:
                session.execute(insert(table).values(GOOD[table.name]))
        if until:
            table = Base.metadata.tables[until]
            session.execute(insert(table).values(GOOD[until] | changes))


def again(table: str, **changes: Any) -> None:
    with transaction() as session:
        values = GOOD[table] | changes
        session.execute(insert(Base.metadata.tables[table]).values(values))


def refer(engine: Engine, rule: str) -> None:
    """Write a row that refers to what is not there."""
    if rule in ALONE:
        write(engine, table_of(rule), **REFERENCES[rule])
    else:
        write(engine)
        again(table_of(rule), **REFERENCES[rule])


def rules(kind: type[Constraint]) -> Iterator[str]:
    for table in Base.metadata.sorted_tables:
        for rule in table.constraints:
            if isinstance(rule, kind):
                yield str(rule.name)


def test_every_rule_is_tried_here() -> None:
    partial = {
        str(index.name) for t in Base.metadata.sorted_tables for index in t.indexes if index.unique
    }
    assert set(CHECKS) == set(rules(CheckConstraint))
    assert set(TWICE) == set(rules(UniqueConstraint)) | partial
    assert set(REFERENCES) == set(rules(ForeignKeyConstraint))
    assert set(GOOD) == set(Base.metadata.tables)


def test_every_rule_has_a_name() -> None:
    for table in Base.metadata.sorted_tables:
        assert all(rule.name for rule in table.constraints), table
        assert all(index.name for index in table.indexes), table


def test_good_rows_are_let_in(database: Engine) -> None:
    write(database)


@pytest.mark.parametrize(("rule", "changes"), [*CHECKS.items(), *MORE_CHECKS])
def test_a_broken_rule_refuses_the_row(
    database: Engine, rule: str, changes: dict[str, Any]
) -> None:
    table = table_of(rule)
    with transaction() as session:
        for other in Base.metadata.sorted_tables:
            if other.name == table:
                break
            session.execute(insert(other).values(GOOD[other.name]))
    with pytest.raises(IntegrityError, match=rf"\b{rule}\b"):
        again(table, **changes)
    again(table)


@pytest.mark.parametrize("rule", TWICE)
def test_what_may_be_there_once_is_refused_twice(database: Engine, rule: str) -> None:
    write(database)
    table = table_of(rule)
    if rule in FIRST:
        again(table, **FIRST[rule])
    with pytest.raises(IntegrityError) as refused:
        again(table, **TWICE[rule])
    if database.dialect.name == "postgresql":
        assert f'"{rule}"' in str(refused.value)
    if rule in ENDED:
        again(table, **TWICE[rule] | ENDED[rule])


@pytest.mark.parametrize("rule", REFERENCES)
def test_what_is_referred_to_exists(database: Engine, rule: str) -> None:
    with pytest.raises(IntegrityError) as refused:
        refer(database, rule)
    if database.dialect.name == "postgresql":
        assert f'"{rule}"' in str(refused.value)
    else:
        assert "FOREIGN KEY" in str(refused.value)


@pytest.mark.parametrize(
    ("table", "referred_to"),
    [("onboardings", "transitions"), ("clients", "secrets"), ("secrets", "sealed_secrets")],
)
def test_what_is_referred_to_stays(database: Engine, table: str, referred_to: str) -> None:
    write(database)
    with pytest.raises(DBAPIError), transaction() as session:
        session.execute(Base.metadata.tables[table].delete())


def test_a_browser_that_is_forgotten_takes_its_grants_with_it(database: Engine) -> None:
    write(database)
    with transaction() as session:
        session.execute(Base.metadata.tables["browser_sessions"].delete())
        for table in ("grants", "pending_sign_ins"):
            assert session.execute(Base.metadata.tables[table].select()).all() == []
