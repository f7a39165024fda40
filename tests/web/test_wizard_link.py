"""The seller's part, page by page: which account, what will be active, and that nothing happens twice."""

from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, select, update

from onboarding import db, outbox, queries, registry
from onboarding.db import reading, transaction
from onboarding.models import Link, Message
from onboarding.sealing import Keyring
from tests.builders import OPERATOR, an_onboarding, fire, state_of, work
from tests.composing import put
from tests.racing import rounds
from tests.web.signing_in import signed_in
from tests.web.visiting import Visitor, a_site, a_visitor, errors, form_of, heading, text


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_site(ring)


def delegated(state: str = "awaiting_seller") -> UUID:
    """An onboarding whose aggregator asks for the Seller ID only; its tasks do not run."""
    outbox.publish_with(None)
    return an_onboarding(state, connection_type="aggregator", delegated=True)


def test_one_account_is_linked_by_one_button(app: FastAPI) -> None:
    onboarding_id = delegated()
    seller = signed_in(app, "one-shop", onboarding_id)
    page = seller.open(seller.home(onboarding_id))
    assert heading(page) == "Is this the right seller account?"
    assert "Feedwise can use the REST API for this account" in text(page)
    page = seller.follow(seller.press(page, "/link"))
    assert heading(page) == "Check and confirm"
    assert "Example Shop SARL, Seller ID 123456" in text(page)
    (link,) = links_of(onboarding_id)
    assert (link.issuer, link.subject) == (app.state.settings.issuer, "one-shop")


def test_the_name_of_a_connection_stands_behind_its_type(app: FastAPI) -> None:
    onboarding_id = an_onboarding("seller_linked", connection_type="plugin")
    put(onboarding_id, connection_name="<b>Noël</b>")
    seller = a_visitor(app, onboarding_id)
    page = seller.get(seller.home(onboarding_id).replace("/en/", "/fr/", 1))
    assert "Extension (plugin)\xa0: <b>Noël</b>" in page.text.replace("&lt;", "<").replace(
        "&gt;", ">"
    )
    assert "<b>Noël" not in page.text


def test_of_two_shops_one_has_to_be_chosen(app: FastAPI) -> None:
    onboarding_id = delegated()
    seller = signed_in(app, "two-shops", onboarding_id)
    page = seller.open(seller.home(onboarding_id))
    again = seller.press(page, "/link")
    assert again.status_code == 422
    assert errors(again) == {"seller_id": "Select a seller account"}
    assert state_of(onboarding_id) == "awaiting_seller"
    page = seller.follow(seller.press(again, "/link", seller_id="234562"))
    assert "Example Garden Ltd, Seller ID 234562" in text(page)


@pytest.mark.parametrize(
    ("seller", "seller_id"),
    [
        ("one-shop", "234561"),  # Somebody else's.
        ("one-shop", ""),
        ("one-shop", "1" * 60_000),
        ("one-shop", "123456\x00"),
        ("suspended", "456789"),
        ("sub-user", "123456"),
    ],
)
def test_no_account_is_linked_but_a_usable_one_of_ones_own(
    app: FastAPI, seller: str, seller_id: str
) -> None:
    onboarding_id = delegated()
    visitor = signed_in(app, seller, onboarding_id)
    answer = visitor.post(f"{visitor.home(onboarding_id)}/link", {"seller_id": seller_id})
    assert answer.status_code == 422
    assert state_of(onboarding_id) == "awaiting_seller"
    assert not links_of(onboarding_id)


def test_who_has_not_signed_in_cannot_link(app: FastAPI) -> None:
    onboarding_id = delegated()
    visitor = a_visitor(app, onboarding_id)
    answer = visitor.post(f"{visitor.home(onboarding_id)}/link", {"seller_id": "123456"})
    assert heading(answer) == "Sign in to your seller account"
    assert not links_of(onboarding_id)


