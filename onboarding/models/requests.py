"""What the API was asked to do, and has done."""

from datetime import datetime
from typing import Any

from sqlalchemy import LargeBinary, Text
from sqlalchemy.orm import Mapped, mapped_column

from onboarding.db import now
from onboarding.models.base import Base


class KeptAnswer(Base):
    """The answer to a request that was carried out, for whoever sends it again.

    It is written in the transaction that carried it out. It holds no capability: what opens
    something is derived anew from what is kept.
    """

    __tablename__ = "kept_answers"

    # SHA-256 of who asked for what, and of the name that they gave the request.
    request: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    # SHA-256 of the body that came with it.
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary(32))
    status: Mapped[int]
    headers: Mapped[dict[str, Any]]
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(server_default=now(), index=True)
