"""What the marketplace's own systems tell us: who they are, by which keys, and every event of theirs."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from onboarding.db import now
from onboarding.ids import new_id
from onboarding.models.base import Base, one_of
from onboarding.models.listening import SIGNATURES

# What became of an event: it took effect; a later one had come before it; what it is about is not
# there yet; nobody here knows its type; an operator has said that it shall wait no more.
INBOUND_STATUSES: Final = ("applied", "stale", "parked", "unknown", "dismissed")
WAITS: Final = "status IN ('parked', 'unknown')"
# What goes in time, and since when that is counted. The rest stays, however old.
MAY_GO: Final = "overtaken_at IS NOT NULL OR status IN ('dismissed', 'stale', 'unknown')"
GOES_AFTER: Final = "coalesce(settled_at, received_at)"
UNORDERED: Final = "status = 'applied' AND NOT in_order"


class Source(Base):
    """A system of the marketplace's that may tell us things; its name is `source` in its events."""

    __tablename__ = "sources"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(server_default=now())
    ended_at: Mapped[datetime | None]


class SourceKey(Base):
    """A key by which a source signs: one that is derived from ours, or a public one of its own."""

    __tablename__ = "source_keys"
    __table_args__ = (
        CheckConstraint(f"signature IN ({one_of(SIGNATURES)})", name="signature"),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("(signature = 'hmac') = (key_id IS NOT NULL)", name="derived"),
        CheckConstraint("(signature = 'ed25519') = (public_key IS NOT NULL)", name="public"),
    )

    source: Mapped[str] = mapped_column(ForeignKey("sources.name"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    signature: Mapped[str] = mapped_column(String(8))
    key_id: Mapped[str | None] = mapped_column(String(40))
    public_key: Mapped[str | None] = mapped_column(String(60))
    created_at: Mapped[datetime] = mapped_column(server_default=now())
    ends_at: Mapped[datetime | None]


class InboundEvent(Base):
    """One event of a source, as it came, and what became of it. Never twice."""

    __tablename__ = "inbound_events"
    __table_args__ = (
        UniqueConstraint("source", "event_id"),
        CheckConstraint(f"status IN ({one_of(INBOUND_STATUSES)})", name="status"),
        CheckConstraint(f"({WAITS}) = (settled_at IS NULL)", name="settled"),
        CheckConstraint("overtaken_at IS NULL OR status = 'applied'", name="overtaken"),
        Index("ix_inbound_events_subject", "subject", "type", "time"),
        Index(
            "ix_inbound_events_waiting",
            "status",
            "id",
            postgresql_where=text(WAITS),
            sqlite_where=text(WAITS),
        ),
        # By which the clock finds what may go: nothing else is in it, so nothing is looked at in vain.
        Index(
            "ix_inbound_events_goes",
            text(GOES_AFTER),
            postgresql_where=text(MAY_GO),
            sqlite_where=text(MAY_GO),
        ),
        # Empty, unless another version has been at work.
        Index(
            "ix_inbound_events_unordered",
            "id",
            postgresql_where=text(UNORDERED),
            sqlite_where=text(UNORDERED),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    source: Mapped[str] = mapped_column(ForeignKey("sources.name"))
    event_id: Mapped[str] = mapped_column(String(200))
    type: Mapped[str] = mapped_column(String(120))
    subject: Mapped[str] = mapped_column(String(200))
    # When it happened, as its source says.
    time: Mapped[datetime]
    body: Mapped[str] = mapped_column(Text)
    received_at: Mapped[datetime] = mapped_column(server_default=now())
    status: Mapped[str] = mapped_column(String(12))
    settled_at: Mapped[datetime | None]
    # When a later one took effect that says all that this one has said.
    overtaken_at: Mapped[datetime | None]
    # Whether those that it has overtaken are marked: a version that knows of no marks leaves none.
    in_order: Mapped[bool] = mapped_column(default=False, server_default=false())
    # The message that offers it again: while that is there, no other is.
    message_id: Mapped[UUID | None]
    # What it has changed, or why it has changed nothing.
    effect: Mapped[dict[str, Any]] = mapped_column(default=dict)


class SuspendedSeller(Base):
    """A seller account that may not be acted for at present, linked or not."""

    __tablename__ = "suspended_sellers"

    seller_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    since: Mapped[datetime]
