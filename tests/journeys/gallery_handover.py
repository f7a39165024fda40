"""The pages of a secret that a developer receives: the seller's, and in a browser of its own the developer's."""

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from onboarding import developers, handover
from onboarding.db import transaction
from tests import builders
from tests.composing import put
from tests.journeys.entering import enter
from tests.journeys.pages import Person
from tests.web.signing_in import COOKIE
from tests.web.visiting import code_in, letters

EMAIL: Final = "dora@dev.example"


def handing_over(person: Person) -> Iterator[str]:
    """From naming a developer to what each of the two sees when it is done."""
    here = enter(person, builders.an_onboarding("type_chosen"))
    prove_contact(person, here)
    person.press("Create my client ID")
    builders.work(here)
    person.open(person.home)
    person.follow("Have a developer receive the client secret")
    yield "developer-name"
    person.fill("E-mail address of your developer", "dora(at)dev.example")
    person.press("Name this developer")
    yield "developer-name-error"
    person.fill("E-mail address of your developer", EMAIL)
    person.press("Name this developer")
    yield "handed-over"
    person.follow("Name another developer, or receive it yourself")
    yield "developer-name-another"
    link = _link(person, here)
    person.open(link)
    yield "developer-in-the-sellers-browser"
    yield from _developer(person, link, here)
    for state in ("secret_lapsed", "issuing_secret"):
        yield from _seen_by_both(person, state)


def _developer(person: Person, link: str, here: UUID) -> Iterator[str]:
    """The developer's part, in a browser that holds nothing else."""
    sellers = person.page.context.cookies(person.url)
    person.page.context.clear_cookies(name=COOKIE)
    person.open(link)
    yield "developer-prove"
    person.press("Send me a code")
    yield "developer-code"
    person.fill("Code with 6 digits", "12345")
    person.press("Continue")
    yield "developer-code-error"
    builders.work(here)
    person.fill("Code with 6 digits", code_in(letters("code")[0]))
    person.press("Continue")
    yield "developer-secret-ready"
    person.press("Show the client secret")
    yield "developer-secret-shown"
    ending = person.read("client_secret")[-6:]
    person.open(link)
    yield "developer-secret-revealed"
    person.fill("Last 6 characters of the client secret", "abcdef")
    person.press("Continue")
    yield "developer-secret-revealed-error"
    developers_own = person.page.context.cookies(person.url)
    _come_back(person, sellers)
    person.open(f"/{person.locale}/onboardings/{here}")
    yield "handed-over-shown"
    _come_back(person, developers_own)
    person.open(link)
    person.fill("Last 6 characters of the client secret", ending)
    person.press("Continue")
    yield "developer-done"


def _seen_by_both(person: Person, state: str) -> Iterator[str]:
    """What the seller sees in a state, with an account to choose; then a link that is over."""
    here = builders.an_onboarding(state)
    with transaction() as session:
        handover.name(session, here, builders.SELLER, EMAIL)
    enter(person, here, "two-shops")
    yield f"handed-over-{state}"
    person.choose("Example Home Ltd")
    person.press("Choose this account")
    yield f"handed-over-{state}-chosen"
    link = _link(person, here)
    person.page.context.clear_cookies(name=COOKIE)
    with transaction() as session:
        handover.withdraw(session, here, builders.SELLER)
    person.open(link)
    yield f"developer-over-{state}"


def _link(person: Person, here: UUID) -> str:
    named = builders.the(here).handover_id
    assert named is not None
    return f"/{person.locale}/developer/{developers.token(builders.keyring(), named)}"


def _come_back(person: Person, cookies: list[Any]) -> None:
    person.page.context.clear_cookies(name=COOKIE)
    person.page.context.add_cookies([each for each in cookies if each["name"] == COOKIE])


def prove_contact(person: Person, here: UUID) -> None:
    put(here, connection_name="Shop")
    person.fill("E-mail address", "alex@shop.example")
    person.press("Send me a code")
    builders.work(here)
    person.fill("Code with 6 digits", code_in(letters("code")[0]))
    person.press("Continue")
