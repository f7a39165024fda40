"""The log of events: where each of this database's histories goes on in it."""

from sqlalchemy import BigInteger, CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from onboarding.models.base import Base


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
