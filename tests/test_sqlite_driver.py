"""What SQLite's driver is handed comes out as if SQLAlchemy had written and read it, and so do its errors."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError

from onboarding import db, sqlite_driver
from onboarding.db import reading, transaction
from onboarding.ids import new_id
from onboarding.models import Base, Onboarding, Transition
from tests import builders
from tests.dumping import dump

TABLES = [Base.metadata.tables[model.__tablename__] for model in (Onboarding, Transition)]


@pytest.mark.parametrize("table", TABLES, ids=str)
def test_every_column_is_read_as_sqlalchemy_reads_it(sqlite: Engine, table: type[Base]) -> None:
    builders.an_onboarding("secret_ready")
    query = select(table)
    with transaction() as session:
        ours = sqlite_driver.within(session)(query, {})
        assert ours == [tuple(row) for row in session.execute(query)]
    assert ours


def test_every_column_is_written_as_sqlalchemy_writes_it(sqlite: Engine) -> None:
    table = Base.metadata.tables["onboardings"]
    onboarding_id = builders.an_onboarding("secret_ready")
    with reading() as session:
        was = session.execute(select(table).where(table.c.id == onboarding_id)).mappings().one()
    names = [
        name for name in map(str, table.c.keys()) if name not in ("id", "reference", "position")
    ]
    written = insert(table).values(
        {name: bindparam(f"its_{name}", type_=column.type) for name, column in table.c.items()}
    )
    another = dict(was) | {"id": new_id(), "reference": "ONB-00000-00000", "position": 1}
    with sqlite_driver.alone() as execute:
        execute(written, {f"its_{name}": value for name, value in another.items()})
    raw = f"SELECT {', '.join(names)} FROM onboardings"
    with sqlite.connect() as connection:
        first, second = connection.exec_driver_sql(raw)
    assert first == second


def test_what_goes_wrong_rolls_back_and_says_nothing_of_values(sqlite: Engine) -> None:
    onboarding_id = builders.an_onboarding("started")
    before = dump(sqlite)
    its = Base.metadata.tables["onboardings"].c
    moved = update(Onboarding).where(its.id == bindparam("its")).returning(its.id)

    def move_and_break_a_rule() -> None:
        with sqlite_driver.alone() as execute:
            assert execute(moved.values(reminders=3), {"its": onboarding_id})
            execute(moved.values(locale=bindparam("to")), {"its": onboarding_id, "to": "somewhere"})

    with pytest.raises(IntegrityError, match="ck_onboardings_locale") as raised:
        move_and_break_a_rule()
    assert "somewhere" not in str(raised.value)
    assert dump(sqlite) == before
    with sqlite_driver.alone() as execute:
        assert execute(moved.values(reminders=3), {"its": onboarding_id}) == [(onboarding_id,)]


def test_a_value_that_is_not_given_is_not_guessed(sqlite: Engine) -> None:
    with pytest.raises(KeyError), sqlite_driver.alone() as execute:
        execute(select(Onboarding.id).where(Onboarding.id == bindparam("its")), {})


def test_a_default_of_pythons_is_refused(sqlite: Engine) -> None:
    with pytest.raises(TypeError), sqlite_driver.alone() as execute:
        execute(insert(Base.metadata.tables[Onboarding.__tablename__]).values(reference="x"), {})


def test_it_takes_its_turn_among_transactions(sqlite: Engine) -> None:
    with transaction(), pytest.raises(RuntimeError), sqlite_driver.alone():
        pytest.fail("it would wait for the transaction around it")
    with sqlite_driver.alone() as execute:
        ((now,),) = execute(select(db.now()), {})
    with reading() as session:
        assert timedelta() <= db.clock(session) - now < timedelta(hours=1)