def test_an_aggregator_that_is_not_in_the_registry_is_said_instead_of_linked(app: FastAPI) -> None:
    onboarding_id = an_onboarding(
        "awaiting_aggregator", connection_type="aggregator", delegated=True, aggregator="Nonesuch"
    )
    outbox.publish_with(None)
    fire(onboarding_id, "recheck_aggregator")
    fire(onboarding_id, "approve_aggregator", OPERATOR)
    seller = signed_in(app, "one-shop", onboarding_id)
    answer = seller.press(seller.open(seller.home(onboarding_id)), "/link")
    assert answer.status_code == 503
    assert "Nonesuch is not in our registry" in text(answer)
    assert state_of(onboarding_id) == "awaiting_seller"


def test_a_change_of_account_is_asked_for_and_ends_the_link(app: FastAPI) -> None:
    onboarding_id = delegated("seller_linked")
    seller = signed_in(app, "french", onboarding_id, locale="fr")
    page = seller.open(seller.home(onboarding_id))
    assert f"{seller.home(onboarding_id)}/unlink" in page.text
    page = seller.open(f"{seller.home(onboarding_id)}/unlink")
    assert heading(page) == "Utiliser un autre compte vendeur\xa0?"
    assert links_of(onboarding_id)[0].ended_at is None
    page = seller.follow(seller.press(page, "/unlink"))
    assert heading(page) == "Est-ce le bon compte vendeur\xa0?"
    assert links_of(onboarding_id)[0].ended_at is not None


def test_the_check_says_what_is_needed_and_that_nothing_is_active_yet(app: FastAPI) -> None:
    onboarding_id = delegated("seller_linked")
    visitor = a_visitor(app, onboarding_id)
    said = text(visitor.open(visitor.home(onboarding_id)))
    assert "Client ID Not needed Client secret Not needed" in said
    assert "Nothing is active until you confirm." in said
    assert "Confirm and connect Feedwise" in said


def test_the_check_tells_a_client_id_by_its_ending(app: FastAPI) -> None:
    onboarding_id = an_onboarding("seller_linked", connection_type="plugin")
    visitor = a_visitor(app, onboarding_id)
    page = visitor.open(visitor.home(onboarding_id))
    with reading() as session:
        (client,) = queries.live_client_ids(session, [onboarding_id]).values()
    assert client not in page.text
    assert f"…{client[-4:]}" in text(page)
    assert "Stored by you on" in text(page)


def test_confirming_leads_through_the_check_to_the_end(app: FastAPI) -> None:
    onboarding_id = delegated("seller_linked")
    visitor = a_visitor(app, onboarding_id)
    page = visitor.follow(visitor.press(visitor.open(visitor.home(onboarding_id)), "/confirm"))
    assert heading(page) == "We are checking your connection"
    assert 'data-seen="5"' in page.text
    work(onboarding_id)
    assert heading(visitor.open(visitor.home(onboarding_id))) == "Connection ready"


def test_a_check_that_fails_says_why_and_what_to_do(app: FastAPI) -> None:
    onboarding_id = delegated("verifying")
    with transaction() as session:
        feedwise = {"uses_rest": True, "asks_for": "delegated"}
        registry.upsert(session, name="Feedwise", status="suspended", **feedwise)  # type: ignore[arg-type]
    work(onboarding_id)
    visitor = a_visitor(app, onboarding_id)
    said = text(visitor.open(visitor.home(onboarding_id)))
    assert "It does not work yet." in said
    assert "The registration of Feedwise with us is suspended." in said
    assert "Ask Feedwise when its registration will be active again, then confirm." in said


@pytest.mark.parametrize("state", ["checking_aggregator", "verifying"])
def test_a_task_that_failed_for_good_is_told_honestly(app: FastAPI, state: str) -> None:
    onboarding_id = delegated(state)
    visitor = a_visitor(app, onboarding_id)
    assert "This normally takes less than 1 minute." in text(
        visitor.open(visitor.home(onboarding_id))
    )
    with transaction() as session:
        session.execute(update(Message).values(failed_at=db.now(), cause="crashed"))
    said = text(visitor.open(visitor.home(onboarding_id)))
    assert "Something went wrong on our side." in said
    assert "This normally takes" not in said


