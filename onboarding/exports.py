"""A view as a file: the same columns, and the same bytes, at the console and at a terminal.

Personal data is masked here, where each row is made, so that no door can forget it.
"""

import csv
import io
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import BinaryIO, Final, NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from onboarding import db, developers, finding, masking, queries
from onboarding.chart import NEXT_MOVE
from onboarding.filters import Filter
from onboarding.models import Link, Onboarding

FORMATS: Final = ("csv", "ndjson")
# How many the console gives at once; a terminal gives all.
AT_MOST: Final = 100_000
# What tells a spreadsheet that a file is UTF-8.
MARK: Final = b"\xef\xbb\xbf"

# As many as are held at a time.
_BATCH: Final = 1000
# A spreadsheet would take what begins so for a formula, and work it out.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class Row(NamedTuple):
    """One onboarding; its fields are the columns."""

    reference: str
    id: UUID
    state: str
    waiting_on: str | None
    overdue: bool
    created_at: datetime
    entered_at: datetime
    overdue_at: datetime | None
    connection_type: str | None
    credential_mode: str | None
    aggregator_id: str | None
    aggregator: str | None
    locale: str
    client_id: str | None
    # Masked, all three.
    contact_email: str | None
    seller_id: str | None
    shop_name: str | None
    # The codes of its incidents, and the ID of the operator who took it on.
    causes: str | None
    owner: UUID | None


def write(
    session: Session,
    wanted: Filter,
    form: str,
    out: BinaryIO,
    *,
    most: int | None = None,
    mark: bool = False,
) -> int:
    """Write a view, as it is in the snapshot of this session, and say how many rows it has.

    A batch at a time, so its length costs no memory. `mark` is for spreadsheets, and for CSV only.
    """
    db.without_hurry(session)
    is_csv = form == "csv"
    out.write((MARK if mark else b"") + _csv([Row._fields]) if is_csv else b"")
    written = 0
    for rows in _batches(session, wanted, most):
        out.write(_csv(rows) if is_csv else _ndjson(rows))
        written += len(rows)
    return written


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    """A small table as CSV, as harmless as a view."""
    return _csv([columns, *rows])


def _batches(session: Session, wanted: Filter, most: int | None) -> Iterator[Sequence[Row]]:
    """What has become late since the first batch is not of this view."""
    now, left = db.clock(session), most
    size = _BATCH if most is None else min(most, _BATCH)
    for found in finding.every(session, wanted, size):
        kept = [each for each in found if not wanted.overdue or queries.is_overdue(each, now)]
        rows = _rows(session, kept[:left], now)
        yield rows
        left = left if left is None else left - len(rows)
        if left == 0:
            return


def _rows(session: Session, found: Sequence[Onboarding], now: datetime) -> list[Row]:
    """In as many statements as one."""
    ids = [each.id for each in found]
    clients, links = queries.live_client_ids(session, ids), _links(session, ids)
    causes, owners = finding.causes_of(session, ids), finding.owners_of(session, ids)
    return [
        _row(
            each,
            now,
            clients.get(each.id),
            links.get(each.id),
            causes.get(each.id, ()),
            owners.get(each.id),
        )
        for each in found
    ]


def _row(
    each: Onboarding,
    now: datetime,
    client_id: str | None,
    link: Link | None,
    causes: Sequence[str],
    owner: UUID | None,
) -> Row:
    move = NEXT_MOVE.get(each.state)
    return Row(
        reference=each.reference,
        id=each.id,
        state=each.state,
        waiting_on=developers.whose_move(each, move.whom) if move else None,
        overdue=queries.is_overdue(each, now),
        created_at=each.created_at,
        entered_at=each.entered_at,
        overdue_at=each.entered_at + move.overdue_after if move else None,
        connection_type=each.connection_type,
        credential_mode=each.credential_mode,
        aggregator_id=each.aggregator_id,
        aggregator=each.aggregator_name,
        locale=each.locale,
        client_id=client_id,
        contact_email=masking.email(each.contact_email) or None,
        seller_id=masking.text(link.seller_id if link else None) or None,
        shop_name=masking.text(link.shop_name if link else None) or None,
        causes=" ".join(causes) or None,
        owner=owner,
    )


def _links(session: Session, ids: Sequence[UUID]) -> dict[UUID, Link]:
    alive = select(Link).where(Link.onboarding_id.in_(ids), Link.ended_at.is_(None))
    return {link.onboarding_id: link for link in session.scalars(alive)}


def _csv(rows: Sequence[Sequence[object]]) -> bytes:
    """As RFC 4180 has it; what a spreadsheet would work out has an apostrophe before it."""
    text = io.StringIO()
    writer = csv.writer(text)
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    return text.getvalue().encode()


def _ndjson(rows: Sequence[Row]) -> bytes:
    lines = (json.dumps(_plain(row), ensure_ascii=False) for row in rows)
    return "".join(f"{line}\n" for line in lines).encode()


def _cell(value: object) -> str:
    text = _text(value)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _plain(row: Row) -> dict[str, object]:
    said = row._asdict()
    return {
        name: value if value is None or isinstance(value, bool | str) else _text(value)
        for name, value in said.items()
    }


def _text(value: object) -> str:
    """Nothing for what is not there; an instant in UTC, as RFC 3339 has it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    return "" if value is None else str(value)
