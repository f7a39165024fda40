"""What who moves an onboarding keeps from others, and what not."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine, insert

from onboarding import audit, leaks, lifecycle, locking
from onboarding.audit import Attempt
from onboarding.db import transaction
from onboarding.ids import new_id
from onboarding.leaks import Found
from onboarding.models import Mail
from onboarding.sealing import Keyring
from onboarding.settings import settings
from tests.acting import findings, trail
from tests.builders import a_walk, an_onboarding, promised, work
from tests.leaking import PARTNER, PLACE
from tests.racing import until_somebody_waits


def test_who_notes_letters_waits_for_nobody_who_moves_their_onboardings(postgresql: Engine) -> None:
    """One would have the first and wait for the second, the other the second and wait for the first."""
    first, second = (an_onboarding("type_chosen") for _ in range(2))

    def note() -> None:
        letter = {"notice": "cancelled", "locale": "en"}
        with transaction() as session:
            for about in (second, first):
                noted = insert(Mail).values(id=new_id(), onboarding_id=about, **letter)
                session.execute(noted)

    with transaction() as session, ThreadPoolExecutor() as others:
        locking.lock_all(session, [first, second])
        others.submit(note).result()


def test_who_follows_up_on_leaks_writes_to_the_trail_with_all_in_hand(
    postgresql: Engine, ring: Keyring
) -> None:
    """An operator has one of the onboardings, and writes to the trail next, as whatever is done there does."""
    walks = [a_walk("confirmed") for _ in range(3)]
    found = [Found(walk.revealed.secret, PLACE) for walk in walks if walk.revealed]
    with transaction() as session:
        leaks.take(session, ring, settings(), PARTNER, found)
    (message,) = promised("answer_leak")

    def answer() -> None:
        with transaction() as session:
            leaks.answer(session, ring, message.about)

    with ThreadPoolExecutor() as others:
        for walk in walks:
            with transaction() as session:
                lifecycle.lock(session, walk.id)
                following = others.submit(answer)
                until_somebody_waits()
                audit.append(session, ring, Attempt("operator:1", "lead", "note", "INC-442"))
            following.result()
    work()
    assert {entry.action for entry in trail()} == {"note", "secret.disclosed"}
    assert findings() == []
