"""From the client ID to a stored secret: shown in one answer, once."""

import gzip

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, update

from onboarding import access, checksums, credentials, db, lifecycle, outbox
from onboarding.db import transaction
from onboarding.models import (
    Message,
)
from onboarding.sealing import Keyring
from tests import builders
from tests.web.secret_walk import (
    EMAIL,
    at,
    click_often,
    events,
    page_of,
    path_of,
    prove,
    secret_on,
    the,
)
from tests.web.visiting import (
    a_site,
    a_visitor,
    errors,
    heading,
    letters,
    soup,
    text,
)

READY = {"en": "Your client secret is ready", "fr": "Votre secret client est prêt"}


@pytest.fixture
def app(ring: Keyring) -> FastAPI:
    return a_site(ring)


@pytest.mark.parametrize("locale", ["en", "fr"])
@pytest.mark.parametrize(
    ("walk", "end"),
    [
        ({"connection_type": "own_development"}, "awaiting_seller"),
        ({"connection_type": "plugin"}, "awaiting_seller"),
        ({"connection_type": "aggregator"}, "awaiting_seller"),
        ({"connection_type": "credentials_only"}, "credentials_issued"),
    ],
)
def test_the_secret_is_in_one_body_of_the_whole_walk(
    sqlite: Engine, app: FastAPI, locale: str, walk: dict[str, str], end: str
) -> None:
    visitor = at(app, "secret_ready", walk=walk, locale=locale)
    shown = visitor.press(page_of(visitor), "/secret-reveal")
    secret = secret_on(shown)
    assert checksums.well_formed(secret)
    page_of(visitor)
    visitor.press(shown, "/secret-acknowledgement", stored="yes")
    assert the(visitor).state == end
    page_of(visitor)
    assert [secret in body for body in visitor.bodies].count(True) == 1
    assert not [m for m in letters() if secret in m.text + m.html]


def test_every_page_fits_in_four_kilobytes_and_is_never_stored(
    sqlite: Engine, app: FastAPI
) -> None:
    """T33."""
    visitor = at(app, "type_chosen", locale="fr")
    pages = [page_of(visitor)]
    pages.append(prove(visitor, pages[0], email=EMAIL))
    pages.append(visitor.follow(visitor.press(pages[-1], "/client-id")))
    pages.append(visitor.press(pages[-1], "/secret-reveal"))
    pages.append(page_of(visitor))
    for page in pages:
        assert page.headers["cache-control"] == "no-store"
        assert len(gzip.compress(page.content)) < 4_000


def test_the_secret_is_in_no_address_that_the_page_offers(sqlite: Engine, app: FastAPI) -> None:
    """T33. A browser keeps addresses: in its history, and of each download."""
    visitor = at(app, "secret_ready")
    shown = visitor.press(page_of(visitor), "/secret-reveal")
    addresses = ("href", "src", "action", "formaction", "data", "content", "poster", "srcset")
    found = soup(shown).select(",".join(f"[{name}]" for name in addresses))
    told = [str(each.get(name, "")) for each in found for name in addresses]
    assert [each for each in told if secret_on(shown) in each] == []
    assert [each for each in told if each.startswith("data:")] == []


def test_the_page_with_the_secret_leads_nowhere_else(sqlite: Engine, app: FastAPI) -> None:
    """T65."""
    visitor = at(app, "secret_ready")
    shown = visitor.press(page_of(visitor), "/secret-reveal")
    leaving = [str(a["href"]) for a in soup(shown).select("a[href]")]
    assert [h for h in leaving if not h.startswith(("#", "mailto:"))] == []
    assert "$CLIENT_SECRET" in soup(shown).select("pre")[0].text
    assert not [pre for pre in soup(shown).select("pre") if secret_on(shown) in pre.text]


def test_reloading_after_the_secret_was_shown_never_shows_it_again(
    sqlite: Engine, app: FastAPI
) -> None:
    """T33."""
    visitor = at(app, "secret_ready")
    before = page_of(visitor)
    secret = secret_on(visitor.press(before, "/secret-reveal"))
    visitor.bodies.clear()
    for _ in range(10):
        again = visitor.follow(visitor.press(before, "/secret-reveal"))
        assert heading(again) == "Have you stored your client secret?"
        page_of(visitor)
        visitor.open(f"{path_of(visitor)}/secret-reveal")
    assert not [body for body in visitor.bodies if secret in body]
    assert events(visitor, "reveal_secret") == 1


def test_one_click_of_twenty_gets_the_secret(database: Engine, app: FastAPI) -> None:
    visitor = at(app, "secret_ready")
    outcomes = click_often(visitor, page_of(visitor), "/secret-reveal")
    shown = [page for _, page in outcomes if page.status_code == 200]
    assert len(shown) == 1
    assert {page.status_code for _, page in outcomes} == {200, 303}
    for one, page in outcomes:
        expected = "Store your" if page is shown[0] else "Have you stored your"
        assert heading(one.follow(page)) == f"{expected} client secret" + (
            " now" if page is shown[0] else "?"
        )


def test_twenty_clicks_acknowledge_once(database: Engine, app: FastAPI) -> None:
    visitor = at(app, "secret_ready")
    shown = visitor.press(page_of(visitor), "/secret-reveal")
    outcomes = click_often(visitor, shown, "/secret-acknowledgement", stored="yes")
    assert {answer.headers["location"] for _, answer in outcomes} == {path_of(visitor)}
    assert events(visitor, "acknowledge_secret") == 1


