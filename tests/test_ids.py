"""IDs sort as they were made, and come once."""

from datetime import UTC, datetime
from uuid import UUID

from onboarding.ids import new_id
from tests.racing import race


def test_they_sort_as_they_were_made_and_do_not_repeat() -> None:
    ids = [new_id() for _ in range(5000)]
    assert len(set(ids)) == len(ids)
    assert {one.version for one in ids} == {7}
    assert {one.variant for one in ids} == {UUID(int=0x8 << 60).variant}
    assert ids == sorted(ids)


def test_threads_share_one_order() -> None:
    made = race(*[lambda: [new_id() for _ in range(2000)]] * 4)
    assert all(ids == sorted(ids) for ids in made)  # type: ignore[call-overload]
    assert len({each for ids in made for each in ids}) == 8000  # type: ignore[attr-defined]


def test_one_of_another_time_says_so() -> None:
    at = datetime(2020, 2, 29, tzinfo=UTC)
    assert new_id(at=at).int >> 80 == int(at.timestamp() * 1000)
