"""A seller and the developer whom the seller has named, each in a browser of their own."""

import re
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any, Final

import httpx
from fastapi import FastAPI
from sqlalchemy import select

from onboarding import db, developers, proofs
from onboarding.db import reading, transaction
from onboarding.mail import StoredMail
from onboarding.models import Handover
from onboarding.sellers.sandbox_accounts import SAMPLE_SELLERS
from onboarding.settings import settings
from tests import builders
from tests.web import secret_walk
from tests.web.secret_walk import path_of, the
from tests.web.visiting import Visitor, code_in, letters

DEVELOPER: Final = "dora@dev.example"
ANOTHER: Final = "emil@dev.example"


@dataclass
class Pair:
    """Both of them; `link` is the path in the developer's e-mail."""

    seller: Visitor
    developer: Visitor
    link: str

    @property
    def path(self) -> str:
        return path_of(self.seller)

    @property
    def state(self) -> str:
        return the(self.seller).state


def a_pair(app: FastAPI, state: str = "secret_ready", **more: Any) -> Pair:
    """The seller has named the developer in the state before the secret is shown, or in this one."""
    seller = secret_walk.at(app, state, **more)
    name(seller)
    builders.work()
    return Pair(seller, Visitor(app, seller.locale), link_of(seller))


def name(seller: Visitor, email: str = DEVELOPER) -> httpx.Response:
    """Through the form."""
    page = seller.open(f"{path_of(seller)}/developer")
    return seller.press(page, "/developer", email=email)


def withdraw(seller: Visitor) -> httpx.Response:
    page = seller.open(f"{path_of(seller)}/developer")
    return seller.press(page, "/developer-withdrawal")


def link_of(seller: Visitor) -> str:
    """The link of the developer who is named now."""
    with reading() as session:
        named = developers.named(session, the(seller))
        assert named is not None
        token = developers.token(builders.keyring(), named.id)
    return f"/{seller.locale}/developer/{token}"


def link_in(letter: StoredMail) -> str:
    """The path of the developer's link in a letter."""
    (url,) = re.findall(r"^https?://[^/]+(/\S+/developer/\S+)$", letter.text, re.MULTILINE)
    return str(url)


def prove(developer: Visitor, link: str) -> httpx.Response:
    """Have a code sent and enter it; the page that follows."""
    asked = developer.follow(developer.post(f"{link}/code"))
    builders.work()
    letter = letters("code" if developer.locale == "en" else "")[0]
    return developer.follow(developer.press(asked, "/proof", code=code_in(letter)))


def reveal(pair: Pair) -> str:
    """The developer proves the address and is shown the secret."""
    page = pair.developer.press(prove(pair.developer, pair.link), "/secret-reveal")
    return secret_walk.secret_on(page)


def acknowledge(pair: Pair, secret: str) -> httpx.Response:
    page = pair.developer.open(pair.link)
    answer = pair.developer.press(page, "/secret-acknowledgement", ending=secret[-6:])
    return pair.developer.follow(answer)


def sign_in(seller: Visitor) -> None:
    """As if the seller were back from the Seller Portal, where one account may be connected."""
    sample = SAMPLE_SELLERS["one-shop"]
    with transaction() as session:
        browser = proofs.find_session(session, seller.cookies["onboarding"])
        assert browser is not None
        browser.issuer, browser.subject = settings().issuer, sample.subject
        browser.signed_in_at = db.clock(session)
        browser.accounts = {"accounts": [asdict(account) for account in sample.accounts]}


def choose_account(seller: Visitor) -> httpx.Response:
    """The seller's part before the developer's, or after it."""
    sign_in(seller)
    page = seller.open(path_of(seller))
    account = SAMPLE_SELLERS["one-shop"].accounts[0].seller_id
    return seller.follow(seller.press(page, "/link", seller_id=account))


def let_pass(length: timedelta) -> None:
    """What a developer has proved is that much older."""
    with transaction() as session:
        for each in session.scalars(select(Handover)):
            each.proved_at = each.proved_at - length if each.proved_at else None


def row_of(pair: Pair) -> Handover:
    """The hand-over that the pair's link leads to, ended or not."""
    with reading() as session:
        found = developers.find(session, builders.keyring(), pair.link.rpartition("/")[2])
        assert found is not None
        return found[0]
