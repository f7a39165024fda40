"""The pages of a connection that works: its client secret is replaced, it is renamed, unlinked and revoked."""

from collections.abc import Iterator
from uuid import UUID

from onboarding import connections, credentials, db, replacing
from onboarding.checksums import CHECKSUM
from onboarding.db import transaction
from onboarding.names import CONNECTION_AT_MOST
from tests import builders
from tests.composing import put
from tests.journeys.entering import enter
from tests.journeys.pages import Person

EMAIL = "alex@shop.example"


def in_use(person: Person) -> Iterator[str]:
    """What becomes of a connection that works."""
    yield from _new_secret(person)
    yield from _endings(person)


def _new_secret(person: Person) -> Iterator[str]:
    """A new secret for a connection that works, and the end of the old one."""
    here = enter(person, builders.an_onboarding("credentials_issued"))
    put(here, contact_email=EMAIL)
    person.follow("New client secret")
    yield "client-secret"
    ask_for_secret(here)
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


def _endings(person: Person) -> Iterator[str]:
    """A connection that works gets another name, is unlinked, and its credentials are revoked."""
    here = enter(person, builders.an_onboarding("confirmed"))
    person.follow("Rename this connection")
    yield "name"
    person.fill("Name of this connection", "x" * (CONNECTION_AT_MOST + 1))
    person.press("Save the name")
    yield "name-error"
    person.open(f"{person.home}/end-link")
    yield "end-link"
    person.open(f"{person.home}/revoke")
    yield "revoke"
    person.open(f"{person.home}/proof?before=end_link")
    yield "proof-before-an-end"
    with transaction() as session:
        connections.unlink(session, here, builders.SELLER)
    person.open(person.home)
    yield "over-unlinked"
    with transaction() as session:
        connections.revoke(session, here, builders.SELLER)
    person.open(person.home)
    yield "over-revoked"


def ask_for_secret(onboarding_id: UUID) -> None:
    with transaction() as session:
        replacing.ask(session, onboarding_id, builders.SELLER, 3)
