"""The tables. What must always be true stands here as a named constraint, not in the code.

Facts are timestamps; there is one `state` and no flag beside it. No relationships: loading is said
where it happens.
"""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    String,
    Text,
    Uuid,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from onboarding.chart import CONNECTION_TYPES, CREDENTIAL_MODES, OPEN, STATES
from onboarding.db import UTCDateTime, new_id, now


def _one_of(values: tuple[str, ...] | frozenset[str]) -> str:
    """A list for CHECK (x IN (…)), in a stable order."""
    return ", ".join(f"'{value}'" for value in sorted(values))


class Base(DeclarativeBase):
    """Names every constraint, so that an error can say which rule was broken."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UTCDateTime(),
        UUID: Uuid(),
        dict[str, Any]: JSON(),
        list[str]: JSON(),
    }


class Aggregator(Base):
    """A feed aggregator as the marketplace knows it. Its id is a name for URLs: lower case, dashes."""

    __tablename__ = "aggregators"
    __table_args__ = (
        CheckConstraint("status IN ('registered', 'suspended', 'unregistered')", name="status"),
        CheckConstraint(f"asks_for IN ({_one_of(CREDENTIAL_MODES)})", name="asks_for"),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    # The name as people may type it: folded, so that two spellings are one aggregator.
    folded_name: Mapped[str] = mapped_column(String(120), unique=True)
    status: Mapped[str] = mapped_column(String(16))
    uses_rest: Mapped[bool]
    asks_for: Mapped[str] = mapped_column(String(16))
    changed_at: Mapped[datetime] = mapped_column(server_default=now())


class Onboarding(Base):
    """One request for access, from the first answer to its end. Only `lifecycle` writes `state`."""

    __tablename__ = "onboardings"
    __table_args__ = (
        CheckConstraint(f"state IN ({_one_of(STATES)})", name="state"),
        CheckConstraint(
            f"connection_type IN ({_one_of(CONNECTION_TYPES)})", name="connection_type"
        ),
        CheckConstraint(
            f"credential_mode IN ({_one_of(CREDENTIAL_MODES)})", name="credential_mode"
        ),
        CheckConstraint(
            "(credential_mode IS NOT NULL) = (COALESCE(connection_type, '') = 'aggregator')",
            name="credential_mode_is_for_aggregators",
        ),
        CheckConstraint(
            "connection_type IS NOT NULL OR state IN ('started', 'cancelled', 'expired')",
            name="type_is_chosen",
        ),
        CheckConstraint("sequence >= 1", name="sequence"),
        CheckConstraint(
            f"wakes_at IS NULL OR state IN ({_one_of(OPEN)})", name="only_open_states_wake"
        ),
        CheckConstraint("locale IN ('en', 'fr')", name="locale"),
        Index(
            "ix_onboardings_wakes_at",
            "wakes_at",
            postgresql_where=text("wakes_at IS NOT NULL"),
            sqlite_where=text("wakes_at IS NOT NULL"),
        ),
        Index(
            "ix_onboardings_parked",
            "aggregator_id",
            "aggregator_folded_name",
            postgresql_where=text("state = 'awaiting_aggregator'"),
            sqlite_where=text("state = 'awaiting_aggregator'"),
        ),
        Index("ix_onboardings_created_at", "created_at", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    reference: Mapped[str] = mapped_column(String(16), unique=True)
    state: Mapped[str] = mapped_column(String(32))
    # The number of the latest transition: 1, 2, 3, … without a gap.
    sequence: Mapped[int]
    rule_set: Mapped[str] = mapped_column(String(16))
    connection_type: Mapped[str | None] = mapped_column(String(32))
    credential_mode: Mapped[str | None] = mapped_column(String(16))
    aggregator_id: Mapped[str | None] = mapped_column(ForeignKey("aggregators.id"))
    # As the seller typed it, and folded to find it by once it registers.
    aggregator_name: Mapped[str | None] = mapped_column(String(120))
    aggregator_folded_name: Mapped[str | None] = mapped_column(String(120))
    connection_name: Mapped[str | None] = mapped_column(String(80))
    answers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    locale: Mapped[str] = mapped_column(String(5))
    contact_email: Mapped[str | None] = mapped_column(String(254))
    contact_verified_at: Mapped[datetime | None]
    # A form sent twice starts one onboarding: the second insert meets this.
    start_key: Mapped[str | None] = mapped_column(String(80), unique=True)
    api_key_id: Mapped[UUID | None] = mapped_column(ForeignKey("api_keys.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=now())
    entered_at: Mapped[datetime] = mapped_column(server_default=now())
    # When the clock must next remind or end it, and how many reminders went out in this state.
    wakes_at: Mapped[datetime | None]
    reminders: Mapped[int] = mapped_column(default=0)


class Transition(Base):
    """One step of an onboarding's history: who, what, from, to, when, under which rules."""

    __tablename__ = "transitions"
    __table_args__ = (
        CheckConstraint("(sequence = 1) = (source IS NULL)", name="starts_from_nothing"),
        CheckConstraint(f"target IN ({_one_of(STATES)})", name="target"),
        CheckConstraint(
            "actor_kind IN ('seller', 'developer', 'api', 'platform', 'operator', 'clock')",
            name="actor_kind",
        ),
    )

    onboarding_id: Mapped[UUID] = mapped_column(ForeignKey("onboardings.id"), primary_key=True)
    sequence: Mapped[int] = mapped_column(primary_key=True)
    event: Mapped[str] = mapped_column(String(32))
    source: Mapped[str | None] = mapped_column(String(32))
    target: Mapped[str] = mapped_column(String(32))
    actor_kind: Mapped[str] = mapped_column(String(16))
    actor_id: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]
    rule_set: Mapped[str] = mapped_column(String(16))
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)


