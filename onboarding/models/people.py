"""Who is asking: browsers, codes, links and sign-ins on their way, calling systems, keys."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ForeignKey,
    Index,
    LargeBinary,
    String,
)
from sqlalchemy.orm import Mapped, mapped_column

from onboarding.db import now
from onboarding.ids import new_id
from onboarding.models.base import Base


class BrowserSession(Base):
    """A browser that we know by its cookie, and what it has proved. The cookie is stored hashed.

    Each proof starts another one, so that a cookie planted before it knows nothing that was proved.
    """

    __tablename__ = "browser_sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=now())
    seen_at: Mapped[datetime] = mapped_column(server_default=now(), index=True)
    issuer: Mapped[str | None] = mapped_column(String(255))
    subject: Mapped[str | None] = mapped_column(String(255))
    seller_name: Mapped[str | None] = mapped_column(String(120))
    accounts: Mapped[dict[str, Any]] = mapped_column(default=dict)
    signed_in_at: Mapped[datetime | None]
    # When it last signed in to a seller account, or entered a code sent by e-mail.
    proved_at: Mapped[datetime | None]
    # The session that follows this one, and since when: soon this one opens nothing any more.
    succeeded_at: Mapped[datetime | None]
    succeeded_by: Mapped[UUID | None] = mapped_column(
        ForeignKey("browser_sessions.id", ondelete="CASCADE"), index=True
    )


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


class UnprovedLetter(Base):
    """A letter that a visitor caused at an address which nobody had proved: only so many go there."""

    __tablename__ = "unproved_letters"
    __table_args__ = (Index("ix_unproved_letters_address", "address_hash", "created_at"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    # Of the address in small letters: whoever was written to once is no fact that we keep.
    address_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[datetime] = mapped_column(server_default=now(), index=True)


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
    session_id: Mapped[UUID] = mapped_column(
        ForeignKey("browser_sessions.id", ondelete="CASCADE"), index=True
    )
    onboarding_id: Mapped[UUID | None] = mapped_column(ForeignKey("onboardings.id"))
    # Of a seller who was asked to let a client act for them.
    invitation_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("seller_invitations.id", ondelete="CASCADE")
    )
    nonce: Mapped[str] = mapped_column(String(64))
    verifier: Mapped[str] = mapped_column(String(128))
    # Seconds since 1970, as text, where an earlier sign-in will not do; else empty.
    signed_in_after: Mapped[str] = mapped_column(String(20))
    locale: Mapped[str] = mapped_column(String(5))
    created_at: Mapped[datetime] = mapped_column(server_default=now(), index=True)


class System(Base):
    """A calling system. It owns the onboardings that any of its keys has started."""

    __tablename__ = "systems"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(server_default=now())


class ApiKey(Base):
    """A key of a calling system. It is stored as a hash; 256 random bits need no more."""

    __tablename__ = "api_keys"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    system_id: Mapped[UUID] = mapped_column(ForeignKey("systems.id"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    # The checksum at its end, to tell a system's keys apart; those of before there was one have none.
    ending: Mapped[str | None] = mapped_column(String(6))
    scopes: Mapped[list[str]]
    created_at: Mapped[datetime] = mapped_column(server_default=now())
    last_used_at: Mapped[datetime | None]
    # Once another has taken its place: when it stops working.
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class KeyCheck(Base):
    """A known value under each key, so that a wrong keyring is noticed before it is used."""

    __tablename__ = "key_checks"

    key_id: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[datetime] = mapped_column(server_default=now())
