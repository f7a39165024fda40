"""The link and the code of a named developer: forwarded, guessed, too old, made up, or looked at by programs."""

from datetime import timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding import checksums, handover, proofs
from onboarding.sealing import Keyring
from tests import builders
from tests.dumping import everything_written
from tests.threats.test_handover import SECRET_FORMS
from tests.web import handing_over, secret_walk
from tests.web.handing_over import (
    DEVELOPER,
    a_pair,
    prove,
    reveal,
    row_of,
)
from tests.web.secret_walk import let_pass as let_sellers_proof_pass
from tests.web.secret_walk import path_of, the
from tests.web.visiting import Visitor, a_site, code_in, heading, letters


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_site(ring)


def test_a_forwarded_link_opens_nothing(app: FastAPI) -> None:
    """Whoever has it can have a code sent to the address that was named, and to no other."""
    pair = a_pair(app)
    stranger = Visitor(app)
    page = stranger.open(pair.link)
    assert DEVELOPER not in page.text
    sent = len(letters("code"))
    asked = stranger.follow(stranger.post(f"{pair.link}/code", {"email": "eve@evil.example"}))
    builders.work()
    (letter, *_) = letters("code")
    assert len(letters("code")) == sent + 1
    assert letter.to == DEVELOPER
    for guess in ("000000", "111111"):
        if guess != code_in(letter):
            assert stranger.press(asked, "/proof", code=guess).status_code == 422
    for form in SECRET_FORMS:
        stranger.post(pair.link + form, {"sequence": "5", "stored": "yes", "ending": "x" * 6})
    assert pair.state == "secret_ready"


def test_a_code_is_over_after_five_guesses(app: FastAPI) -> None:
    pair = a_pair(app)
    asked = pair.developer.follow(pair.developer.post(f"{pair.link}/code"))
    builders.work()
    right = code_in(letters("code")[0])
    wrong = "000000" if right != "000000" else "111111"
    answers = [pair.developer.press(asked, "/proof", code=wrong).status_code for _ in range(5)]
    assert answers == [422] * 4 + [429]
    assert pair.developer.press(asked, "/proof", code=right).status_code == 429
    assert "Receive a client secret" in heading(pair.developer.open(pair.link))


def test_an_old_code_shows_no_secret(app: FastAPI) -> None:
    pair = a_pair(app)
    page = prove(pair.developer, pair.link)
    handing_over.let_pass(proofs.PROOF_FRESH)
    asked = pair.developer.follow(pair.developer.press(page, "/secret-reveal"))
    assert heading(asked) == "Receive a client secret"
    assert pair.state == "secret_ready"
    assert checksums.well_formed(reveal(pair))


def test_the_developers_code_is_worth_nothing_on_the_sellers_pages(app: FastAPI) -> None:
    """It proves nothing of the seller's, not even in a browser that holds both kinds of things."""
    pair = a_pair(app)
    pair.seller.post(f"{pair.path}/contact")
    builders.work()
    pair.developer.post(f"{pair.link}/code")
    builders.work()
    theirs = next(code_in(each) for each in letters("code") if each.to == DEVELOPER)
    mine = next(code_in(each) for each in letters("code") if each.to != DEVELOPER)
    page = pair.seller.open(f"{pair.path}/contact-code")
    if theirs != mine:
        assert pair.seller.press(page, "/contact-code", code=theirs).status_code == 422
    assert the(pair.seller).contact_email != DEVELOPER


def test_no_link_is_made_by_anybody_else(app: FastAPI, database: Engine) -> None:
    """Nor does a resume link's token, or what the database holds, open a developer's part."""
    pair = a_pair(app)
    token = pair.link.rpartition("/")[2]
    for wrong in ("x", token[:-2], token[:-2] + "xx", "%00", "%F0%9F", "A" * 64, "=" * 9):
        assert Visitor(app).get(f"/en/developer/{wrong}").status_code == 404
    resume = proofs.resume_token(builders.keyring(), row_of(pair).id)
    assert Visitor(app).get(f"/en/developer/{resume}").status_code == 404
    assert token.encode() not in everything_written(database)


def test_looking_at_the_link_changes_nothing(app: FastAPI) -> None:
    """Programs that read e-mail open links too."""
    pair = a_pair(app)
    sent = len(letters())
    for method in ("HEAD", "GET", "GET"):
        assert Visitor(app).send(method, pair.link).status_code == 200
    builders.work()
    assert len(letters()) == sent
    assert row_of(pair).proved_at is None


def test_a_seller_names_only_so_many(app: FastAPI) -> None:
    """Each one is a letter to somebody who has not asked for it."""
    pair = a_pair(app)
    answers = [
        handing_over.name(pair.seller, f"d{n}@dev.example").status_code
        for n in range(handover.NAMED_A_DAY)
    ]
    assert answers == [303] * (handover.NAMED_A_DAY - 1) + [429]


def test_the_letter_says_nothing_that_a_seller_typed(app: FastAPI) -> None:
    seller = secret_walk.at(app, "type_chosen")
    asked = seller.follow(
        seller.press(seller.open(path_of(seller)), "/contact", email="ada@shop.example")
    )
    page = seller.follow(seller.press(asked, "/contact-code", code=code_in(letters("code")[0])))
    seller.press(page, "/client-id", connection_name="BUY NOW https://evil.example")
    handing_over.name(seller)
    builders.work()
    letter = letters("Collect")[0]
    assert letter.to == DEVELOPER
    assert "evil" not in letter.text


def test_a_proof_as_a_developer_is_no_proof_of_anything_else(app: FastAPI) -> None:
    """The same browser holds another onboarding as a seller: its last proof stays as old as it is."""
    pair = a_pair(app)
    other = secret_walk.at(app, "secret_ready")
    let_sellers_proof_pass(other, timedelta(hours=1))
    prove(other, pair.link)
    answer = other.press(other.open(path_of(other)), "/secret-reveal")
    assert answer.headers["location"].endswith("/proof")
