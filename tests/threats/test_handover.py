"""A secret that is handed over: what the seller, the developer and anybody else can do, at each step.

Neither of the two can do both. The link is worth nothing without the address, and the developer's
browser is worth nothing but the developer's part.
"""

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding import checksums, credentials, developers, handover, proofs
from onboarding.access import Actor
from onboarding.db import transaction
from onboarding.errors import EventNotAllowed, EventNotYours, NotFound
from onboarding.models import Grant, SealedSecret, Secret
from onboarding.sealing import Keyring
from tests import builders
from tests.racing import race
from tests.web import handing_over, secret_walk
from tests.web.handing_over import (
    ANOTHER,
    DEVELOPER,
    Pair,
    a_pair,
    acknowledge,
    prove,
    reveal,
    row_of,
)
from tests.web.secret_walk import count, path_of, secret_on, the
from tests.web.secret_walk import let_pass as let_sellers_proof_pass
from tests.web.visiting import Visitor, a_site, form_of, heading, letters, text

SECRET_FORMS = ("/secret-reveal", "/secret-acknowledgement")
SELLERS_FORMS = (
    "/sign-in",
    "/link",
    "/unlink",
    "/confirm",
    "/cancel",
    "/start-over",
    "/client-id",
    "/contact",
    "/contact-code",
    "/developer",
    "/developer-withdrawal",
    *SECRET_FORMS,
    "/secret-reissue",
)


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_site(ring)


def test_both_do_their_part_and_neither_could_do_the_others(app: FastAPI) -> None:
    pair = a_pair(app)
    secret = reveal(pair)
    assert checksums.well_formed(secret)
    acknowledge(pair, secret)
    assert pair.state == "awaiting_seller"
    handing_over.choose_account(pair.seller)
    assert pair.state == "seller_linked"
    pair.seller.press(pair.seller.open(pair.path), "/confirm")
    builders.work()
    assert pair.state == "confirmed"
    assert not [body for body in pair.seller.bodies if secret in body]
    assert "stored the client secret" in heading(pair.developer.open(pair.link))


def test_the_seller_may_be_first(app: FastAPI) -> None:
    """The account that was chosen is linked by the developer's word, and confirmed by the seller alone."""
    pair = a_pair(app)
    assert "It is linked as soon as" in text(handing_over.choose_account(pair.seller))
    assert pair.state == "secret_ready"
    acknowledge(pair, reveal(pair))
    assert pair.state == "seller_linked"
    pair.seller.press(pair.seller.open(pair.path), "/confirm")
    builders.work()
    assert pair.state == "confirmed"


def test_first_use_counts_for_the_developer_as_well(app: FastAPI) -> None:
    pair = a_pair(app)
    handing_over.choose_account(pair.seller)
    reveal(pair)
    with transaction() as session:
        credentials.acknowledge_by_use(session, the(pair.seller).id, 1)
        handover.follow(session, the(pair.seller).id)
    assert pair.state == "seller_linked"


@pytest.mark.parametrize("form", SECRET_FORMS)
@pytest.mark.parametrize("shown", [False, True])
def test_the_seller_can_neither_see_it_nor_say_that_it_is_stored(
    app: FastAPI, form: str, *, shown: bool
) -> None:
    pair = a_pair(app)
    secret = reveal(pair) if shown else "x" * 20
    before = pair.state
    page = pair.seller.open(pair.path)
    assert form not in page.text
    typed = {
        "sequence": str(the(pair.seller).sequence),
        "version": "1",
        "ending": secret[-6:],
        "stored": "yes",
    }
    answer = pair.seller.follow(pair.seller.post(pair.path + form, typed))
    assert pair.state == before
    assert "client_secret" not in answer.text
    assert developers.in_short(DEVELOPER) in pair.seller.open(pair.path).text
    assert not shown or secret not in "".join(pair.seller.bodies)


