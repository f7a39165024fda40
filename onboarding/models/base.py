"""What every table has in common: named constraints, and columns by the type of their fact."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    JSON,
    MetaData,
    Uuid,
)
from sqlalchemy.orm import DeclarativeBase

from onboarding.db import UTCDateTime


def one_of(values: tuple[str, ...] | frozenset[str]) -> str:
    """A list for CHECK (x IN (…)), in a stable order."""
    return ", ".join(f"'{value}'" for value in sorted(values))


class Base(DeclarativeBase):
    """Names every constraint, so that an error can say which rule was broken."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UTCDateTime(),
        UUID: Uuid(),
        dict[str, Any]: JSON(),
        list[str]: JSON(),
    }
