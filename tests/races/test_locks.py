"""What who moves an onboarding keeps from others, and what not."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine, insert

from onboarding import locking
from onboarding.db import transaction
from onboarding.ids import new_id
from onboarding.models import Mail
from tests.builders import an_onboarding


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
