"""The trail of what operators did: every way to falsify it is found."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import Engine, delete, insert, select, update

from onboarding import audit
from onboarding.audit import Attempt
from onboarding.db import reading, transaction
from onboarding.errors import PreviewUsed
from onboarding.models import AuditEntry, AuditHead, Base
from onboarding.sealing import Keyring, open_keyring


def told(number: int, **given: object) -> Attempt:
    return Attempt("operator:x", "lead", "cancel", f"because of {number}", **given)  # type: ignore[arg-type]


def write(ring: Keyring, rows: int) -> None:
    for number in range(rows):
        with transaction() as session:
            audit.append(session, ring, told(number, details={"é": [number, None, "\0"]}))


def findings(ring: Keyring) -> list[str]:
    with reading() as session:
        return list(audit.verify(session, ring))


def test_an_honest_trail_has_no_gaps_and_no_findings(database: Engine, ring: Keyring) -> None:
    assert findings(ring) == []
    write(ring, 5)
    assert findings(ring) == []
    with reading() as session:
        assert [entry.number for entry in audit.latest(session, 3)] == [5, 4, 3]
        assert [entry.number for entry in audit.latest(session, 9, before=3)] == [2, 1]
        assert audit.head(session) == 5


def edit(row: int, **values: object) -> Callable[[], None]:
    def change() -> None:
        with transaction() as session:
            session.execute(update(AuditEntry).where(AuditEntry.number == row).values(**values))

    return change


def remove(*numbers: int) -> None:
    with transaction() as session:
        session.execute(delete(AuditEntry).where(AuditEntry.number.in_(numbers)))


def swap(first: int, second: int) -> None:
    """Two rows change places, seals included."""
    with transaction() as session:
        for one, other in ((first, 999), (second, first), (999, second)):
            session.execute(update(AuditEntry).where(AuditEntry.number == one).values(number=other))


def cut_off_the_end() -> None:
    """And the head says so, without the key."""
    remove(6, 7)
    with transaction() as session:
        last = session.scalars(select(AuditEntry).where(AuditEntry.number == 5)).one()
        session.execute(update(AuditHead).values(number=5, seal=last.seal))


def add_one() -> None:
    with transaction() as session:
        columns = select(AuditEntry).where(AuditEntry.number == 7)
        last = session.scalars(columns).one()
        values = {c.name: getattr(last, c.name) for c in AuditEntry.__table__.columns}
        session.execute(insert(AuditEntry).values(values | {"number": 8}))


def forget_the_end() -> None:
    with transaction() as session:
        session.execute(delete(AuditHead))


@pytest.mark.parametrize(
    ("falsify", "found"),
    [
        (edit(3, reason="because of nothing"), "Row 3 is not as it was written."),
        (edit(3, outcome="refused"), "Row 3 is not as it was written."),
        (edit(3, actor="operator:y"), "Row 3 is not as it was written."),
        (edit(3, details={}), "Row 3 is not as it was written."),
        (edit(3, onboarding_id=uuid4()), "Row 3 is not as it was written."),
        (lambda: remove(3), "Row 3 is missing."),
        (lambda: remove(3, 4), "Rows 3 to 4 are missing."),
        (lambda: remove(1), "Row 1 is missing."),
        (lambda: remove(7), "Row 7 is missing."),
        (lambda: swap(3, 4), "Row 3 is not as it was written."),
        (cut_off_the_end, "What says where the trail ends is not as it was written."),
        (add_one, "Row 8 is not as it was written."),
        (forget_the_end, "What says where the trail ends is missing."),
    ],
)
def test_whoever_falsifies_it_is_found_out(
    database: Engine, ring: Keyring, falsify: Callable[[], None], found: str
) -> None:
    """T35."""
    write(ring, 7)
    falsify()
    assert found in findings(ring)


def test_a_row_of_another_history_of_the_database_does_not_fit(
    database: Engine, ring: Keyring
) -> None:
    """Rows of before a backup was restored are sealed as well, with the same numbers."""
    write(ring, 3)
    before = rows_of(AuditHead)
    write(ring, 2)
    (other,) = (row for row in rows_of(AuditEntry) if row["number"] == 4)
    remove(4, 5)
    with transaction() as session:
        session.execute(delete(AuditHead))
        session.execute(insert(AuditHead), before)
        audit.append(session, ring, told(40))
        audit.append(session, ring, told(50))
    assert findings(ring) == []
    edit(4, **other)()
    assert findings(ring) == ["Row 5 is not as it was written."]


def rows_of(table: type[Base]) -> list[dict[str, Any]]:
    with reading() as session:
        columns = table.__table__.columns
        return [
            {c.name: getattr(row, c.name) for c in columns}
            for row in session.scalars(select(table))
        ]


def test_one_falsified_row_is_one_finding(database: Engine, ring: Keyring) -> None:
    write(ring, 7)
    edit(3, reason="because of nothing")()
    assert findings(ring) == ["Row 3 is not as it was written."]


def test_another_keyring_vouches_for_nothing(
    database: Engine, ring: Keyring, tmp_path_factory: pytest.TempPathFactory
) -> None:
    write(ring, 2)
    other = open_keyring(tmp_path_factory.mktemp("other"))
    assert len(findings(other)) == 3


def test_a_preview_is_carried_out_once(database: Engine, ring: Keyring) -> None:
    preview_id = uuid4()
    with transaction() as session:
        audit.append(session, ring, told(1, preview_id=preview_id))
    with pytest.raises(PreviewUsed), transaction() as session:
        audit.append(session, ring, told(2, preview_id=preview_id))
    assert findings(ring) == []
    with reading() as session:
        assert audit.head(session) == 1