def test_twenty_clicks_on_the_last_new_secret_of_the_day_make_one(
    database: Engine, app: FastAPI
) -> None:
    visitor = at(app, "secret_revealed")
    for _ in range(credentials.REISSUES_A_DAY - 1):
        visitor.press(page_of(visitor), "/secret-reissue")
        visitor.press(page_of(visitor), "/secret-reveal")
    outcomes = click_often(visitor, page_of(visitor), "/secret-reissue")
    assert {answer.status_code for _, answer in outcomes} == {303}
    assert events(visitor, "reissue_secret") == credentials.REISSUES_A_DAY
    visitor.press(page_of(visitor), "/secret-reveal")
    refused = visitor.press(page_of(visitor), "/secret-reissue")
    assert (refused.status_code, heading(refused)) == (429, "Too many attempts")
    assert refused.headers["retry-after"] == str(24 * 3600)
    assert path_of(visitor) in [str(a["href"]) for a in soup(refused).select("main a")]


def test_a_tab_that_has_fallen_behind_is_told_and_changes_nothing(
    sqlite: Engine, app: FastAPI
) -> None:
    visitor = at(app, "secret_revealed")
    stale = page_of(visitor)
    visitor.press(stale, "/secret-reissue")
    visitor.press(page_of(visitor), "/secret-reveal")
    told = visitor.press(stale, "/secret-acknowledgement", ending="abcdef")
    assert heading(told) == "You have already continued in another tab"
    assert the(visitor).state == "secret_revealed"
    assert str(soup(told).select("main a.govuk-button")[0]["href"]) == path_of(visitor)


def test_a_stale_tab_does_not_show_the_next_secret(sqlite: Engine, app: FastAPI) -> None:
    visitor = at(app, "secret_ready")
    stale = page_of(visitor)
    visitor.press(stale, "/secret-reveal")
    visitor.press(page_of(visitor), "/secret-reissue")
    assert heading(visitor.follow(visitor.press(stale, "/secret-reveal"))) == READY["en"]
    assert the(visitor).state == "secret_ready"


def test_the_tick_and_the_ending_are_asked_for(sqlite: Engine, app: FastAPI) -> None:
    visitor = at(app, "secret_ready")
    shown = visitor.press(page_of(visitor), "/secret-reveal")
    secret = secret_on(shown)
    unticked = visitor.press(shown, "/secret-acknowledgement")
    assert unticked.status_code == 422
    assert "You did not tick" in errors(unticked)["ending"]
    assert secret[-6:] not in unticked.text
    for ending, said in (
        ("", "Enter the last 6 characters"),
        ("abc", "Enter the last 6 characters"),
        ("000000", "These are not the last 6 characters"),
    ):
        wrong = visitor.press(unticked, "/secret-acknowledgement", ending=ending)
        assert wrong.status_code == 422
        assert said in errors(wrong)["ending"]
        assert soup(wrong).select("#ending")[0]["value"] == ending
    assert the(visitor).state == "secret_revealed"
    # Whoever pastes all of it has it too.
    visitor.press(unticked, "/secret-acknowledgement", ending=f" {secret} ")
    assert the(visitor).state == "awaiting_seller"


def test_who_did_not_see_it_can_start_over_as_the_letter_says(sqlite: Engine, app: FastAPI) -> None:
    visitor = at(app, "secret_revealed")
    page = page_of(visitor)
    (over,) = soup(page).select('main a[href$="/start-over"]')
    assert visitor.get(str(over["href"])).status_code == 200
    assert "revoked at once" in text(page)


def test_a_secret_that_lapsed_is_made_again(sqlite: Engine, app: FastAPI) -> None:
    visitor = at(app, "secret_ready")
    with transaction() as session:
        lifecycle.fire(session, the(visitor).id, "lapse_secret", access.CLOCK)
    lapsed = page_of(visitor)
    assert heading(lapsed) == "Your client secret was destroyed unseen"
    assert "24 hours" in text(lapsed)
    assert heading(visitor.follow(visitor.press(lapsed, "/secret-reissue"))) == READY["en"]


def test_a_page_that_waits_says_so_and_says_when_something_is_wrong(
    sqlite: Engine, app: FastAPI
) -> None:
    onboarding_id = builders.an_onboarding("type_chosen", email=EMAIL)
    visitor = a_visitor(app, onboarding_id)
    outbox.publish_with(None)
    with transaction() as session:
        lifecycle.lock(session, onboarding_id).contact_verified_at = db.clock(session)
        credentials.issue_id(session, onboarding_id, builders.SELLER)
    page = page_of(visitor)
    waiting = soup(page).select("[data-follow]")[0]
    assert visitor.get(str(waiting["data-follow"])).text == waiting["data-seen"] == "3"
    assert EMAIL in text(page)
    with transaction() as session:
        session.execute(update(Message).values(failed_at=db.now(), cause="task_failed"))
    stuck = page_of(visitor)
    assert "Something went wrong on our side" in text(stuck)
    # An operator may have it tried again: then the page goes on.
    assert soup(stuck).select("[data-follow]")[0]["data-seen"] == "3"
