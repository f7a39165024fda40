"""An onboarding, its history, what was promised for it, and the aggregators it may choose."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, validates

from onboarding import sealing, tracing
from onboarding.chart import (
    CONNECTION_TYPES,
    CREDENTIAL_MODES,
    EXTRA_DAYS_AT_MOST,
    OPEN,
    STATES,
)
from onboarding.db import now
from onboarding.histories import this_transaction
from onboarding.ids import new_id
from onboarding.models import rules
from onboarding.models.base import Base, one_of
from onboarding.names import CONNECTION_AT_MOST

_WITHOUT_HASH = "contact_hash IS NULL AND contact_email IS NOT NULL"


class Aggregator(Base):
    """A feed aggregator as the marketplace knows it. Its id is a name for URLs: lower case, dashes."""

    __tablename__ = "aggregators"
    __table_args__ = (
        CheckConstraint("status IN ('registered', 'suspended', 'unregistered')", name="status"),
        CheckConstraint(f"asks_for IN ({one_of(CREDENTIAL_MODES)})", name="asks_for"),
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
        CheckConstraint(f"state IN ({one_of(STATES)})", name="state"),
        CheckConstraint(f"connection_type IN ({one_of(CONNECTION_TYPES)})", name="connection_type"),
        CheckConstraint(f"credential_mode IN ({one_of(CREDENTIAL_MODES)})", name="credential_mode"),
        CheckConstraint(
            "(credential_mode IS NOT NULL) = (COALESCE(connection_type, '') = 'aggregator')",
            name="credential_mode_is_for_aggregators",
        ),
        CheckConstraint(
            "connection_type IS NOT NULL OR state IN ('started', 'cancelled', 'expired')",
            name="type_is_chosen",
        ),
        CheckConstraint("sequence >= 1", name="sequence"),
        CheckConstraint(f"extra_days BETWEEN 0 AND {EXTRA_DAYS_AT_MOST}", name="extra_days"),
        CheckConstraint(
            f"wakes_at IS NULL OR state IN ({one_of(OPEN)})", name="only_open_states_wake"
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
        Index("ix_onboardings_state_entered_at", "state", "entered_at"),
        # Of those only that have one: every move of an onboarding is an entry in each of its indexes.
        Index(
            "uq_onboardings_start_key",
            "start_key",
            unique=True,
            postgresql_where=text("start_key IS NOT NULL"),
            sqlite_where=text("start_key IS NOT NULL"),
        ),
        Index(
            "ix_onboardings_contact_hash",
            "contact_hash",
            postgresql_where=text("contact_hash IS NOT NULL"),
            sqlite_where=text("contact_hash IS NOT NULL"),
        ),
        # Of those whom a named developer must move, who are few among all who stand there.
        Index(
            "ix_onboardings_with_developer",
            "state",
            "entered_at",
            postgresql_where=text("handover_id IS NOT NULL"),
            sqlite_where=text("handover_id IS NOT NULL"),
        ),
        # Most are started by a browser.
        Index(
            "ix_onboardings_system_id",
            "system_id",
            postgresql_where=text("system_id IS NOT NULL"),
            sqlite_where=text("system_id IS NOT NULL"),
        ),
        # Those of before there were hashes, until the clock has come by: soon it is empty.
        Index(
            "ix_onboardings_without_hash",
            "contact_email",
            postgresql_where=text(_WITHOUT_HASH),
            sqlite_where=text(_WITHOUT_HASH),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    reference: Mapped[str] = mapped_column(String(16), unique=True)
    state: Mapped[str] = mapped_column(String(32))
    # The number of the latest transition: 1, 2, 3, … without a gap.
    sequence: Mapped[int]
    # That transition's place in the log of events.
    position: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))
    rule_set: Mapped[str] = mapped_column(String(16))
    connection_type: Mapped[str | None] = mapped_column(String(32))
    credential_mode: Mapped[str | None] = mapped_column(String(16))
    aggregator_id: Mapped[str | None] = mapped_column(ForeignKey("aggregators.id"))
    # As the seller typed it, and folded to find it by once it registers.
    aggregator_name: Mapped[str | None] = mapped_column(String(120))
    aggregator_folded_name: Mapped[str | None] = mapped_column(String(120))
    connection_name: Mapped[str | None] = mapped_column(String(CONNECTION_AT_MOST))
    answers: Mapped[dict[str, Any]] = mapped_column(default=dict)
    locale: Mapped[str] = mapped_column(String(5))
    contact_email: Mapped[str | None] = mapped_column(String(254))
    # To find it by, written together with it: keyed, and cut to what tells addresses apart.
    contact_hash: Mapped[str | None] = mapped_column(String(32))
    contact_verified_at: Mapped[datetime | None]
    # The developer who is named to receive the secret, while one is: a row of `handovers`.
    handover_id: Mapped[UUID | None]
    # A form sent twice starts one onboarding: the second insert meets this.
    start_key: Mapped[str | None] = mapped_column(String(80))
    # The calling system that started it, with any of its keys.
    system_id: Mapped[UUID | None] = mapped_column(ForeignKey("systems.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=now())
    entered_at: Mapped[datetime] = mapped_column(server_default=now())
    # When the clock must next remind or end it, and how many reminders went out in this state.
    wakes_at: Mapped[datetime | None]
    reminders: Mapped[int] = mapped_column(default=0)
    # What an operator has given besides the chart's time, in this state.
    extra_days: Mapped[int] = mapped_column(default=0, server_default=text("0"))

    @validates("contact_email")
    def _hash_contact(self, _name: str, address: str | None) -> str | None:
        self.contact_hash = sealing.address_hash(address) if address else None
        return address


class Transition(Base):
    """One step of an onboarding's history: who, what, from, to, when, under which rules."""

    __tablename__ = "transitions"
    __table_args__ = (
        CheckConstraint("(sequence = 1) = (source IS NULL)", name="starts_from_nothing"),
        CheckConstraint(f"target IN ({one_of(STATES)})", name="target"),
        CheckConstraint(
            "actor_kind IN ('seller', 'developer', 'api', 'platform', 'operator', 'clock')",
            name="actor_kind",
        ),
        Index("ix_transitions_position", "position", "onboarding_id", "sequence"),
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
    # Its place in the log of events, with the onboarding and the sequence: see `event_log`.
    position: Mapped[int] = mapped_column(BigInteger, server_default=this_transaction())


class Message(Base):
    """A promise to do something: a task, due until its effect is committed. Then the row goes.

    `due_at` says when to publish it (again), `leased_until` whose turn it is: two columns, because
    a worker that died after claiming and a broker that lost a message are two things.
    """

    __tablename__ = "messages"
    __table_args__ = (
        CheckConstraint("failed_at IS NULL OR cause IS NOT NULL", name="incident_has_a_cause"),
        CheckConstraint("attempts >= 0", name="attempts"),
        CheckConstraint(
            "claimed_by IS NULL OR (leased_until IS NOT NULL AND failed_at IS NULL)",
            name="claimed_for_a_turn",
        ),
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
    # The sign of life of the process whose turn it is; a turn without one only ends with its time.
    claimed_by: Mapped[int | None] = mapped_column(BigInteger)
    # Why its last attempt failed: as a code, and as a line for a person.
    cause: Mapped[str | None] = mapped_column(String(40))
    last_error: Mapped[str | None] = mapped_column(Text)
    # An incident: it has failed for good.
    failed_at: Mapped[datetime | None]
    # The step of a trace that promised it (W3C Trace Context); its task's span has a link to that.
    traceparent: Mapped[str | None] = mapped_column(String(55), default=tracing.current)


class FailedAttempt(Base):
    """An attempt at a message that failed; its message may have succeeded since, and be gone."""

    __tablename__ = "failed_attempts"
    __table_args__ = (CheckConstraint("attempt BETWEEN 1 AND max_attempts", name="attempt"),)

    message_id: Mapped[UUID] = mapped_column(primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    onboarding_id: Mapped[UUID] = mapped_column(ForeignKey("onboardings.id"), index=True)
    task: Mapped[str] = mapped_column(String(40))
    # How many there might have been, as it was then.
    max_attempts: Mapped[int]
    at: Mapped[datetime]
    cause: Mapped[str] = mapped_column(String(40))
    # One line for a person, as the message had it.
    error: Mapped[str | None] = mapped_column(Text)


class Canary(Base):
    """The only row: when a task that does nothing was promised last, and when a worker took one."""

    __tablename__ = "canaries"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sent_at: Mapped[datetime]
    taken_at: Mapped[datetime | None]


class Mail(Base):
    """An e-mail that was handed over. Its id is the message's, and so is its Message-ID."""

    __tablename__ = "mails"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    onboarding_id: Mapped[UUID] = mapped_column(ForeignKey("onboardings.id"), index=True)
    notice: Mapped[str] = mapped_column(String(40))
    locale: Mapped[str] = mapped_column(String(5))
    sent_at: Mapped[datetime] = mapped_column(server_default=now())


for _each in (Onboarding, Transition, Message):
    rules.in_one_function(Base.metadata.tables[_each.__tablename__])