class Message(Base):
    """A promise to do something: a task, due until its effect is committed. Then the row goes.

    `due_at` says when to publish it (again), `leased_until` whose turn it is: two columns, because
    a worker that died after claiming and a broker that lost a message are two things.
    """

    __tablename__ = "messages"
    __table_args__ = (
        CheckConstraint("(failed_at IS NULL) = (cause IS NULL)", name="incident_has_a_cause"),
        CheckConstraint("attempts >= 0", name="attempts"),
        Index(
            "ix_messages_due",
            "due_at",
            postgresql_where=text("failed_at IS NULL"),
            sqlite_where=text("failed_at IS NULL"),
        ),
        Index("ix_messages_onboarding_id", "onboarding_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    onboarding_id: Mapped[UUID | None] = mapped_column(ForeignKey("onboardings.id"))
    # The transition that promised it; its task reports to that one and to no later one.
    sequence: Mapped[int | None]
    task: Mapped[str] = mapped_column(String(40))
    about: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(server_default=now())
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    max_attempts: Mapped[int]
    leased_until: Mapped[datetime | None]
    last_error: Mapped[str | None] = mapped_column(Text)
    # An incident: it has failed for good, and why, as a code.
    failed_at: Mapped[datetime | None]
    cause: Mapped[str | None] = mapped_column(String(40))


class Client(Base):
    """A client ID: the login of the REST API. At most one of an onboarding is alive."""

    __tablename__ = "clients"
    __table_args__ = (
        Index(
            "uq_clients_alive",
            "onboarding_id",
            unique=True,
            postgresql_where=text("revoked_at IS NULL"),
            sqlite_where=text("revoked_at IS NULL"),
        ),
        CheckConstraint(
            "withdrawn_at IS NULL OR revoked_at IS NOT NULL", name="withdrawn_after_revoked"
        ),
    )

    id: Mapped[str] = mapped_column(String(40), primary_key=True)
    onboarding_id: Mapped[UUID] = mapped_column(ForeignKey("onboardings.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=now())
    revoked_at: Mapped[datetime | None]
    # When the authorization server was told; `revoked_at` alone already refuses it here.
    withdrawn_at: Mapped[datetime | None]


class Secret(Base):
    """One version of a client secret: a keyed hash and its life. Never the secret."""

    __tablename__ = "secrets"
    __table_args__ = (
        Index(
            "uq_secrets_alive",
            "client_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
            sqlite_where=text("ended_at IS NULL"),
        ),
        CheckConstraint("version >= 1", name="version"),
        CheckConstraint(
            "acknowledged_at IS NULL OR revealed_at IS NOT NULL",
            name="revealed_before_acknowledged",
        ),
        CheckConstraint("(ended_at IS NULL) = (ended_because IS NULL)", name="ended_has_a_reason"),
    )

    client_id: Mapped[str] = mapped_column(ForeignKey("clients.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    pepper_id: Mapped[str] = mapped_column(String(16))
    # The last six characters. They are the checksum of the rest: enough to tell two secrets apart
    # and to prove that one has arrived, and 220 bits short of the secret.
    ending: Mapped[str] = mapped_column(String(6))
    created_at: Mapped[datetime] = mapped_column(server_default=now())
    revealed_at: Mapped[datetime | None]
    acknowledged_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_because: Mapped[str | None] = mapped_column(String(16))


class SealedSecret(Base):
    """A secret on its way to its owner, readable by the web process alone. Taken out once."""

    __tablename__ = "sealed_secrets"
    __table_args__ = (
        ForeignKeyConstraint(["client_id", "version"], ["secrets.client_id", "secrets.version"]),
    )

    client_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    key_id: Mapped[str] = mapped_column(String(16))
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary(256))


class Link(Base):
    """A seller account that a client, or an aggregator, may act for."""

    __tablename__ = "links"
    __table_args__ = (
        Index(
            "uq_links_alive",
            "onboarding_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
            sqlite_where=text("ended_at IS NULL"),
        ),
        CheckConstraint(
            "(client_id IS NULL) <> (aggregator_id IS NULL)", name="client_or_aggregator"
        ),
        Index("ix_links_seller_account", "issuer", "subject"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    onboarding_id: Mapped[UUID] = mapped_column(ForeignKey("onboardings.id"))
    client_id: Mapped[str | None] = mapped_column(ForeignKey("clients.id"))
    aggregator_id: Mapped[str | None] = mapped_column(ForeignKey("aggregators.id"))
    seller_id: Mapped[str] = mapped_column(String(40))
    shop_name: Mapped[str] = mapped_column(String(120))
    # The seller account is who signed in there, never an e-mail address.
    issuer: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(server_default=now())
    confirmed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class Mail(Base):
    """An e-mail that was handed over. Its id is the message's, and so is its Message-ID."""

    __tablename__ = "mails"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    onboarding_id: Mapped[UUID] = mapped_column(ForeignKey("onboardings.id"), index=True)
    notice: Mapped[str] = mapped_column(String(40))
    locale: Mapped[str] = mapped_column(String(5))
    sent_at: Mapped[datetime] = mapped_column(server_default=now())


class BrowserSession(Base):
    """A browser that we know by its cookie, and what it has proved. The cookie is stored hashed."""

    __tablename__ = "browser_sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    # Changes with every proof, so that a cookie planted before a sign-in is worth nothing after.
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=now())
    seen_at: Mapped[datetime] = mapped_column(server_default=now())
    issuer: Mapped[str | None] = mapped_column(String(255))
    subject: Mapped[str | None] = mapped_column(String(255))
    seller_name: Mapped[str | None] = mapped_column(String(120))
    accounts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    # When it last signed in to a seller account, or entered a code sent by e-mail.
    proved_at: Mapped[datetime | None]


class Grant(Base):
    """A browser that may see and move an onboarding: it started it, or proved that it may."""

    __tablename__ = "grants"

    session_id: Mapped[UUID] = mapped_column(
        ForeignKey("browser_sessions.id", ondelete="CASCADE"), primary_key=True
    )
    onboarding_id: Mapped[UUID] = mapped_column(
        ForeignKey("onboardings.id"), primary_key=True, index=True
    )
    granted_at: Mapped[datetime] = mapped_column(server_default=now())


class ContactCode(Base):
    """A one-time code sent to an address. The code is derived from its id, not stored."""

    __tablename__ = "contact_codes"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    onboarding_id: Mapped[UUID] = mapped_column(ForeignKey("onboardings.id"), index=True)
    email: Mapped[str] = mapped_column(String(254))
    created_at: Mapped[datetime] = mapped_column(server_default=now())
    attempts: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None]


class ResumeLink(Base):
    """A link in an e-mail that leads back to an onboarding. Its token is derived, not stored."""

    __tablename__ = "resume_links"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    onboarding_id: Mapped[UUID] = mapped_column(ForeignKey("onboardings.id"), index=True)
    created_at: Mapped[datetime] = mapped_column(server_default=now())
    used_at: Mapped[datetime | None]


class PendingSignIn(Base):
    """A sign-in that has left for the identity provider and is not back yet."""

    __tablename__ = "pending_sign_ins"

    state: Mapped[str] = mapped_column(String(64), primary_key=True)
    session_id: Mapped[UUID] = mapped_column(ForeignKey("browser_sessions.id", ondelete="CASCADE"))
    onboarding_id: Mapped[UUID | None] = mapped_column(ForeignKey("onboardings.id"))
    nonce: Mapped[str] = mapped_column(String(64))
    verifier: Mapped[str] = mapped_column(String(128))
    # Seconds since 1970, as text, where an earlier sign-in will not do; else empty.
    signed_in_after: Mapped[str] = mapped_column(String(20))
    locale: Mapped[str] = mapped_column(String(5))
    created_at: Mapped[datetime] = mapped_column(server_default=now())


class ApiKey(Base):
    """A calling system. Its key is stored as a keyed hash."""

    __tablename__ = "api_keys"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(80))
    hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(server_default=now())
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class KeyCheck(Base):
    """A known value under each key, so that a wrong keyring is noticed before it is used."""

    __tablename__ = "key_checks"

    key_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[datetime] = mapped_column(server_default=now())
