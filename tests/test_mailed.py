"""Letters that are out are noted at once with the end of their promises, each only by whoever has its turn."""

from contextlib import nullcontext
from typing import Any

import pytest
from sqlalchemy import Engine, select, update

from onboarding import mailed, outbox
from onboarding.db import reading, transaction
from onboarding.models import Mail, Message
from onboarding.outbox import Claim, LeaseLost
from tests.builders import a_message, an_onboarding, promised
from workers.kinds import Letters


def claimed(count: int) -> list[Claim]:
    onboarding_id = an_onboarding("type_chosen")
    ids = [a_message("send_email", onboarding_id=onboarding_id) for _ in range(count)]
    with transaction() as session:
        claims = [outbox.claim(session, each) for each in ids]
    return [claim for claim in claims if claim]


def entry(claim: Claim) -> dict[str, Any]:
    about = {"id": claim.id, "onboarding_id": claim.onboarding_id}
    return about | {"notice": "confirmed", "locale": "en"}


def overtake(claim: Claim) -> None:
    """Somebody else has a turn at it."""
    with transaction() as session:
        session.execute(update(Message).where(Message.id == claim.id).values(attempts=2))


def noted() -> set[Any]:
    with reading() as session:
        return {*session.scalars(select(Mail.id))}


@pytest.mark.parametrize("count", [1, 3])
def test_what_is_out_is_noted_and_struck_off(database: Engine, count: int) -> None:
    claims = claimed(count)
    ids = {claim.id for claim in claims}
    assert mailed.note(claims, [entry(claim) for claim in claims]) == ids
    assert noted() == ids
    assert promised() == []


def test_some_have_no_entry(database: Engine) -> None:
    claims = claimed(3)
    assert mailed.note(claims, [entry(claims[1])]) == {claim.id for claim in claims}
    assert noted() == {claims[1].id}
    assert mailed.note(claims, []) == set()


def test_of_one_that_somebody_else_has_nothing_is_noted(database: Engine) -> None:
    claims = claimed(3)
    overtake(claims[1])
    kept = mailed.note(claims, [entry(claim) for claim in claims])
    assert kept == noted() == {claims[0].id, claims[2].id}
    assert [message.id for message in promised()] == [claims[1].id]


def test_who_has_lost_all_turns_hears_of_it(database: Engine) -> None:
    letters = Letters(
        lambda *_: "letter", lambda: nullcontext(lambda _: None), lambda claim, _: entry(claim)
    )
    claims = claimed(2)
    overtake(claims[0])
    letters.keep([(claim, "letter") for claim in claims])
    assert noted() == {claims[1].id}
    with pytest.raises(LeaseLost):
        letters.keep([(claims[0], "letter")])
    assert noted() == {claims[1].id}
