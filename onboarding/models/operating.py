"""Operators: who they are, what they did, and what they wrote down."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from onboarding.db import now
from onboarding.ids import new_id
from onboarding.models.base import Base, one_of
from onboarding.setting_values import ROLES

# What operators say about a cause.
CAUSE_STATUSES = ("open", "acknowledged", "fixed", "ignored")
# What leads to the people behind an onboarding.
MASKED = (
    *("contact_email", "connection_name", "seller_id", "shop_name"),
    # What the wizard has asked about people.
    *("organisation", "developer_email"),
)


class Operator(Base):
    """Somebody who has signed in to the console. The role is what the latest sign-in gave."""

    __tablename__ = "operators"
    __table_args__ = (
        UniqueConstraint("issuer", "subject"),
        CheckConstraint(f"role IN ({one_of(ROLES)})", name="role"),
        CheckConstraint("(email IS NULL) = (email_given_at IS NULL)", name="email_given_when"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    # The account at the operators' identity provider, never an e-mail address.
    issuer: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(120))
    role: Mapped[str] = mapped_column(String(16))
    # What the latest sign-in gave and had verified, and when; neither where it gave none.
    email: Mapped[str | None] = mapped_column(String(254))
    email_given_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(server_default=now())


class OperatorSession(Base):
    """A browser in which an operator has signed in. The cookie is stored hashed."""

    __tablename__ = "operator_sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    operator_id: Mapped[UUID] = mapped_column(ForeignKey("operators.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(server_default=now(), index=True)


class Unmasking(Base):
    """One value that leads to a person, shown in full in one browser until then. It holds no value."""

    __tablename__ = "unmaskings"
    __table_args__ = (CheckConstraint(f"field IN ({one_of(MASKED)})", name="field"),)

    session_id: Mapped[UUID] = mapped_column(
        ForeignKey("operator_sessions.id", ondelete="CASCADE"), primary_key=True
    )
    onboarding_id: Mapped[UUID] = mapped_column(
        ForeignKey("onboardings.id", ondelete="CASCADE"), primary_key=True
    )
    field: Mapped[str] = mapped_column(String(20), primary_key=True)
    until: Mapped[datetime] = mapped_column(index=True)


class AuditEntry(Base):
    """One attempt of an operator to do something, refused ones included. Rows are only added.

    Each seal covers the row and the seal before it, so that no row can be changed, taken out or
    moved without the keyring.
    """

    __tablename__ = "audit"
    __table_args__ = (
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("outcome IN ('done', 'refused')", name="outcome"),
        Index("ix_audit_onboarding_id", "onboarding_id", "number"),
        Index(
            "ix_audit_causes",
            "number",
            postgresql_where=text("action LIKE 'cause.%'"),
            sqlite_where=text("action LIKE 'cause.%'"),
        ),
    )

    number: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(200))
    # At that time; a terminal often has none.
    role: Mapped[str | None] = mapped_column(String(16))
    action: Mapped[str] = mapped_column(String(40))
    # No foreign key: the trail outlives what it is about.
    onboarding_id: Mapped[UUID | None]
    reason: Mapped[str] = mapped_column(Text)
    outcome: Mapped[str] = mapped_column(String(16))
    # What was seen before and is true after; why it was refused.
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    # The preview that was carried out: each is used once.
    preview_id: Mapped[UUID | None] = mapped_column(unique=True)
    pepper_id: Mapped[str] = mapped_column(String(16))
    seal: Mapped[bytes] = mapped_column(LargeBinary(32))


class AuditHead(Base):
    """Where the chain ends, sealed too: without it, nobody would miss rows cut off its end."""

    __tablename__ = "audit_head"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    # Of the last row, and a keyed hash over both.
    number: Mapped[int] = mapped_column(BigInteger)
    seal: Mapped[bytes] = mapped_column(LargeBinary(32))
    pepper_id: Mapped[str] = mapped_column(String(16))
    mark: Mapped[bytes] = mapped_column(LargeBinary(32))


class Note(Base):
    """What an operator wrote down about an onboarding."""

    __tablename__ = "notes"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    onboarding_id: Mapped[UUID] = mapped_column(ForeignKey("onboardings.id"), index=True)
    author: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(server_default=now())


class Assignment(Base):
    """The operator who looks after an onboarding."""

    __tablename__ = "assignments"

    onboarding_id: Mapped[UUID] = mapped_column(ForeignKey("onboardings.id"), primary_key=True)
    operator_id: Mapped[UUID] = mapped_column(
        ForeignKey("operators.id", ondelete="CASCADE"), index=True
    )
    at: Mapped[datetime] = mapped_column(server_default=now())


class SavedView(Base):
    """A view of onboardings under a name, for the operator who saved it or for everybody."""

    __tablename__ = "saved_views"
    __table_args__ = (UniqueConstraint("owner_id", "name"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    owner_id: Mapped[UUID] = mapped_column(ForeignKey("operators.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(60))
    # The filter, as in an address.
    query: Mapped[str] = mapped_column(Text)
    shared: Mapped[bool]
    created_at: Mapped[datetime] = mapped_column(server_default=now())
    # Until it is gone for good, whoever has deleted a shared one can bring it back.
    deleted_at: Mapped[datetime | None]


class ViewAlert(Base):
    """An operator is told when a saved view holds more than so many."""

    __tablename__ = "view_alerts"
    __table_args__ = (
        CheckConstraint("above BETWEEN 0 AND 9999", name="above"),
        CheckConstraint("locale IN ('en', 'fr')", name="locale"),
    )

    view_id: Mapped[UUID] = mapped_column(
        ForeignKey("saved_views.id", ondelete="CASCADE"), primary_key=True
    )
    operator_id: Mapped[UUID] = mapped_column(
        ForeignKey("operators.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    above: Mapped[int]
    # The language in which it was asked for.
    locale: Mapped[str] = mapped_column(String(5))
    # Whether it has held no more than that since the last letter: until then there is none.
    armed: Mapped[bool]
    told_at: Mapped[datetime | None]
    # When somebody counts it next.
    look_at: Mapped[datetime] = mapped_column(index=True)


class CauseMark(Base):
    """What operators say about a cause: who looks after it, and how it stands; the trail says why.

    It holds wherever the cause is met, or only in a state, after an event: what is empty does not count.
    """

    __tablename__ = "cause_marks"
    __table_args__ = (
        CheckConstraint(f"status IN ({one_of(CAUSE_STATUSES)})", name="status"),
        CheckConstraint("(status = 'fixed') = (release IS NOT NULL)", name="fixed_in_a_release"),
        CheckConstraint("(status = 'ignored') = (until IS NOT NULL)", name="ignored_until_a_day"),
    )

    task: Mapped[str] = mapped_column(String(40), primary_key=True)
    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    state: Mapped[str] = mapped_column(String(32), primary_key=True, default="", server_default="")
    event: Mapped[str] = mapped_column(String(32), primary_key=True, default="", server_default="")
    status: Mapped[str] = mapped_column(String(16))
    owner_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("operators.id", ondelete="SET NULL"), index=True
    )
    release: Mapped[str | None] = mapped_column(String(40))
    until: Mapped[datetime | None]
    # Whatever fails of it after this was not known when somebody said so.
    marked_at: Mapped[datetime]
