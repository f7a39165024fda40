"""The first tables."""

import sqlalchemy as sa
from alembic import op

from onboarding.db import UTCDateTime, now

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "aggregators",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("folded_name", sa.String(length=120), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("uses_rest", sa.Boolean(), nullable=False),
        sa.Column("asks_for", sa.String(length=16), nullable=False),
        sa.Column("changed_at", UTCDateTime(), server_default=now(), nullable=False),
        sa.CheckConstraint(
            "asks_for IN ('delegated', 'full')", name=op.f("ck_aggregators_asks_for")
        ),
        sa.CheckConstraint(
            "status IN ('registered', 'suspended', 'unregistered')",
            name=op.f("ck_aggregators_status"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_aggregators")),
        sa.UniqueConstraint("folded_name", name=op.f("uq_aggregators_folded_name")),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at", UTCDateTime(), server_default=now(), nullable=False),
        sa.Column("last_used_at", UTCDateTime(), nullable=True),
        sa.Column("revoked_at", UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("hash", name=op.f("uq_api_keys_hash")),
    )
    op.create_table(
        "browser_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", UTCDateTime(), server_default=now(), nullable=False),
        sa.Column("seen_at", UTCDateTime(), server_default=now(), nullable=False),
        sa.Column("issuer", sa.String(length=255), nullable=True),
        sa.Column("subject", sa.String(length=255), nullable=True),
        sa.Column("seller_name", sa.String(length=120), nullable=True),
        sa.Column("accounts", sa.JSON(), nullable=False),
        sa.Column("proved_at", UTCDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_browser_sessions")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_browser_sessions_token_hash")),
    )
    with op.batch_alter_table("browser_sessions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_browser_sessions_seen_at"), ["seen_at"], unique=False)

    op.create_table(
        "key_checks",
        sa.Column("key_id", sa.String(length=40), nullable=False),
        sa.Column("value", sa.LargeBinary(length=32), nullable=False),
        sa.Column("created_at", UTCDateTime(), server_default=now(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_key_checks")),
    )
    op.create_table(
        "onboardings",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reference", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("rule_set", sa.String(length=16), nullable=False),
        sa.Column("connection_type", sa.String(length=32), nullable=True),
        sa.Column("credential_mode", sa.String(length=16), nullable=True),
        sa.Column("aggregator_id", sa.String(length=64), nullable=True),
        sa.Column("aggregator_name", sa.String(length=120), nullable=True),
        sa.Column("aggregator_folded_name", sa.String(length=120), nullable=True),
        sa.Column("connection_name", sa.String(length=80), nullable=True),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("locale", sa.String(length=5), nullable=False),
        sa.Column("contact_email", sa.String(length=254), nullable=True),
        sa.Column("contact_verified_at", UTCDateTime(), nullable=True),
        sa.Column("start_key", sa.String(length=80), nullable=True),
        sa.Column("api_key_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", UTCDateTime(), server_default=now(), nullable=False),
        sa.Column("entered_at", UTCDateTime(), server_default=now(), nullable=False),
        sa.Column("wakes_at", UTCDateTime(), nullable=True),
        sa.Column("reminders", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(credential_mode IS NOT NULL) = (COALESCE(connection_type, '') = 'aggregator')",
            name=op.f("ck_onboardings_credential_mode_is_for_aggregators"),
        ),
        sa.CheckConstraint(
            "connection_type IN ('aggregator', 'credentials_only', 'legacy_soap', 'own_development', 'plugin')",
            name=op.f("ck_onboardings_connection_type"),
        ),
        sa.CheckConstraint(
            "connection_type IS NOT NULL OR state IN ('started', 'cancelled', 'expired')",
            name=op.f("ck_onboardings_type_is_chosen"),
        ),
        sa.CheckConstraint(
            "credential_mode IN ('delegated', 'full')", name=op.f("ck_onboardings_credential_mode")
        ),
        sa.CheckConstraint("locale IN ('en', 'fr')", name=op.f("ck_onboardings_locale")),
        sa.CheckConstraint(
            "state IN ('awaiting_aggregator', 'awaiting_seller', 'cancelled', 'checking_aggregator', 'confirmed', 'credentials_issued', 'expired', 'issuing_secret', 'redirected_to_soap', 'secret_lapsed', 'secret_ready', 'secret_revealed', 'seller_linked', 'started', 'type_chosen', 'verifying')",
            name=op.f("ck_onboardings_state"),
        ),
        sa.CheckConstraint(
            "wakes_at IS NULL OR state IN ('awaiting_aggregator', 'awaiting_seller', 'checking_aggregator', 'issuing_secret', 'secret_lapsed', 'secret_ready', 'secret_revealed', 'seller_linked', 'started', 'type_chosen', 'verifying')",
            name=op.f("ck_onboardings_only_open_states_wake"),
        ),
        sa.CheckConstraint("sequence >= 1", name=op.f("ck_onboardings_sequence")),
        sa.ForeignKeyConstraint(
            ["aggregator_id"], ["aggregators.id"], name=op.f("fk_onboardings_aggregator_id")
        ),
        sa.ForeignKeyConstraint(
            ["api_key_id"], ["api_keys.id"], name=op.f("fk_onboardings_api_key_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_onboardings")),
        sa.UniqueConstraint("reference", name=op.f("uq_onboardings_reference")),
        sa.UniqueConstraint("start_key", name=op.f("uq_onboardings_start_key")),
    )
    with op.batch_alter_table("onboardings", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_onboardings_api_key_id"), ["api_key_id"], unique=False)
        batch_op.create_index("ix_onboardings_created_at", ["created_at", "id"], unique=False)
        batch_op.create_index(
            "ix_onboardings_parked",
            ["aggregator_id", "aggregator_folded_name"],
            unique=False,
            postgresql_where=sa.text("state = 'awaiting_aggregator'"),
            sqlite_where=sa.text("state = 'awaiting_aggregator'"),
        )
        batch_op.create_index(
            "ix_onboardings_wakes_at",
            ["wakes_at"],
            unique=False,
            postgresql_where=sa.text("wakes_at IS NOT NULL"),
            sqlite_where=sa.text("wakes_at IS NOT NULL"),
        )

    op.create_table(
        "clients",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("onboarding_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", UTCDateTime(), server_default=now(), nullable=False),
        sa.Column("revoked_at", UTCDateTime(), nullable=True),
        sa.Column("withdrawn_at", UTCDateTime(), nullable=True),
        sa.CheckConstraint(
            "withdrawn_at IS NULL OR revoked_at IS NOT NULL",
            name=op.f("ck_clients_withdrawn_after_revoked"),
        ),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboardings.id"], name=op.f("fk_clients_onboarding_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clients")),
    )
    with op.batch_alter_table("clients", schema=None) as batch_op:
        batch_op.create_index(
            "uq_clients_alive",
            ["onboarding_id"],
            unique=True,
            postgresql_where=sa.text("revoked_at IS NULL"),
            sqlite_where=sa.text("revoked_at IS NULL"),
        )

    op.create_table(
        "contact_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("onboarding_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("created_at", UTCDateTime(), server_default=now(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("used_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboardings.id"], name=op.f("fk_contact_codes_onboarding_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_codes")),
    )
    with op.batch_alter_table("contact_codes", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_contact_codes_onboarding_id"), ["onboarding_id"], unique=False
        )

    op.create_table(
        "grants",
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("onboarding_id", sa.Uuid(), nullable=False),
        sa.Column("granted_at", UTCDateTime(), server_default=now(), nullable=False),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboardings.id"], name=op.f("fk_grants_onboarding_id")
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["browser_sessions.id"],
            name=op.f("fk_grants_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("session_id", "onboarding_id", name=op.f("pk_grants")),
    )
    with op.batch_alter_table("grants", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_grants_onboarding_id"), ["onboarding_id"], unique=False
        )

    op.create_table(
        "mails",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("onboarding_id", sa.Uuid(), nullable=False),
        sa.Column("notice", sa.String(length=40), nullable=False),
        sa.Column("locale", sa.String(length=5), nullable=False),
        sa.Column("sent_at", UTCDateTime(), server_default=now(), nullable=False),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboardings.id"], name=op.f("fk_mails_onboarding_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
    )
    with op.batch_alter_table("mails", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mails_onboarding_id"), ["onboarding_id"], unique=False)

    op.create_table(
        "messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("onboarding_id", sa.Uuid(), nullable=True),
        sa.Column("sequence", sa.Integer(), nullable=True),
        sa.Column("task", sa.String(length=40), nullable=False),
        sa.Column("about", sa.JSON(), nullable=False),
        sa.Column("created_at", UTCDateTime(), server_default=now(), nullable=False),
        sa.Column("due_at", UTCDateTime(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("max_attempts", sa.Integer(), nullable=False),
        sa.Column("leased_until", UTCDateTime(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("failed_at", UTCDateTime(), nullable=True),
        sa.Column("cause", sa.String(length=40), nullable=True),
        sa.CheckConstraint(
            "(failed_at IS NULL) = (cause IS NULL)", name=op.f("ck_messages_incident_has_a_cause")
        ),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_messages_attempts")),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboardings.id"], name=op.f("fk_messages_onboarding_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
    )
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.create_index(
            "ix_messages_due",
            ["due_at"],
            unique=False,
            postgresql_where=sa.text("failed_at IS NULL"),
            sqlite_where=sa.text("failed_at IS NULL"),
        )
        batch_op.create_index("ix_messages_onboarding_id", ["onboarding_id"], unique=False)

    op.create_table(
        "pending_sign_ins",
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.Column("onboarding_id", sa.Uuid(), nullable=True),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("verifier", sa.String(length=128), nullable=False),
        sa.Column("signed_in_after", sa.String(length=20), nullable=False),
        sa.Column("locale", sa.String(length=5), nullable=False),
        sa.Column("created_at", UTCDateTime(), server_default=now(), nullable=False),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboardings.id"], name=op.f("fk_pending_sign_ins_onboarding_id")
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["browser_sessions.id"],
            name=op.f("fk_pending_sign_ins_session_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("state", name=op.f("pk_pending_sign_ins")),
    )
    with op.batch_alter_table("pending_sign_ins", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_pending_sign_ins_session_id"), ["session_id"], unique=False
        )

    op.create_table(
        "resume_links",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("onboarding_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", UTCDateTime(), server_default=now(), nullable=False),
        sa.Column("used_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboardings.id"], name=op.f("fk_resume_links_onboarding_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resume_links")),
    )
    with op.batch_alter_table("resume_links", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_resume_links_onboarding_id"), ["onboarding_id"], unique=False
        )

    op.create_table(
        "transitions",
        sa.Column("onboarding_id", sa.Uuid(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(length=32), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=True),
        sa.Column("target", sa.String(length=32), nullable=False),
        sa.Column("actor_kind", sa.String(length=16), nullable=False),
        sa.Column("actor_id", sa.String(length=200), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.Column("rule_set", sa.String(length=16), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "actor_kind IN ('seller', 'developer', 'api', 'platform', 'operator', 'clock')",
            name=op.f("ck_transitions_actor_kind"),
        ),
        sa.CheckConstraint(
            "target IN ('awaiting_aggregator', 'awaiting_seller', 'cancelled', 'checking_aggregator', 'confirmed', 'credentials_issued', 'expired', 'issuing_secret', 'redirected_to_soap', 'secret_lapsed', 'secret_ready', 'secret_revealed', 'seller_linked', 'started', 'type_chosen', 'verifying')",
            name=op.f("ck_transitions_target"),
        ),
        sa.CheckConstraint(
            "(sequence = 1) = (source IS NULL)", name=op.f("ck_transitions_starts_from_nothing")
        ),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboardings.id"], name=op.f("fk_transitions_onboarding_id")
        ),
        sa.PrimaryKeyConstraint("onboarding_id", "sequence", name=op.f("pk_transitions")),
    )
    op.create_table(
        "links",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("onboarding_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.String(length=40), nullable=True),
        sa.Column("aggregator_id", sa.String(length=64), nullable=True),
        sa.Column("seller_id", sa.String(length=40), nullable=False),
        sa.Column("shop_name", sa.String(length=120), nullable=False),
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        sa.Column("created_at", UTCDateTime(), server_default=now(), nullable=False),
        sa.Column("confirmed_at", UTCDateTime(), nullable=True),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.CheckConstraint(
            "(client_id IS NULL) <> (aggregator_id IS NULL)",
            name=op.f("ck_links_client_or_aggregator"),
        ),
        sa.ForeignKeyConstraint(
            ["aggregator_id"], ["aggregators.id"], name=op.f("fk_links_aggregator_id")
        ),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_links_client_id")),
        sa.ForeignKeyConstraint(
            ["onboarding_id"], ["onboardings.id"], name=op.f("fk_links_onboarding_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_links")),
    )
    with op.batch_alter_table("links", schema=None) as batch_op:
        batch_op.create_index("ix_links_seller_account", ["issuer", "subject"], unique=False)
        batch_op.create_index(
            "uq_links_alive",
            ["onboarding_id"],
            unique=True,
            postgresql_where=sa.text("ended_at IS NULL"),
            sqlite_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "secrets",
        sa.Column("client_id", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("pepper_id", sa.String(length=16), nullable=False),
        sa.Column("ending", sa.String(length=6), nullable=False),
        sa.Column("created_at", UTCDateTime(), server_default=now(), nullable=False),
        sa.Column("revealed_at", UTCDateTime(), nullable=True),
        sa.Column("acknowledged_at", UTCDateTime(), nullable=True),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.Column("ended_because", sa.String(length=16), nullable=True),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ended_because IS NULL)",
            name=op.f("ck_secrets_ended_has_a_reason"),
        ),
        sa.CheckConstraint(
            "acknowledged_at IS NULL OR revealed_at IS NOT NULL",
            name=op.f("ck_secrets_revealed_before_acknowledged"),
        ),
        sa.CheckConstraint("version >= 1", name=op.f("ck_secrets_version")),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_secrets_client_id")),
        sa.PrimaryKeyConstraint("client_id", "version", name=op.f("pk_secrets")),
    )
    with op.batch_alter_table("secrets", schema=None) as batch_op:
        batch_op.create_index(
            "uq_secrets_alive",
            ["client_id"],
            unique=True,
            postgresql_where=sa.text("ended_at IS NULL"),
            sqlite_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "sealed_secrets",
        sa.Column("client_id", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(length=256), nullable=False),
        sa.ForeignKeyConstraint(
            ["client_id", "version"],
            ["secrets.client_id", "secrets.version"],
            name=op.f("fk_sealed_secrets_client_id_version"),
        ),
        sa.PrimaryKeyConstraint("client_id", "version", name=op.f("pk_sealed_secrets")),
    )


def downgrade() -> None:
    op.drop_table("sealed_secrets")
    with op.batch_alter_table("secrets", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_secrets_alive",
            postgresql_where=sa.text("ended_at IS NULL"),
            sqlite_where=sa.text("ended_at IS NULL"),
        )

    op.drop_table("secrets")
    with op.batch_alter_table("links", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_links_alive",
            postgresql_where=sa.text("ended_at IS NULL"),
            sqlite_where=sa.text("ended_at IS NULL"),
        )
        batch_op.drop_index("ix_links_seller_account")

    op.drop_table("links")
    op.drop_table("transitions")
    with op.batch_alter_table("resume_links", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_resume_links_onboarding_id"))

    op.drop_table("resume_links")
    with op.batch_alter_table("pending_sign_ins", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_pending_sign_ins_session_id"))

    op.drop_table("pending_sign_ins")
    with op.batch_alter_table("messages", schema=None) as batch_op:
        batch_op.drop_index("ix_messages_onboarding_id")
        batch_op.drop_index(
            "ix_messages_due",
            postgresql_where=sa.text("failed_at IS NULL"),
            sqlite_where=sa.text("failed_at IS NULL"),
        )

    op.drop_table("messages")
    with op.batch_alter_table("mails", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_mails_onboarding_id"))

    op.drop_table("mails")
    with op.batch_alter_table("grants", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_grants_onboarding_id"))

    op.drop_table("grants")
    with op.batch_alter_table("contact_codes", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_contact_codes_onboarding_id"))

    op.drop_table("contact_codes")
    with op.batch_alter_table("clients", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_clients_alive",
            postgresql_where=sa.text("revoked_at IS NULL"),
            sqlite_where=sa.text("revoked_at IS NULL"),
        )

    op.drop_table("clients")
    with op.batch_alter_table("onboardings", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_onboardings_wakes_at",
            postgresql_where=sa.text("wakes_at IS NOT NULL"),
            sqlite_where=sa.text("wakes_at IS NOT NULL"),
        )
        batch_op.drop_index(
            "ix_onboardings_parked",
            postgresql_where=sa.text("state = 'awaiting_aggregator'"),
            sqlite_where=sa.text("state = 'awaiting_aggregator'"),
        )
        batch_op.drop_index("ix_onboardings_created_at")
        batch_op.drop_index(batch_op.f("ix_onboardings_api_key_id"))

    op.drop_table("onboardings")
    op.drop_table("key_checks")
    with op.batch_alter_table("browser_sessions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_browser_sessions_seen_at"))

    op.drop_table("browser_sessions")
    op.drop_table("api_keys")
    op.drop_table("aggregators")
