"""Letters that are out: one statement strikes off what was promised and notes what was sent.

Nothing else is to be written then, so it is a transaction of its own: the work of an onboarding is
mostly letters, and each would take three round trips more.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, insert

from onboarding import db, driver, sqlite_driver
from onboarding.models import Base
from onboarding.outbox import Claim
from onboarding.outbox_statements import FINISH, FINISH_MANY, finishing

_COLUMNS: Final = ("id", "onboarding_id", "notice", "locale")


def note(claims: Sequence[Claim], entries: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """Keep these promises, and write the rows of `mails`, each with its promise's ID.

    The IDs of those that were kept: of the others somebody else has had a turn meanwhile, and nothing
    is written. Raises OutcomeUnknown, and RuntimeError inside another transaction of this thread.
    """
    if db.engine().dialect.name == "sqlite":
        return _note_on_sqlite(claims, entries)
    if entries:
        values: dict[str, Any] = {name: [entry[name] for entry in entries] for name in _COLUMNS}
        values |= {
            "turns": driver.array(it.id for it in claims),
            "attempts": driver.array(it.attempt for it in claims),
        }
        found = driver.alone(_NOTE, values)
    else:
        found = driver.alone(*finishing([(claim.id, claim.attempt) for claim in claims]))
    return {each for (each,) in found}


def _note_on_sqlite(claims: Sequence[Claim], entries: Sequence[Mapping[str, Any]]) -> set[UUID]:
    """One after the other: it is one transaction all the same."""
    by_id = {entry["id"]: entry for entry in entries}
    with sqlite_driver.alone() as execute:
        turns = [{"its": claim.id, "turn": claim.attempt} for claim in claims]
        kept = {its for turn in turns for (its,) in execute(FINISH, turn)}
        for its in kept & by_id.keys():
            execute(_NOTE_ON_SQLITE, {f"its_{name}": by_id[its][name] for name in _COLUMNS})
    return kept


_mails: Final = Base.metadata.tables["mails"]
_NOTE_ON_SQLITE: Final = insert(_mails).values(
    {name: bindparam(f"its_{name}", type_=_mails.c[name].type) for name in _COLUMNS}
)
_NOTE: Final = f"""
    WITH finished AS ({FINISH_MANY}), noted AS (
        INSERT INTO mails ({", ".join(_COLUMNS)})
        SELECT {", ".join(f"entry.{name}" for name in _COLUMNS)}
        FROM unnest(%(id)s::uuid[], %(onboarding_id)s::uuid[], %(notice)s::text[], %(locale)s::text[])
            AS entry ({", ".join(_COLUMNS)})
        JOIN finished ON finished.id = entry.id
    )
    SELECT id FROM finished
"""  # noqa: S608 - names of columns
