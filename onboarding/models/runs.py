"""Runs: one action on many onboardings, and what came of each."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from onboarding.db import now
from onboarding.ids import new_id
from onboarding.models.base import Base, one_of

# Waits for a second person · is carried out · rests until somebody says go on · was ended by somebody
# · is over.
RUN_STATUSES: Final = ("proposed", "running", "paused", "declined", "aborted", "done")
# To be carried out · made no sense when it began · refused when its turn came · carried out, and its
# tasks are under way · all done · a task has failed for good.
OUTCOMES: Final = ("waiting", "not_eligible", "refused", "carried_out", "done", "failed")


class Run(Base):
    """One action on a frozen set of onboardings, at a pace, by one operator."""

    __tablename__ = "runs"
    __table_args__ = (
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint(f"status IN ({one_of(RUN_STATUSES)})", name="status"),
        CheckConstraint("first >= 0", name="first"),
        CheckConstraint("pace >= 1", name="pace"),
        CheckConstraint("stop_above BETWEEN 0 AND 100", name="stop_above"),
        CheckConstraint("agreed_by <> actor", name="four_eyes"),
        CheckConstraint(
            "(ended_at IS NULL) = (status IN ('proposed', 'running', 'paused'))", name="ends"
        ),
        Index(
            "ix_runs_next_at",
            "next_at",
            postgresql_where=text("next_at IS NOT NULL"),
            sqlite_where=text("next_at IS NOT NULL"),
        ),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    # What people call it.
    number: Mapped[int] = mapped_column(unique=True)
    action: Mapped[str] = mapped_column(String(40))
    # What the action asks for, such as a number of days; often nothing.
    choice: Mapped[str] = mapped_column(String(64), default="")
    # The view that was looked at, as in an address.
    query: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    # Who began it, as the trail has it, and with which role.
    actor: Mapped[str] = mapped_column(String(200))
    role: Mapped[str | None] = mapped_column(String(16))
    operator_id: Mapped[UUID | None]
    agreed_by: Mapped[str | None] = mapped_column(String(200))
    status: Mapped[str] = mapped_column(String(16))
    # Why it rests, as a code.
    why: Mapped[str | None] = mapped_column(String(40))
    # So many, then it rests once; so many a minute; it rests above so many percent failures.
    first: Mapped[int]
    pace: Mapped[int]
    stop_above: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=now())
    # When the clock must have the next part of it carried out.
    next_at: Mapped[datetime | None]
    # Since when it goes on; what failed before that was looked at.
    resumed_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class RunItem(Base):
    """One onboarding of a run, as it stood when it was looked at, and what came of it."""

    __tablename__ = "run_items"
    __table_args__ = (
        CheckConstraint("position >= 1", name="position"),
        CheckConstraint(f"outcome IN ({one_of(OUTCOMES)})", name="outcome"),
        CheckConstraint("(at IS NULL) = (outcome IN ('waiting', 'not_eligible'))", name="at"),
        Index("ix_run_items_outcome", "run_id", "outcome", "position"),
    )

    run_id: Mapped[UUID] = mapped_column(
        ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True)
    onboarding_id: Mapped[UUID] = mapped_column(ForeignKey("onboardings.id"), index=True)
    sequence: Mapped[int]
    outcome: Mapped[str] = mapped_column(String(16))
    # Why not, or why it failed: a sentence of ours or a cause.
    why: Mapped[str | None] = mapped_column(String(120))
    at: Mapped[datetime | None]
