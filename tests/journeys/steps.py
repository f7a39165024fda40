"""The parts that journeys share: showing who one is, taking the client secret, linking the account."""

from dataclasses import dataclass

from onboarding import queries
from onboarding.db import reading
from tests.journeys.letterbox import Letterbox
from tests.journeys.pages import Person

CODE = "Code with 6 digits"
READY = "Your client secret is ready"
STORED = "I have stored the client secret in a safe place"


@dataclass(frozen=True)
class Credentials:
    """What a person took away from the page that shows a secret."""

    client_id: str
    client_secret: str


def prove_address(person: Person, letterbox: Letterbox) -> None:
    """Show by a code that an e-mail address is theirs; where it is known already, it is not asked for."""
    if person.page.locator("#email").count():
        person.fill("E-mail address", letterbox.address)
    person.press("Send me a code")
    person.fill(CODE, letterbox.code())
    person.press("Continue")


def create_client_id(person: Person, name: str = "") -> None:
    """Ask for the client ID, and wait for its secret."""
    person.fill("Name of this connection (optional)", name)
    person.press("Create my client ID")
    person.waits_for(READY)


def take_secret(person: Person) -> Credentials:
    """Look at the secret once, and take it away."""
    person.press("Show my client secret")
    person.arrives_at("Store your client secret now")
    shown = Credentials(person.read("client_id"), person.read("client_secret"))
    person.tick(STORED)
    person.press("Continue")
    return shown


def download(person: Person, file: str) -> str:
    """The content of a file that the page offers."""
    with person.page.expect_download() as begun:
        person.button("Download %(file)s", file=file).click()
    assert begun.value.suggested_filename == file
    return begun.value.path().read_text(encoding="utf-8")


def sign_in(person: Person, seller: str = "Alex Martin") -> None:
    """At the sandbox Seller Portal, from a page that leads there."""
    person.choose(seller)
    person.press("Sign in")


def confirm(person: Person, user: str) -> None:
    """Take the one account there is, and confirm."""
    person.press("Yes, connect this account")
    person.arrives_at("Check and confirm")
    person.press("Confirm and connect %(user)s", user=person.says(user))
    person.waits_for("Connection ready")


def history(person: Person) -> list[tuple[str, str]]:
    """Every event of the onboarding that is open, with the state that it led to."""
    with reading() as session:
        steps = queries.history(session, person.onboarding_id)
    assert [step.sequence for step in steps] == list(range(1, len(steps) + 1))
    assert [step.source for step in steps] == [None, *(step.target for step in steps[:-1])]
    return [(step.event, step.target) for step in steps]


def shown_once(secret: str, *people: Person) -> None:
    """Of all documents that the browsers got, one holds the secret; no address ever did."""
    bodies = [body for person in people for body in person.bodies]
    assert sum(secret in body for body in bodies) == 1
    assert not any(secret in address for person in people for address in person.addresses)
