"""Have PostgreSQL check the rules of onboardings, transitions and messages in one function of each.

It reads the text of a CHECK anew for every statement that writes a row. SQLite does not, and keeps them.
"""

from typing import Final

from alembic import op

revision = "0027"
down_revision = "0025"
branch_labels = None
depends_on = None

# Of each table: its function, and what the check gives it.
_ONBOARDINGS: Final = """
CREATE FUNCTION onboardings_rules(state VARCHAR(32), sequence INTEGER, connection_type VARCHAR(32), credential_mode VARCHAR(16), locale VARCHAR(5), wakes_at TIMESTAMP WITH TIME ZONE, extra_days INTEGER) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    broken text := CASE
        WHEN (connection_type IN ('aggregator', 'credentials_only', 'legacy_soap', 'own_development', 'plugin')) IS FALSE THEN 'ck_onboardings_connection_type'
        WHEN (credential_mode IN ('delegated', 'full')) IS FALSE THEN 'ck_onboardings_credential_mode'
        WHEN ((credential_mode IS NOT NULL) = (COALESCE(connection_type, '') = 'aggregator')) IS FALSE THEN 'ck_onboardings_credential_mode_is_for_aggregators'
        WHEN (extra_days BETWEEN 0 AND 90) IS FALSE THEN 'ck_onboardings_extra_days'
        WHEN (locale IN ('en', 'fr')) IS FALSE THEN 'ck_onboardings_locale'
        WHEN (wakes_at IS NULL OR state IN ('awaiting_aggregator', 'awaiting_seller', 'checking_aggregator', 'issuing_secret', 'secret_lapsed', 'secret_ready', 'secret_revealed', 'seller_linked', 'started', 'type_chosen', 'verifying')) IS FALSE THEN 'ck_onboardings_only_open_states_wake'
        WHEN (sequence >= 1) IS FALSE THEN 'ck_onboardings_sequence'
        WHEN (state IN ('awaiting_aggregator', 'awaiting_seller', 'cancelled', 'checking_aggregator', 'confirmed', 'credentials_issued', 'expired', 'issuing_secret', 'redirected_to_soap', 'secret_lapsed', 'secret_ready', 'secret_revealed', 'seller_linked', 'started', 'type_chosen', 'verifying')) IS FALSE THEN 'ck_onboardings_state'
        WHEN (connection_type IS NOT NULL OR state IN ('started', 'cancelled', 'expired')) IS FALSE THEN 'ck_onboardings_type_is_chosen'
    END;
BEGIN
    IF broken IS NULL THEN
        RETURN true;
    END IF;
    RAISE check_violation USING
        MESSAGE = 'a row of "onboardings" violates check constraint "' || broken || '"',
        TABLE = 'onboardings', CONSTRAINT = broken;
END
$$
"""
_TRANSITIONS: Final = """
CREATE FUNCTION transitions_rules(sequence INTEGER, source VARCHAR(32), target VARCHAR(32), actor_kind VARCHAR(16)) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    broken text := CASE
        WHEN (actor_kind IN ('seller', 'developer', 'api', 'platform', 'operator', 'clock')) IS FALSE THEN 'ck_transitions_actor_kind'
        WHEN ((sequence = 1) = (source IS NULL)) IS FALSE THEN 'ck_transitions_starts_from_nothing'
        WHEN (target IN ('awaiting_aggregator', 'awaiting_seller', 'cancelled', 'checking_aggregator', 'confirmed', 'credentials_issued', 'expired', 'issuing_secret', 'redirected_to_soap', 'secret_lapsed', 'secret_ready', 'secret_revealed', 'seller_linked', 'started', 'type_chosen', 'verifying')) IS FALSE THEN 'ck_transitions_target'
    END;
BEGIN
    IF broken IS NULL THEN
        RETURN true;
    END IF;
    RAISE check_violation USING
        MESSAGE = 'a row of "transitions" violates check constraint "' || broken || '"',
        TABLE = 'transitions', CONSTRAINT = broken;
END
$$
"""
_MESSAGES: Final = """
CREATE FUNCTION messages_rules(attempts INTEGER, leased_until TIMESTAMP WITH TIME ZONE, claimed_by BIGINT, cause VARCHAR(40), failed_at TIMESTAMP WITH TIME ZONE) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    broken text := CASE
        WHEN (attempts >= 0) IS FALSE THEN 'ck_messages_attempts'
        WHEN (claimed_by IS NULL OR (leased_until IS NOT NULL AND failed_at IS NULL)) IS FALSE THEN 'ck_messages_claimed_for_a_turn'
        WHEN (failed_at IS NULL OR cause IS NOT NULL) IS FALSE THEN 'ck_messages_incident_has_a_cause'
    END;
BEGIN
    IF broken IS NULL THEN
        RETURN true;
    END IF;
    RAISE check_violation USING
        MESSAGE = 'a row of "messages" violates check constraint "' || broken || '"',
        TABLE = 'messages', CONSTRAINT = broken;
END
$$
"""
_CALLS: Final = {
    "onboardings": "onboardings_rules(state, sequence, connection_type, credential_mode, locale, wakes_at, extra_days)",
    "transitions": "transitions_rules(sequence, source, target, actor_kind)",
    "messages": "messages_rules(attempts, leased_until, claimed_by, cause, failed_at)",
}
# The rules one by one, as they were.
_RULES: Final = {
    "onboardings": {
        "ck_onboardings_connection_type": "connection_type IN ('aggregator', 'credentials_only', 'legacy_soap', 'own_development', 'plugin')",
        "ck_onboardings_credential_mode": "credential_mode IN ('delegated', 'full')",
        "ck_onboardings_credential_mode_is_for_aggregators": "(credential_mode IS NOT NULL) = (COALESCE(connection_type, '') = 'aggregator')",
        "ck_onboardings_extra_days": "extra_days BETWEEN 0 AND 90",
        "ck_onboardings_locale": "locale IN ('en', 'fr')",
        "ck_onboardings_only_open_states_wake": "wakes_at IS NULL OR state IN ('awaiting_aggregator', 'awaiting_seller', 'checking_aggregator', 'issuing_secret', 'secret_lapsed', 'secret_ready', 'secret_revealed', 'seller_linked', 'started', 'type_chosen', 'verifying')",
        "ck_onboardings_sequence": "sequence >= 1",
        "ck_onboardings_state": "state IN ('awaiting_aggregator', 'awaiting_seller', 'cancelled', 'checking_aggregator', 'confirmed', 'credentials_issued', 'expired', 'issuing_secret', 'redirected_to_soap', 'secret_lapsed', 'secret_ready', 'secret_revealed', 'seller_linked', 'started', 'type_chosen', 'verifying')",
        "ck_onboardings_type_is_chosen": "connection_type IS NOT NULL OR state IN ('started', 'cancelled', 'expired')",
    },
    "transitions": {
        "ck_transitions_actor_kind": "actor_kind IN ('seller', 'developer', 'api', 'platform', 'operator', 'clock')",
        "ck_transitions_starts_from_nothing": "(sequence = 1) = (source IS NULL)",
        "ck_transitions_target": "target IN ('awaiting_aggregator', 'awaiting_seller', 'cancelled', 'checking_aggregator', 'confirmed', 'credentials_issued', 'expired', 'issuing_secret', 'redirected_to_soap', 'secret_lapsed', 'secret_ready', 'secret_revealed', 'seller_linked', 'started', 'type_chosen', 'verifying')",
    },
    "messages": {
        "ck_messages_attempts": "attempts >= 0",
        "ck_messages_claimed_for_a_turn": "claimed_by IS NULL OR (leased_until IS NOT NULL AND failed_at IS NULL)",
        "ck_messages_incident_has_a_cause": "failed_at IS NULL OR cause IS NOT NULL",
    },
}


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        return
    for function in (_ONBOARDINGS, _TRANSITIONS, _MESSAGES):
        op.execute(function)
    for table, rules in _RULES.items():
        for name in rules:
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT ck_{table}_rules CHECK ({_CALLS[table]})")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        return
    for table, rules in _RULES.items():
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT ck_{table}_rules")
        op.execute(f"DROP FUNCTION {table}_rules")
        for name, rule in rules.items():
            op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({rule})")