@pytest.mark.parametrize("kind", ["seller", "api"])
def test_whoever_else_may_reveal_may_not_now(app: FastAPI, kind: str) -> None:
    """Whatever door they come through: it is refused where the secret is taken out."""
    pair, who = a_pair(app), Actor(kind, "somebody")
    for verb in (
        lambda s: credentials.reveal(s, the(pair.seller).id, who, builders.keyring()),
        lambda s: credentials.acknowledge(s, the(pair.seller).id, who, version=1, ending="x" * 6),
    ):
        with pytest.raises(EventNotAllowed) as refused, transaction() as session:
            verb(session)
        assert refused.value.unmet == "developer_named"
    assert count(SealedSecret) == 1


@pytest.mark.parametrize("form", SELLERS_FORMS)
@pytest.mark.parametrize("state", ["secret_ready", "secret_revealed", "awaiting_seller"])
def test_the_developer_has_no_way_to_the_sellers_part(app: FastAPI, form: str, state: str) -> None:
    pair = a_pair(app)
    prove(pair.developer, pair.link)
    if state != "secret_ready":
        secret = secret_on(pair.developer.press(pair.developer.open(pair.link), "/secret-reveal"))
        if state == "awaiting_seller":
            acknowledge(pair, secret)
    before = the(pair.seller).sequence
    typed = {"sequence": str(before), "email": ANOTHER, "seller_id": "S-1", "stored": "yes"}
    assert pair.developer.post(pair.path + form, typed).status_code == 404
    assert pair.developer.get(pair.path).status_code == 404
    assert (the(pair.seller).sequence, pair.state) == (before, state)


@pytest.mark.parametrize(
    "event", ["link_seller", "confirm", "cancel", "unlink_seller", "reissue_secret", "start_over"]
)
def test_the_chart_has_no_such_move_for_a_developer(app: FastAPI, event: str) -> None:
    pair = a_pair(app)
    with pytest.raises(EventNotYours):
        builders.fire(the(pair.seller).id, event, developers.actor(row_of(pair)))


def test_the_developer_sees_no_other_onboarding(app: FastAPI) -> None:
    one, other = a_pair(app), a_pair(app)
    prove(one.developer, one.link)
    page = one.developer.open(other.link)
    assert heading(page) == "Receive a client secret"
    for form in SECRET_FORMS:
        typed = {"sequence": str(the(other.seller).sequence), "stored": "yes", "ending": "x" * 6}
        one.developer.post(other.link + form, typed)
    assert other.state == "secret_ready"
    assert one.developer.get(other.path).status_code == 404
    assert count(Grant) == 2


def test_naming_somebody_asks_for_a_proof_as_fresh_as_showing_does(app: FastAPI) -> None:
    """Or a cookie that was left open would be worth the secret."""
    seller = secret_walk.at(app, "secret_ready")
    page = seller.open(f"{path_of(seller)}/developer")
    let_sellers_proof_pass(seller, proofs.PROOF_FRESH)
    assert seller.press(page, "/developer", email=ANOTHER).headers["location"].endswith("/proof")
    assert the(seller).handover_id is None
    assert heading(seller.open(f"{path_of(seller)}/developer")) == "Show that it is you"


@pytest.mark.parametrize("shown", [False, True])
def test_an_old_developer_has_no_access_at_once(app: FastAPI, *, shown: bool) -> None:
    """Another one is named: the first one's page is over, and what was seen is worth nothing."""
    pair = a_pair(app)
    first = prove(pair.developer, pair.link)
    seen = secret_on(pair.developer.press(first, "/secret-reveal")) if shown else ""
    handing_over.name(pair.seller, ANOTHER)
    builders.work()
    assert pair.state == "secret_ready"
    action, hidden = form_of(first, "/secret-reveal")
    hidden["sequence"] = str(the(pair.seller).sequence)
    pair.developer.post(action, hidden)
    assert pair.state == "secret_ready"
    assert pair.developer.open(pair.link).status_code == 410
    assert pair.developer.follow(pair.developer.post(f"{pair.link}/code")).status_code == 410
    second = Pair(pair.seller, Visitor(app), handing_over.link_of(pair.seller))
    assert reveal(second) != seen
    assert handing_over.link_in(letters("Collect")[0]) == second.link


