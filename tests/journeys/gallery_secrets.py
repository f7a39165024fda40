"""The pages of a client secret that is in use, and is replaced."""

from collections.abc import Iterator
from uuid import UUID

from onboarding import credentials, db, replacing
from onboarding.checksums import CHECKSUM
from onboarding.db import transaction
from tests import builders
from tests.composing import put
from tests.journeys.entering import enter
from tests.journeys.pages import Person

EMAIL = "alex@shop.example"


def new_secret(person: Person) -> Iterator[str]:
    """A new secret for a connection that works, and the end of the old one."""
    here = enter(person, builders.an_onboarding("credentials_issued"))
    put(here, contact_email=EMAIL)
    person.follow("New client secret")
    yield "client-secret"
    _ask_for_secret(here)
    person.open(f"{person.home}/client-secret")
    yield "client-secret-being-made"
    builders.work(here)
    person.open(f"{person.home}/client-secret")
    yield "client-secret-ready"
    with transaction() as session:
        shown = replacing.reveal(session, here, builders.keyring())
    person.open(f"{person.home}/client-secret")
    yield "client-secret-shown"
    person.fill("Last 6 characters of the client secret", "abcdef")
    person.press("I have stored it")
    yield "client-secret-error"
    person.fill(
        "Last 6 characters of the client secret", shown.secret.get_secret_value()[-CHECKSUM:]
    )
    person.press("I have stored it")
    yield "client-secret-both"
    with transaction() as session:
        current = credentials.live_secret(session, here)
        assert current is not None
        replacing.end_old(session, here, current.version - 1)
        current.disclosed_at = db.clock(session)
    person.open(f"{person.home}/client-secret")
    yield "client-secret-leaked"


def _ask_for_secret(onboarding_id: UUID) -> None:
    with transaction() as session:
        replacing.ask(session, onboarding_id, builders.SELLER, 3)
