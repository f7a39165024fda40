"""A seller and a developer, each at a browser of their own: how their journeys begin."""

from dataclasses import dataclass
from typing import Final

from tests.journeys.letterbox import Letterbox
from tests.journeys.pages import Person
from tests.journeys.steps import CODE, READY, STORED, Credentials, create_client_id, prove_address

NAMED: Final = "Your developer receives the client secret"
THEIRS: Final = "The client secret is ready for you"
DONE: Final = "You have stored the client secret"


@dataclass
class Someone:
    """Somebody at a browser of their own, and what they get by e-mail."""

    person: Person
    letterbox: Letterbox


@dataclass
class Pair:
    """Those two."""

    seller: Someone
    developer: Someone


def name_a_developer(pair: Pair) -> None:
    """From the start page to the letter: the seller has a client ID and names the developer."""
    shop = pair.seller.person
    shop.open("/")
    shop.answer("Software that I develop, alone or with a development partner")
    shop.choose("A development partner")
    partner = "E-mail address of your development partner (optional)"
    shop.fill(partner, pair.developer.letterbox.address)
    shop.press("Save and continue")
    prove_address(shop, pair.seller.letterbox)
    if shop.page.evaluate("matchMedia('(scripting: enabled)').matches"):
        shop.press("Create my client ID")
        shop.arrives_at(READY)
    else:
        create_client_id(shop)
    shop.follow("Have a developer receive the client secret")
    shop.press("Name this developer")
    shop.arrives_at(NAMED)


def prove(someone: Someone) -> None:
    """By the link of the letter, and the code of the next."""
    someone.person.open(someone.letterbox.developers_link())
    someone.person.arrives_at("Receive a client secret")
    someone.person.press("Send me a code")
    someone.person.fill(CODE, someone.letterbox.code())
    someone.person.press("Continue")
    someone.person.arrives_at(THEIRS)


def receive(someone: Someone) -> Credentials:
    """Prove the address, and see the secret once."""
    prove(someone)
    someone.person.press("Show the client secret")
    someone.person.arrives_at("Store your client secret now")
    return Credentials(someone.person.read("client_id"), someone.person.read("client_secret"))


def store(someone: Someone, taken: Credentials) -> None:
    someone.person.tick(STORED)
    someone.person.press("Continue")
    someone.person.arrives_at(DONE)
    assert taken.client_secret not in someone.person.page.content()
