"""A source tells of two things under one ID at the same moment: one of them counts, the other contradicts it."""

from sqlalchemy import Engine

from onboarding.inbound import Contradicted
from tests.racing import rounds
from tests.telling import Event, a_source, tell, told


def test_the_second_is_told_so_as_if_it_had_come_later(database: Engine) -> None:
    a_source()
    outcomes = rounds(
        10, 2, lambda number, racer: tell(Event("seller.suspended", f"S-{racer}", id=f"{number}"))
    )
    assert {tuple(sorted(map(_name, each))) for each in outcomes} == {("Contradicted", "applied")}
    assert len(told()) == 10


def _name(outcome: object) -> str:
    return "Contradicted" if isinstance(outcome, Contradicted) else str(outcome)
