"""Seller accounts besides the one that an onboarding was made for, and how they are asked."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from onboarding.db import now
from onboarding.ids import new_id
from onboarding.models.base import Base


class SellerInvitation(Base):
    """A seller is asked to let a client act for them. Its link is derived from its ID, not stored.

    It opens nothing by itself: whoever follows it signs in to a seller account, and consents.
    """

    __tablename__ = "seller_invitations"
    __table_args__ = (
        CheckConstraint("(ended_at IS NULL) = (ended_because IS NULL)", name="ended_has_a_reason"),
        CheckConstraint(
            "ended_because IN ('accepted', 'withdrawn', 'revoked')", name="ended_because"
        ),
        Index(
            "ix_seller_invitations_open",
            "onboarding_id",
            postgresql_where=text("ended_at IS NULL"),
            sqlite_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    onboarding_id: Mapped[UUID] = mapped_column(ForeignKey("onboardings.id"))
    client_id: Mapped[str] = mapped_column(ForeignKey("clients.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=now())
    ended_at: Mapped[datetime | None]
    ended_because: Mapped[str | None] = mapped_column(String(16))


class FurtherLink(Base):
    """A seller account that a client may act for besides the one of its onboarding.

    Not a row of `links`: whoever is signed in to an account of those may move the onboarding, and
    whoever has let a client act for them may not.
    """

    __tablename__ = "further_links"
    __table_args__ = (
        Index(
            "uq_further_links_alive",
            "client_id",
            "seller_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
            sqlite_where=text("ended_at IS NULL"),
        ),
        Index("ix_further_links_seller_account", "issuer", "subject"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    onboarding_id: Mapped[UUID] = mapped_column(ForeignKey("onboardings.id"), index=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("clients.id"))
    # An invitation is good for one.
    invitation_id: Mapped[UUID] = mapped_column(ForeignKey("seller_invitations.id"), unique=True)
    seller_id: Mapped[str] = mapped_column(String(40), index=True)
    shop_name: Mapped[str] = mapped_column(String(120))
    # The seller account is who signed in there, never an e-mail address.
    issuer: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(server_default=now())
    # Since it was proved to work; the client acts for nobody before.
    confirmed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
