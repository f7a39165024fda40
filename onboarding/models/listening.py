"""The log of events, the endpoints of those who listen to it, and what is sent to them."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from onboarding.db import now
from onboarding.ids import new_id
from onboarding.models.base import Base, one_of


class EventLog(Base):
    """The only row: what is added to a transaction's number to get a position, and in which history.

    Until the clock has written it, nothing is added.
    """

    __tablename__ = "event_log"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    shift: Mapped[int] = mapped_column(BigInteger)
    # A promoted standby and a restored backup count transactions from where they were before.
    history: Mapped[str] = mapped_column(String(64))


_UNFINISHED: Final = "delivered_at IS NULL AND failed_at IS NULL"
_ENDED: Final = "delivered_at IS NOT NULL OR failed_at IS NOT NULL"
SIGNATURES: Final = ("ed25519", "hmac")


class Webhook(Base):
    """An endpoint of a calling system, and how far in the log what is sent to it was noted down.

    Its keys are derived, not stored: from the keyring's key of that name, by the number.
    """

    __tablename__ = "webhooks"
    __table_args__ = (
        CheckConstraint(f"signature IN ({one_of(SIGNATURES)})", name="signature"),
        CheckConstraint("key_number >= 1", name="key_number"),
        CheckConstraint(
            "(rotated_at IS NULL) = (previous_key_id IS NULL)", name="rotated_from_a_key"
        ),
        CheckConstraint(
            "(disabled_at IS NULL) = (disabled_because IS NULL)", name="disabled_has_a_reason"
        ),
        CheckConstraint("failures >= 0", name="failures"),
        CheckConstraint("(failures = 0) = (failing_since IS NULL)", name="failing_since_when"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    system_id: Mapped[UUID] = mapped_column(ForeignKey("systems.id"), index=True)
    url: Mapped[str] = mapped_column(String(2000))
    # None named: all of them.
    event_types: Mapped[list[str]]
    description: Mapped[str] = mapped_column(String(200))
    # Where its events come from, as it was told: the same in all that it ever gets.
    source: Mapped[str] = mapped_column(String(300))
    signature: Mapped[str] = mapped_column(String(8))
    key_number: Mapped[int]
    key_id: Mapped[str] = mapped_column(String(40))
    # The key before signs as well, for a while.
    previous_key_id: Mapped[str | None] = mapped_column(String(40))
    rotated_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=now())
    disabled_at: Mapped[datetime | None]
    disabled_because: Mapped[str | None] = mapped_column(String(40))
    # A place in the log of events: what comes before it has been noted down.
    noted_until: Mapped[str] = mapped_column(String(70))
    # How often it has failed since it last took something; until then it is left alone.
    failures: Mapped[int] = mapped_column(default=0)
    failing_since: Mapped[datetime | None]
    rests_until: Mapped[datetime | None]
    # The message that promises its next deliveries: while that is there, no other is.
    message_id: Mapped[UUID | None]


class Delivery(Base):
    """One event for one endpoint: what is sent, the same at each attempt, and what came of it."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("webhook_id", "event_id"),
        CheckConstraint("(onboarding_id IS NULL) = (sequence IS NULL)", name="of_a_transition"),
        CheckConstraint("attempts >= 0", name="attempts"),
        CheckConstraint("delivered_at IS NULL OR failed_at IS NULL", name="one_end"),
        CheckConstraint("failed_at IS NULL OR cause IS NOT NULL", name="failed_has_a_cause"),
        Index(
            "ix_deliveries_unfinished",
            "webhook_id",
            "next_at",
            postgresql_where=text(_UNFINISHED),
            sqlite_where=text(_UNFINISHED),
        ),
        # An event waits for those before it of the same onboarding.
        Index(
            "ix_deliveries_in_turn",
            "webhook_id",
            "onboarding_id",
            "sequence",
            postgresql_where=text(_UNFINISHED),
            sqlite_where=text(_UNFINISHED),
        ),
        # By which the clock finds what ended long ago. A delivery gets in there once, at its end: until
        # then, no attempt writes to it.
        Index(
            "ix_deliveries_ended",
            "created_at",
            postgresql_where=text(_ENDED),
            sqlite_where=text(_ENDED),
        ),
        Index("ix_deliveries_onboarding_id", "onboarding_id"),
        Index("ix_deliveries_newest", "webhook_id", "id"),
        Index(
            "ix_deliveries_failed",
            "webhook_id",
            "id",
            postgresql_where=text("failed_at IS NOT NULL"),
            sqlite_where=text("failed_at IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    webhook_id: Mapped[UUID] = mapped_column(ForeignKey("webhooks.id", ondelete="CASCADE"))
    # Which transition it tells of; a test tells of none.
    onboarding_id: Mapped[UUID | None] = mapped_column(ForeignKey("onboardings.id"))
    sequence: Mapped[int | None]
    # What receivers know it by, however often it is sent.
    event_id: Mapped[str] = mapped_column(String(60))
    type: Mapped[str] = mapped_column(String(60))
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(server_default=now())
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime] = mapped_column(server_default=now())
    # The latest attempt, when it ended.
    tried_at: Mapped[datetime | None]
    delivered_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    # What the latest attempt was answered, and why it failed.
    status: Mapped[int | None]
    cause: Mapped[str | None] = mapped_column(String(40))
