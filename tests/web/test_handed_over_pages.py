"""What seller and developer are told of each other, and when an open page is another one."""

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding import outbox, proofs
from onboarding.sealing import Keyring
from tests import builders
from tests.web import handing_over
from tests.web.handing_over import (
    ANOTHER,
    Pair,
    a_pair,
    acknowledge,
    prove,
    reveal,
)
from tests.web.secret_walk import the
from tests.web.visiting import Visitor, a_site, letters, text

ARRIVED = "Your developer has stored the client secret"


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_site(ring)


def test_a_seller_who_has_not_signed_in_hears_that_it_is_their_turn(app: FastAPI) -> None:
    pair = a_pair(app)
    acknowledge(pair, reveal(pair))
    assert ARRIVED in text(pair.seller.open(pair.path))
    builders.work()
    (letter,) = letters(ARRIVED)
    assert "/resume/" in letter.text
    assert "sign in to your seller account" in letter.text


def test_a_seller_who_was_faster_than_the_letter_gets_none(app: FastAPI) -> None:
    pair = a_pair(app)
    secret = reveal(pair)
    # Nobody works meanwhile.
    outbox.publish_with(None)
    acknowledge(pair, secret)
    handing_over.choose_account(pair.seller)
    builders.work()
    assert letters(ARRIVED) == []


def test_a_seller_who_has_chosen_is_asked_to_confirm_and_no_more(app: FastAPI) -> None:
    pair = a_pair(app)
    handing_over.choose_account(pair.seller)
    acknowledge(pair, reveal(pair))
    builders.work()
    assert letters(ARRIVED) == []
    assert len(letters("confirm to finish")) == 1
    assert "Stored by your developer on" in text(pair.seller.open(pair.path))


def test_the_developers_page_is_another_one_when_the_seller_has_moved(app: FastAPI) -> None:
    pair = a_pair(app)
    prove(pair.developer, pair.link)
    before = word(pair.developer, pair)
    assert before == str(the(pair.seller).sequence)
    assert f'data-seen="{before}"' in pair.developer.open(pair.link).text
    handing_over.name(pair.seller, ANOTHER)
    assert word(pair.developer, pair) == "over"


def test_nobody_else_is_told_how_it_stands(app: FastAPI) -> None:
    """Not who has the link alone, nor the seller's browser."""
    pair = a_pair(app)
    prove(pair.developer, pair.link)
    assert word(Visitor(app), pair) == "over"
    assert word(pair.seller, pair) == "over"
    assert Visitor(app).get(f"{pair.link}x/sequence").status_code == 404


@pytest.mark.parametrize(
    ("moves", "sentence"),
    [
        (0, "The rest is the seller's"),
        (1, "has yet to confirm"),
        (2, "we are checking the connection"),
        (3, "the connection is ready"),
    ],
)
def test_the_developer_sees_how_the_seller_goes_on(app: FastAPI, moves: int, sentence: str) -> None:
    pair = a_pair(app)
    acknowledge(pair, reveal(pair))
    outbox.publish_with(None)
    steps = (
        lambda: handing_over.choose_account(pair.seller),
        lambda: pair.seller.press(pair.seller.open(pair.path), "/confirm"),
        builders.work,
    )
    for step in steps[:moves]:
        step()
    assert sentence in text(pair.developer.open(pair.link))


def test_the_sellers_browser_leads_back_to_the_sellers_part(app: FastAPI) -> None:
    pair = a_pair(app)
    assert f'href="{pair.path}"' in pair.seller.open(pair.link).text


def test_a_developer_who_asks_again_too_soon_is_told_that_a_code_is_on_its_way(
    app: FastAPI,
) -> None:
    pair = handing_over.a_pair(app)
    asked = pair.developer.follow(pair.developer.post(f"{pair.link}/code"))
    assert "already on its way" not in text(asked)
    again = pair.developer.follow(pair.developer.press(asked, "/code"))
    assert "already on its way. If it has not arrived after 30 seconds" in text(again)
    for _ in range(proofs.CODE_ATTEMPTS):
        over = pair.developer.press(again, "/proof", code="123456")
    assert "does not work any more" in text(over)


def word(visitor: Visitor, pair: Pair) -> str:
    return visitor.get(f"{pair.link}/sequence").text