@pytest.mark.parametrize(
    ("state", "form", "ends_in"),
    [
        ("awaiting_seller", "link", "seller_linked"),
        ("seller_linked", "unlink", "awaiting_seller"),
        ("seller_linked", "confirm", "verifying"),
        ("awaiting_aggregator", "recheck", "checking_aggregator"),
    ],
)
def test_a_form_sent_many_times_at_once_moves_once_and_is_answered_alike(
    app: FastAPI, state: str, form: str, ends_in: str
) -> None:
    onboarding_id = delegated(state)
    seller = signed_in(app, "one-shop", onboarding_id)
    sequence = len(history(onboarding_id))
    data = {"sequence": str(sequence), "seller_id": "123456"}

    def send(_round: int, _racer: int) -> httpx.Response:
        one = Visitor(app, cookies=dict(seller.cookies))
        return one.post(f"{seller.home(onboarding_id)}/{form}", data)

    (answers,) = rounds(1, 20, send)
    assert {answer_of(a) for a in answers} == {(303, seller.home(onboarding_id))}
    assert len(history(onboarding_id)) == sequence + 1
    assert state_of(onboarding_id) == ends_in
    assert len([link for link in links_of(onboarding_id) if link.ended_at is None]) <= 1


def test_the_tab_that_is_behind_is_told_so_and_changes_nothing(app: FastAPI) -> None:
    onboarding_id = delegated("seller_linked")
    visitor = a_visitor(app, onboarding_id)
    behind = visitor.open(visitor.home(onboarding_id))
    visitor.press(visitor.open(f"{visitor.home(onboarding_id)}/unlink"), "/unlink")
    answer = visitor.press(behind, "/confirm")
    assert heading(answer) == "You have already continued in another tab"
    assert state_of(onboarding_id) == "awaiting_seller"


def test_an_account_changed_in_another_tab_is_not_confirmed_unseen(app: FastAPI) -> None:
    onboarding_id = delegated()
    seller = signed_in(app, "two-shops", onboarding_id)
    first = seller.open(seller.home(onboarding_id))
    seller.press(first, "/link", seller_id="234561")
    seen = seller.open(seller.home(onboarding_id))
    seller.press(seller.open(f"{seller.home(onboarding_id)}/unlink"), "/unlink")
    seller.press(seller.open(seller.home(onboarding_id)), "/link", seller_id="234562")
    seller.press(seen, "/confirm")
    assert state_of(onboarding_id) == "seller_linked"


def test_the_steps_leave_out_what_a_type_does_not_have(app: FastAPI) -> None:
    for onboarding_id, step in (
        (delegated(), "Step 1 of 2"),
        (an_onboarding("seller_linked", connection_type="plugin"), "Step 4 of 4"),
        (an_onboarding("credentials_issued"), "Step 3 of 3"),
    ):
        visitor = a_visitor(app, onboarding_id)
        assert step in text(visitor.open(visitor.home(onboarding_id)))


def test_every_form_of_a_page_says_which_transition_it_has_seen(app: FastAPI) -> None:
    onboarding_id = delegated("seller_linked")
    visitor = a_visitor(app, onboarding_id)
    page = visitor.open(visitor.home(onboarding_id))
    _action, hidden = form_of(page, "/confirm")
    assert hidden == {"sequence": str(len(history(onboarding_id)))}


def answer_of(answer: object) -> tuple[int, str]:
    assert isinstance(answer, httpx.Response), answer
    return answer.status_code, answer.headers.get("location", "")


def history(onboarding_id: UUID) -> list[str]:
    with reading() as session:
        return [step.event for step in queries.history(session, onboarding_id)]


def links_of(onboarding_id: UUID) -> list[Link]:
    query = select(Link).where(Link.onboarding_id == onboarding_id).order_by(Link.created_at)
    with reading() as session:
        return list(session.scalars(query))
