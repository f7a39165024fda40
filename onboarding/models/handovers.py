"""Developers whom sellers have named to receive a client secret, and the codes that prove who they are."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from onboarding.db import now
from onboarding.ids import new_id
from onboarding.models.base import Base


class Handover(Base):
    """A developer named for an onboarding. At most one has not ended: `onboardings.handover_id` says which.

    Its link is derived from its ID and is no capability: the address has to be proved besides.
    """

    __tablename__ = "handovers"
    __table_args__ = (
        Index(
            "uq_handovers_alive",
            "onboarding_id",
            unique=True,
            postgresql_where=text("ended_at IS NULL"),
            sqlite_where=text("ended_at IS NULL"),
        ),
        CheckConstraint("(ended_at IS NULL) = (ended_because IS NULL)", name="ended_has_a_reason"),
        CheckConstraint(
            "ended_because IN ('reassigned', 'withdrawn', 'revoked')", name="ended_because"
        ),
        CheckConstraint("session_id IS NULL OR proved_at IS NOT NULL", name="proved_in_a_browser"),
        CheckConstraint(
            "(chosen_at IS NULL) = (seller_id IS NULL)"
            " AND (chosen_at IS NULL) = (shop_name IS NULL)"
            " AND (chosen_at IS NULL) = (issuer IS NULL)"
            " AND (chosen_at IS NULL) = (subject IS NULL)",
            name="account_is_whole",
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    onboarding_id: Mapped[UUID] = mapped_column(ForeignKey("onboardings.id"), index=True)
    email: Mapped[str] = mapped_column(String(254))
    named_at: Mapped[datetime] = mapped_column(server_default=now())
    # The browser in which the address was proved last, and when.
    session_id: Mapped[UUID | None] = mapped_column(
        ForeignKey("browser_sessions.id", ondelete="SET NULL"), index=True
    )
    proved_at: Mapped[datetime | None]
    # The seller account that was signed in to and chosen meanwhile: linked once the secret has arrived.
    issuer: Mapped[str | None] = mapped_column(String(255))
    subject: Mapped[str | None] = mapped_column(String(255))
    seller_id: Mapped[str | None] = mapped_column(String(40))
    shop_name: Mapped[str | None] = mapped_column(String(120))
    chosen_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    ended_because: Mapped[str | None] = mapped_column(String(16))


class DeveloperCode(Base):
    """A one-time code sent to a named developer. The code is derived from its id, not stored."""

    __tablename__ = "developer_codes"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    handover_id: Mapped[UUID] = mapped_column(
        ForeignKey("handovers.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime] = mapped_column(server_default=now())
    attempts: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None]
