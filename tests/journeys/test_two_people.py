"""A seller and the developer whom they name, each at a browser of their own, on the running system.

Both are needed, in either order, and neither is offered or shown the other's part. What each of them
has to know of the other, the pages and letters say, with JavaScript without being asked.
"""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Browser, expect

from onboarding import access
from onboarding.db import transaction
from tests.journeys.letterbox import Letterbox, told_about
from tests.journeys.pages import MOST_MILLISECONDS, Person, somebody
from tests.journeys.pair import DONE, NAMED, Pair, Someone, name_a_developer, prove, receive, store
from tests.journeys.steps import (
    READY,
    Credentials,
    confirm,
    history,
    shown_once,
    sign_in,
    take_secret,
)
from tests.servers.smtp import Smtp
from tests.system import ONBOARDING, System, environment

OVER: Final = "This client secret is not yours to receive any more"
ARRIVED: Final = "Your developer has stored the client secret. What is left is your part."
NOTHING_LEFT: Final = "There is nothing left for you to do here."
# The last steps of their journey, and whose each is.
WHO: Final = [
    ("reveal_secret", "developer"),
    ("acknowledge_secret", "developer"),
    ("link_seller", "seller"),
    ("confirm", "seller"),
    ("verification_passed", "platform"),
]
# What a seller alone is asked to do, as forms of a page send it.
SELLERS_PART: Final = re.compile(r'action="[^"]*/(sign-in|link|confirm|developer\w*)"')


@pytest.fixture
def people(browser: Browser, journeys: System, shared_smtp: Smtp) -> Any:
    """Opens a browser for a person, by their part; each has an address of their own."""

    @contextmanager
    def meet(part: str, locale: str, *, javascript: bool) -> Iterator[Someone]:
        letterbox = Letterbox(shared_smtp, f"{part}-{uuid4().hex[:8]}@shop.example")
        with somebody(browser, journeys.url, locale, javascript=javascript) as person:
            yield Someone(person, letterbox)

    return meet


def test_the_developer_comes_first(people: Any, journeys: System) -> None:
    """Without JavaScript: each of them asks the page again."""
    with (
        people("seller", "fr", javascript=False) as seller,
        people("dev", "fr", javascript=False) as developer,
    ):
        pair = Pair(seller, developer)
        name_a_developer(pair)
        taken = receive(pair.developer)
        store(pair.developer, taken)
        shop = pair.seller.person
        shop.press("Check again")
        shop.arrives_at("Sign in to your seller account")
        assert shop.says(ARRIVED) in shop.read()
        assert "secret_stored" in told(pair, "secret_stored")
        shop.press("Sign in and continue")
        sign_in(shop)
        assert shop.says(ARRIVED) in shop.read()
        confirm(shop, "your software")
        dev = pair.developer.person
        dev.press("Check again")
        dev.arrives_at(DONE)
        assert (
            dev.says(
                f"{NOTHING_LEFT} The seller has signed in and confirmed: the connection is ready."
            )
            in dev.read()
        )
        both_did_their_part(pair, taken, chosen_first=False)
        everybody_says_the_same(journeys, pair, taken)


def test_the_seller_comes_first(people: Any, journeys: System) -> None:
    """With JavaScript: the page of each moves on when the other does."""
    with (
        people("seller", "en", javascript=True) as seller,
        people("dev", "en", javascript=True) as developer,
    ):
        pair = Pair(seller, developer)
        name_a_developer(pair)
        shop, dev = pair.seller.person, pair.developer.person
        shop.press("Sign in to your seller account")
        sign_in(shop)
        shop.arrives_at(NAMED)
        shop.press("Choose this account")
        shop.arrives_at(NAMED)
        assert "You have chosen" in shop.read()
        taken = receive(pair.developer)
        reads(shop, "The client secret was shown to your developer")
        assert not shop.button("Confirm and connect %(user)s", user="your software").count()
        store(pair.developer, taken)
        shop.arrives_at("Check and confirm")
        assert "Stored by your developer on" in shop.read()
        reads(dev, "The seller has signed in to the seller account, and has yet to confirm.")
        shop.press("Confirm and connect %(user)s", user="your software")
        shop.arrives_at("Connection ready")
        reads(dev, "The seller has signed in and confirmed: the connection is ready.")
        both_did_their_part(pair, taken, chosen_first=True)


