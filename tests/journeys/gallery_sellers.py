"""The pages of a client with more sellers than one: its owner's, and those of a seller who is asked."""

from collections.abc import Iterator
from uuid import UUID

from onboarding import connections
from onboarding.db import transaction
from onboarding.links import SellerAccount
from tests import another_seller, builders
from tests.journeys.entering import enter, forget_proof, prove_sign_in
from tests.journeys.pages import Person
from tests.web.inviting import asked


def sellers(person: Person) -> Iterator[str]:
    """From the first link to the last end."""
    for state in ("credentials_issued", "confirmed"):
        here = enter(person, builders.an_onboarding(state))
        person.follow("Seller accounts of this connection")
        yield f"sellers-of-{state}"
    person.press("Make a link for a seller")
    yield "sellers-asked"
    home, link = person.home, another_seller.linked(here)
    another_seller.accepted(here, _third())
    person.open(f"{home}/sellers")
    yield "sellers"
    person.open(home)
    yield "confirmed-for-several"
    person.open(f"{home}/revoke")
    yield "revoke-for-several"
    person.open(f"/{person.locale}/seller-links/{link}/end")
    yield "end-further-link"
    with transaction() as session:
        connections.unlink(session, here, builders.SELLER)
    person.open(home)
    yield "over-but-for-others"
    yield from _asked(person, here)


def _asked(person: Person, here: UUID) -> Iterator[str]:
    """A seller who was sent the link, in a browser of their own."""
    bystander = builders.an_onboarding("started")
    path = asked(here, person.locale)
    for seller, page in (("sub-user", "unusable"), ("two-shops", "consent")):
        enter(person, bystander, seller)
        forget_proof(person)
        person.open(path)
        yield f"invited-{seller}"
        prove_sign_in(person)
        person.open(path)
        yield f"invited-{page}"
    person.press("Agree and link the account")
    yield "invited-consent-error"
    person.choose("Example Garden Ltd")
    person.press("Agree and link the account")
    yield "connections-of-who-has-agreed"
    builders.work(here)
    person.open(path)
    way = person.page.locator('a[href*="/seller-links/"]').get_attribute("href")
    person.open(str(way))
    yield "end-further-link-as-seller"
    forget_proof(person)
    person.page.reload()
    yield "end-further-link-sign-in"
    person.page.context.clear_cookies()
    person.open(path)
    yield "invited-over"


def _third() -> SellerAccount:
    return SellerAccount("https://portal.example", "s-3", "S-4713", "Book Shop")
