"""IDs sort as they were made, and come once; references are found however they are told."""

from datetime import UTC, datetime
from uuid import UUID

import pytest

from onboarding.ids import as_reference, new_id
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


@pytest.mark.parametrize(
    "told",
    [
        "ONB-0JAV1-TS1CY",
        "onb 0jav1 ts1cy",
        "0JAV1TS1CY",
        "ONB-OJAVI-TSLCY",
        "0NB-0JAU1-TS1CY",
        "ONB\u20110JAV1\u2013TS1CY\u00a0",
    ],
)
def test_a_reference_is_found_as_it_is_heard_typed_or_pasted(told: str) -> None:
    assert as_reference(told) == "ONB-0JAV1-TS1CY"


def test_a_reference_without_its_prefix_may_begin_like_it() -> None:
    assert as_reference("0NB12-34567") == "ONB-0NB12-34567"