def test_another_developer_is_named_and_then_nobody(people: Any, journeys: System) -> None:
    """Who is not named any more is told so, and what they saw opens nothing."""
    with (
        people("seller", "en", javascript=True) as seller,
        people("first", "en", javascript=True) as first,
        people("second", "en", javascript=True) as second,
    ):
        name_a_developer(Pair(seller, first))
        shop = seller.person
        prove(first)
        shop.follow("Name another developer, or receive it yourself")
        shop.fill("E-mail address of your developer", second.letterbox.address)
        shop.press("Name another developer")
        shop.arrives_at(NAMED)
        first.person.arrives_at(OVER)
        theirs = receive(second)
        reads(shop, "The client secret was shown to your developer")
        shop.follow("Name another developer, or receive it yourself")
        shop.press("Receive it myself")
        shop.arrives_at(READY)
        assert (
            second.person.open(second.person.page.url.removesuffix("/secret-reveal")).status == 410
        )
        second.person.arrives_at(OVER)
        mine = take_secret(shop)
        assert mine.client_secret != theirs.client_secret
        answers = [ask(journeys, each).status_code for each in (theirs, mine)]
        assert answers == [401, 200]
        shown_once(theirs.client_secret, shop, first.person, second.person)
        shown_once(mine.client_secret, shop, first.person, second.person)
        never_the_sellers_part(first.person, second.person)


def reads(person: Person, sentence: str) -> None:
    """The page says it, as soon as it has asked again by itself."""
    expect(person.page.locator("main")).to_contain_text(sentence, timeout=MOST_MILLISECONDS)


def both_did_their_part(pair: Pair, taken: Credentials, *, chosen_first: bool) -> None:
    """Who did what is in the history; no page of the seller had the secret, nor did a letter."""
    shop, dev = pair.seller.person, pair.developer.person
    assert [event for event, _ in history(shop)][-5:] == [event for event, _ in WHO]
    shown_once(taken.client_secret, shop, dev)
    assert not [body for body in shop.bodies if taken.client_secret in body]
    assert taken.client_secret not in shop.page.content()
    never_the_sellers_part(dev)
    link = dev.page.url
    assert dev.open(shop.home).status == 404
    dev.open(link)
    dev.arrives_at(DONE)
    for someone in (pair.seller, pair.developer):
        someone.letterbox.never_says(taken.client_secret, taken.client_id)
    letters = told(pair, "confirmed")
    assert ("secret_stored" in letters) != chosen_first


def never_the_sellers_part(*developers: Person) -> None:
    for developer in developers:
        assert not [body for body in developer.bodies if SELLERS_PART.search(body)]


def told(pair: Pair, last: str) -> list[str]:
    """The letters about this onboarding, once this one is out."""
    here, deadline = pair.seller.person.onboarding_id, time.monotonic() + 20
    while last not in (found := told_about(here)):
        assert time.monotonic() < deadline, found
        time.sleep(0.02)
    return found


def ask(system: System, credentials: Credentials) -> httpx.Response:
    """Ask for an access token with these."""
    return httpx.post(
        f"{system.url}/oauth2/token",
        auth=(credentials.client_id, credentials.client_secret),
        data={"grant_type": "client_credentials"},
    )


def everybody_says_the_same(system: System, pair: Pair, taken: Credentials) -> None:
    """The API and the terminal about what the two have made, and about its end."""
    shop, dev = pair.seller.person, pair.developer.person
    token = {"Authorization": f"Bearer {ask(system, taken).json()['access_token']}"}
    me = httpx.get(f"{system.url}/v1/whoami", headers=token).json()
    assert (me["client_id"], me["seller_ids"]) == (taken.client_id, [shop.read("seller_id")])
    reference = one_line(system, "show", str(shop.onboarding_id))["reference"]
    with transaction() as session:
        _, key = access.create_api_key(session, "looks", ["operations:read"])
    seen = f"{system.url}/v1/operations/onboardings/{reference}"
    sees = {"Authorization": f"Bearer {key}"}
    assert httpx.get(seen, headers=sees).json()["state"] == "confirmed"
    steps = httpx.get(f"{seen}/history", headers=sees).json()
    did = [(each["event"], each["actor"]) for each in steps["items"]]
    assert did[-5:] == WHO
    assert one_line(system, "connection", "sellers", reference) == {}
    ended = one_line(system, "connection", "revoke", reference, "--reason", "the agency left")
    assert ended["reference"] == reference
    assert ask(system, taken).status_code == 401
    assert httpx.get(f"{system.url}/v1/whoami", headers=token).status_code == 401
    shop.open(shop.home)
    assert shop.says("End the link with the seller account") not in shop.read()
    assert dev.open(dev.page.url).status == 410
    dev.arrives_at(OVER)


def one_line(system: System, *typed: str) -> dict[str, Any]:
    """What a command says of one thing; nothing where it lists none."""
    with environment(system.environment):
        done = subprocess.run(
            [ONBOARDING, *typed, "--json"], capture_output=True, text=True, check=True
        )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return lines[0] if lines else {}
