"""Rows that the driver has read, as objects of a session: what the ORM does for each costs more than most take."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar

from sqlalchemy.orm import Session, class_mapper, make_transient_to_detached
from sqlalchemy.orm.attributes import instance_dict

from onboarding.db import UTCDateTime
from onboarding.models import Base

Model = TypeVar("Model", bound=Base)


@cache
def columns(model: type[Base]) -> tuple[str, ...]:
    """The columns of a model, each of which is an attribute of the same name."""
    return tuple(str(column.name) for column in model.__table__.columns)


def shown(session: Session, model: type[Model], values: Sequence[Any]) -> Model:
    """A row that the driver has just read, all `columns` of it, as the session's object.

    Where the session has that object, it shows what was read from now on; nothing of it may wait to be
    flushed.
    """
    told = _told(model, values)
    mapper = class_mapper(model)
    key = mapper.identity_key_from_primary_key(
        tuple(told[each.name] for each in mapper.primary_key)
    )
    known: Model | None = session.identity_map.get(key)
    if known is not None:
        instance_dict(known).update(told)
        return known
    made = _made(model, told)
    session.add(made)
    return made


def detached(model: type[Model], values: Sequence[Any]) -> Model:
    """The same as an object that is no session's: what is left of one when its session has ended."""
    return _made(model, _told(model, values))


def in_utc(instant: datetime | None) -> datetime | None:
    """In UTC here, whatever the connection's time zone is."""
    return instant if instant is None else instant.astimezone(UTC)


def _told(model: type[Base], values: Sequence[Any]) -> dict[str, Any]:
    told = dict(zip(columns(model), values, strict=True))
    for name in _instants(model):
        told[name] = in_utc(told[name])
    return told


def _made(model: type[Model], told: dict[str, Any]) -> Model:
    """As it was read: nothing that a flush would write."""
    made = model()
    instance_dict(made).update(told)
    make_transient_to_detached(made)
    return made


@cache
def _instants(model: type[Base]) -> tuple[str, ...]:
    of = model.__table__.columns
    return tuple(str(column.name) for column in of if isinstance(column.type, UTCDateTime))