@pytest.mark.parametrize("shown", [False, True])
def test_who_takes_it_back_never_sees_what_the_developer_saw(app: FastAPI, *, shown: bool) -> None:
    pair = a_pair(app)
    theirs = reveal(pair) if shown else ""
    handing_over.withdraw(pair.seller)
    builders.work()
    assert pair.developer.open(pair.link).status_code == 410
    mine = secret_on(pair.seller.press(pair.seller.open(pair.path), "/secret-reveal"))
    assert mine != theirs
    alive = count(Secret, Secret.ended_at.is_(None))
    assert (alive, count(Secret)) == (1, 2 if shown else 1)


def test_a_developer_never_gets_what_the_seller_saw(app: FastAPI) -> None:
    pair = a_pair(app, "secret_revealed")
    builders.work()
    assert pair.state == "secret_ready"
    assert reveal(pair) not in "".join(pair.seller.bodies)
    assert count(Secret, Secret.ended_because == "reissued") == 1


def test_a_browser_with_the_sellers_part_cannot_have_the_developers(app: FastAPI) -> None:
    """Whoever has both mailboxes still needs two browsers: a cookie that is stolen holds one part."""
    pair = a_pair(app)
    assert pair.seller.open(pair.link).status_code == 403
    prove(pair.seller, pair.link)
    assert pair.seller.open(pair.link).status_code == 403
    typed = {"sequence": str(the(pair.seller).sequence)}
    assert (
        "client_secret"
        not in pair.seller.follow(pair.seller.post(f"{pair.link}/secret-reveal", typed)).text
    )
    assert pair.state == "secret_ready"


def test_in_both_tabs_the_secret_is_shown_once(app: FastAPI) -> None:
    pair = a_pair(app)
    page = prove(pair.developer, pair.link)
    action, hidden = form_of(page, "/secret-reveal")

    def click() -> str:
        one = Visitor(app, cookies=dict(pair.developer.cookies))
        return one.follow(one.insist(action, hidden)).text

    shown = [each for each in race(*[click] * 8) if 'id="client_secret"' in str(each)]
    assert len(shown) == 1


def test_naming_and_revealing_at_once_leave_one_who_knows(app: FastAPI) -> None:
    """Whoever comes first: the secret that is alive afterwards was not seen by the first developer."""
    pair = a_pair(app)
    page = prove(pair.developer, pair.link)
    form = pair.seller.open(f"{pair.path}/developer")
    outcomes = race(
        lambda: pair.developer.press(page, "/secret-reveal"),
        lambda: pair.seller.press(form, "/developer", email=ANOTHER),
    )
    assert not [each for each in outcomes if isinstance(each, Exception)]
    builders.work()
    if the(pair.seller).handover_id == row_of(pair).id:
        # The page to name somebody was overtaken: the developer who saw it is the one still named.
        assert pair.state == "secret_revealed"
    else:
        assert pair.state == "secret_ready"
        assert count(Secret, Secret.ended_at.is_(None), Secret.revealed_at.is_not(None)) == 0


@pytest.mark.parametrize("how", ["cancel", "start-over"])
def test_what_ends_the_request_ends_the_developers_access(app: FastAPI, how: str) -> None:
    pair = a_pair(app)
    prove(pair.developer, pair.link)
    pair.seller.press(pair.seller.open(f"{pair.path}/{how}"), f"/{how}")
    assert pair.state in ("cancelled", "started")
    assert the(pair.seller).handover_id is None
    assert pair.developer.open(pair.link).status_code == 410


def test_a_developer_who_is_not_named_is_refused_where_the_secret_is_taken_out(
    app: FastAPI,
) -> None:
    pair = a_pair(app)
    stranger = Actor("developer", "developer:nobody")
    with pytest.raises(NotFound), transaction() as session:
        credentials.reveal(session, the(pair.seller).id, stranger, builders.keyring())
    handing_over.withdraw(pair.seller)
    who = developers.actor(row_of(pair))
    with pytest.raises(NotFound), transaction() as session:
        credentials.reveal(session, the(pair.seller).id, who, builders.keyring())
