"""One call takes all that waits, and none of it suffers from what is wrong with another."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

from onboarding import db, outbox
from onboarding.db import transaction
from onboarding.outbox import Announcement, Claim
from tests.builders import a_message, an_onboarding, end_the_rest_of, promised, state_of
from workers import tasks, turns
from workers.app import build
from workers.kinds import Outside, Quick
from workers.publisher import FIRST, NORMAL


def some(count: int) -> list[str]:
    """Messages about clients that nobody has heard of."""
    return [str(a_message("revoke_client", about={"client_id": f"cid_{n}"})) for n in range(count)]


def test_one_call_carries_out_all_that_waits(database: Engine) -> None:
    """Also where it has taken as many as it may, and those have promised more."""
    waiting = [an_onboarding("issuing_secret", email="seller@shop.example") for _ in range(3)]
    some(turns.AT_ONCE)
    turns.drain(str(promised()[-1].id))
    assert promised() == []
    assert {state_of(each) for each in waiting} == {"secret_ready"}


def test_together_they_take_a_fraction_of_the_commits(database: Engine) -> None:
    ids, before = some(turns.AT_ONCE), db.commits()
    turns.drain(ids[0])
    assert promised() == []
    # One for the turns, one for the work, and one that finds nothing more.
    assert db.commits() - before == 3


def test_what_a_report_promises_is_taken_at_once(
    database: Engine, published: list[Announcement]
) -> None:
    """By the same process, in the same transaction; nobody else is woken for it."""
    waiting = [an_onboarding("issuing_secret", email="seller@shop.example") for _ in range(2)]
    published.clear()
    before = db.commits()
    turns.drain(str(promised("generate_secret")[0].id))
    # Their turns, the reports, the letters composed, and noted.
    assert db.commits() - before == 4
    assert {state_of(each) for each in waiting} == {"secret_ready"}
    assert promised() == []
    assert published == []


def test_what_was_tried_before_comes_alone(database: Engine) -> None:
    """It may be what kills workers."""
    ids = some(3)
    with transaction() as session:
        claim = outbox.claim(session, promised()[0].id)
        assert claim is not None
        outbox.give_back(session, [claim])
        claim = outbox.claim(session, promised()[1].id)
        assert claim is not None
        outbox.fail(session, claim, "tests", "on purpose")
    _rested()
    turns.drain(ids[2])
    assert [str(message.id) for message in promised()] == [ids[1]]
    turns.drain(ids[1])
    assert promised() == []


def test_what_goes_first_is_done_alone_and_wakes_a_worker_for_the_rest(
    database: Engine, published: list[Announcement]
) -> None:
    ids = some(3)
    published.clear()
    take = build("memory://").tasks["revoke_client"]
    take.apply(args=[ids[1]], priority=FIRST)
    assert [str(message.id) for message in promised()] == [ids[0], ids[2]]
    assert [str(each.id) for each in published] == [ids[0]]
    take.apply(args=[ids[0]], priority=NORMAL)
    assert promised() == []


def test_a_broken_one_holds_up_nobody(database: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_one(session: object, claim: Claim) -> None:
        if claim.about["client_id"] == "cid_1":
            raise ZeroDivisionError

    monkeypatch.setitem(tasks.TASKS, "revoke_client", Quick(break_one))
    ids = some(4)
    turns.drain(ids[0])
    (left,) = promised()
    assert (str(left.id), left.attempts, left.cause) == (ids[1], 1, "task_failed")


@pytest.mark.parametrize("where", ["prepare", "do", "record"])
def test_nothing_is_done_outside_twice_for_a_broken_one(
    database: Engine, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    done: list[str] = []

    def breaks(place: str, of: str) -> None:
        if place == where and of == "cid_1":
            raise ZeroDivisionError

    def prepare(session: object, claim: Claim) -> str:
        breaks("prepare", claim.about["client_id"])
        return str(claim.about["client_id"])

    def do(thing: str) -> None:
        breaks("do", thing)
        done.append(thing)

    def record(session: object, claim: Claim, thing: str) -> None:
        breaks("record", thing)

    monkeypatch.setitem(tasks.TASKS, "revoke_client", Outside(prepare, do, record))
    ids = some(4)
    turns.drain(ids[0])
    assert done == [f"cid_{n}" for n in range(4) if n != 1 or where == "record"]
    assert [str(message.id) for message in promised()] == [ids[1]]


def test_a_slow_letter_leaves_the_others_to_somebody_else(
    database: Engine, monkeypatch: pytest.MonkeyPatch, published: list[outbox.Announcement]
) -> None:
    """Else Celery would cut it off with letters that are out and not noted."""
    done: list[str] = []
    slow = Outside(lambda _, claim: str(claim.id), done.append, lambda *_: None)
    monkeypatch.setitem(tasks.TASKS, "revoke_client", slow)
    ids = some(4)
    published.clear()
    claims = turns._take(UUID(ids[0]))  # noqa: SLF001 - taken in time, and then it is over
    turns._carry_out_all(claims, until=-1)  # noqa: SLF001
    # In the order of their IDs, which is that of their creation to a millisecond.
    assert done == sorted(ids)[:1]
    assert sorted(str(message.id) for message in promised()) == sorted(ids)[1:]
    assert sorted(str(each.id) for each in published) == sorted(ids)[1:]
    assert {(message.attempts, message.leased_until) for message in promised()} == {(0, None)}


def test_one_that_is_tried_in_vain_is_time_as_well(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mail server that hangs takes all of a batch's time with one letter, which is not out then."""
    tried: list[str] = []

    def hang(thing: str) -> None:
        tried.append(thing)
        raise TimeoutError

    hangs = Outside(lambda _, claim: str(claim.id), hang, lambda *_: None)
    monkeypatch.setitem(tasks.TASKS, "revoke_client", hangs)
    ids = some(4)
    turns._carry_out_all(turns._take(UUID(ids[0])), until=-1)  # noqa: SLF001
    assert len(tried) == 1
    assert sorted(message.attempts for message in promised()) == [0, 0, 0, 1]


def test_one_that_spoils_a_batch_does_not_have_the_rest_cut_off(
    database: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spoil(*_: object) -> Any:
        raise ZeroDivisionError

    monkeypatch.setitem(tasks.TASKS, "revoke_client", Outside(spoil, spoil, spoil))
    ids = some(3)
    turns._carry_out_all(turns._take(UUID(ids[0])), until=-1)  # noqa: SLF001
    assert [message.attempts for message in promised()] == [1, 0, 0]


def test_who_has_gone_on_for_long_enough_gives_back_what_is_left(
    database: Engine, published: list[outbox.Announcement]
) -> None:
    """Celery would cut it off in the middle of something."""
    ids = some(3)
    published.clear()
    turns.drain(ids[0], enough=-1)
    assert [str(each.id) for each in published] == ids
    assert {(message.attempts, message.leased_until) for message in promised()} == {(0, None)}


def _rested() -> None:
    for message in promised():
        if message.cause:
            end_the_rest_of(message.id)
