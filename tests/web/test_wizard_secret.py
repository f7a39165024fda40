"""From the chosen type to a stored secret: shown in one answer, to whoever has proved who they are."""

import gzip
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import unquote
from uuid import UUID, uuid4

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, func, select, update

from onboarding import access, credentials, db, lifecycle, proofs, queries
from onboarding.db import reading, transaction
from onboarding.models import (
    BrowserSession,
    Client,
    ContactCode,
    Grant,
    Message,
    Onboarding,
    Secret,
    Transition,
)
from onboarding.sealing import Keyring
from tests import builders
from tests.racing import race
from tests.web.visiting import (
    Visitor,
    a_site,
    a_visitor,
    code_in,
    errors,
    form_of,
    heading,
    letters,
    soup,
    text,
)

EMAIL = "ada@shop.example"
CLICKS = 20
# How the same page says it in French.
READY = {"en": "Your client secret is ready", "fr": "Votre secret client est prêt"}
GET_PAGES = ("", "/sequence", "/contact", "/contact-code", "/proof", "/save", "/saved")
FORMS = ("/client-id", "/contact", "/secret-reveal", "/secret-acknowledgement", "/secret-reissue")


@pytest.fixture
def app(ring: Keyring) -> FastAPI:
    return a_site(ring)


def at(app: FastAPI, state: str, connection_type: str = "own_development", **more: Any) -> Visitor:
    """A visitor who has come this far through the pages; `visitor.path` leads to the onboarding."""
    walk = {"connection_type": connection_type, **more.pop("walk", {})}
    visitor = a_visitor(app, builders.an_onboarding("type_chosen", **walk), **more)
    for step in _ROAD[: _ROAD.index(state) + 1]:
        _STEPS[step](visitor)
    assert the(visitor).state == state
    return visitor


def path_of(visitor: Visitor) -> str:
    """The address of the onboarding that the visitor has started last."""
    return visitor.home(the(visitor).id)


def the(visitor: Visitor) -> Onboarding:
    with reading() as session:
        browser = proofs.find_session(session, visitor.cookies["onboarding"])
        assert browser is not None
        return queries.for_browser(session, browser.id)[0]


def page_of(visitor: Visitor) -> httpx.Response:
    return visitor.open(path_of(visitor))


def prove(visitor: Visitor, page: httpx.Response, **typed: str) -> httpx.Response:
    """Ask for a code on a page, and enter it."""
    asked = visitor.follow(visitor.press(page, "/contact", **typed))
    code = code_in(letters("your code")[0] if visitor.locale == "en" else letters()[0])
    return visitor.follow(visitor.press(asked, "/contact-code", code=code))


def secret_on(page: httpx.Response) -> str:
    found = soup(page).select_one("#client_secret")
    assert found, text(page)
    return found.text


def let_pass(visitor: Visitor, length: timedelta) -> None:
    """Everything that was proved or sent is that much older."""
    with transaction() as session:
        for browser in session.scalars(select(BrowserSession)):
            if browser.proved_at:
                browser.proved_at -= length
        for code in session.scalars(select(ContactCode)):
            code.created_at -= length
            if code.used_at:
                code.used_at -= length


def count(*what: Any) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(what[0]).where(*what[1:])) or 0


def events(visitor: Visitor, event: str) -> int:
    return count(Transition, Transition.onboarding_id == the(visitor).id, Transition.event == event)


def click_often(visitor: Visitor, page: httpx.Response, form: str, **typed: str) -> list[Any]:
    """The same form, sent from as many threads at the same instant; each with the same cookies."""
    action, hidden = form_of(page, form)

    def click() -> tuple[Visitor, httpx.Response]:
        one = Visitor(visitor.app, visitor.locale, dict(visitor.cookies))
        return one, one.post(action, hidden | typed)

    outcomes = race(*[click] * CLICKS)
    assert not [o for o in outcomes if isinstance(o, Exception)], outcomes
    return outcomes


_ROAD = ["type_chosen", "secret_ready", "secret_revealed"]
_STEPS: dict[str, Callable[[Visitor], Any]] = {
    "type_chosen": page_of,
    "secret_ready": lambda visitor: visitor.press(
        prove(visitor, page_of(visitor), email=EMAIL), "/client-id"
    ),
    "secret_revealed": lambda visitor: visitor.press(page_of(visitor), "/secret-reveal"),
}


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
    assert credentials.well_formed(secret)
    page_of(visitor)
    visitor.press(shown, "/secret-acknowledgement", stored="yes")
    assert the(visitor).state == end
    page_of(visitor)
    assert [secret in body for body in visitor.bodies].count(True) == 1
    assert not [m for m in letters() if secret in m.text + m.html]


def test_every_page_fits_in_four_kilobytes_and_is_never_stored(
    sqlite: Engine, app: FastAPI
) -> None:
    visitor = at(app, "type_chosen", locale="fr")
    pages = [page_of(visitor)]
    pages.append(prove(visitor, pages[0], email=EMAIL))
    pages.append(visitor.follow(visitor.press(pages[-1], "/client-id")))
    pages.append(visitor.press(pages[-1], "/secret-reveal"))
    pages.append(page_of(visitor))
    for page in pages:
        assert page.headers["cache-control"] == "no-store"
        assert len(gzip.compress(page.content)) < 4_000


@pytest.mark.parametrize(
    ("walk", "words"),
    [
        ({"connection_type": "own_development"}, "and a link with your seller account"),
        ({"connection_type": "credentials_only"}, "is not linked to a seller account"),
        ({"connection_type": "aggregator"}, "in the settings of Feedwise"),
        ({"connection_type": "plugin"}, "in the settings of the plugin"),
    ],
)
def test_each_type_is_told_what_the_client_id_is_for(
    sqlite: Engine, app: FastAPI, walk: dict[str, str], words: str
) -> None:
    visitor = at(app, "type_chosen", walk=walk)
    page = page_of(visitor)
    assert words in text(page)
    may_sign_in = bool(soup(page).select("form[action$=sign-in]"))
    assert may_sign_in is (walk["connection_type"] != "credentials_only")


def test_the_name_of_the_connection_is_kept(sqlite: Engine, app: FastAPI) -> None:
    visitor = at(app, "type_chosen")
    page = prove(visitor, page_of(visitor), email=EMAIL)
    visitor.press(page, "/client-id", connection_name="  ERP\u200b  café ")
    assert the(visitor).connection_name == "ERP café"


def test_files_hold_exactly_the_two_values(sqlite: Engine, app: FastAPI) -> None:
    visitor = at(app, "secret_ready")
    shown = visitor.press(page_of(visitor), "/secret-reveal")
    links = {str(a["download"]): str(a["href"]) for a in soup(shown).select("a[download]")}
    content = {name: unquote(href.partition(",")[2]) for name, href in links.items()}
    client_id, secret = soup(shown).select("#client_id")[0].text, secret_on(shown)
    assert content["credentials.env"] == f"CLIENT_ID={client_id}\nCLIENT_SECRET={secret}\n"
    held = json.loads(content["credentials.json"])
    assert held == {"client_id": client_id, "client_secret": secret}
    assert all(href.startswith("data:") for href in links.values())


def test_the_page_with_the_secret_leads_nowhere_else(sqlite: Engine, app: FastAPI) -> None:
    visitor = at(app, "secret_ready")
    shown = visitor.press(page_of(visitor), "/secret-reveal")
    leaving = [str(a["href"]) for a in soup(shown).select("a[href]")]
    assert [h for h in leaving if not h.startswith(("#", "data:", "mailto:"))] == ["/en/"]
    assert "$CLIENT_SECRET" in soup(shown).select("pre")[0].text
    assert not [pre for pre in soup(shown).select("pre") if secret_on(shown) in pre.text]


def test_reloading_after_the_secret_was_shown_never_shows_it_again(
    sqlite: Engine, app: FastAPI
) -> None:
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


def test_twenty_clicks_issue_one_client_id_and_one_secret(database: Engine, app: FastAPI) -> None:
    visitor = at(app, "type_chosen")
    page = prove(visitor, page_of(visitor), email=EMAIL)
    outcomes = click_often(visitor, page, "/client-id")
    assert {heading(one.follow(answer)) for one, answer in outcomes} <= {
        READY["en"],
        "We are creating your client secret",
    }
    assert (count(Client), count(Secret), events(visitor, "issue_id")) == (1, 1, 1)
    assert len(letters("your client secret is ready")) == 1


def test_twenty_clicks_send_one_code(database: Engine, app: FastAPI) -> None:
    visitor = at(app, "type_chosen")
    outcomes = click_often(visitor, page_of(visitor), "/contact", email=EMAIL)
    assert {answer.status_code for _, answer in outcomes} == {303}
    assert len(letters()) == count(ContactCode) == 1


def test_twenty_clicks_with_a_right_code_all_lead_on(database: Engine, app: FastAPI) -> None:
    visitor = at(app, "type_chosen")
    asked = visitor.follow(visitor.press(page_of(visitor), "/contact", email=EMAIL))
    outcomes = click_often(visitor, asked, "/contact-code", code=code_in(letters()[0]))
    assert {answer.status_code for _, answer in outcomes} == {303}
    cookies = {one.cookies["onboarding"] for one, _ in outcomes} - {visitor.cookies["onboarding"]}
    assert len(cookies) == 1
    visitor.cookies["onboarding"] = cookies.pop()
    assert "Create my client ID" in text(page_of(visitor))


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


@pytest.mark.parametrize("locale", ["en", "fr"])
def test_an_old_proof_is_not_enough(sqlite: Engine, app: FastAPI, locale: str) -> None:
    visitor = at(app, "secret_ready", locale=locale)
    let_pass(visitor, proofs.PROOF_FRESH)
    asked = visitor.follow(visitor.press(page_of(visitor), "/secret-reveal"))
    assert EMAIL in text(asked)
    assert not soup(asked).select("form[action$=sign-in]")
    assert the(visitor).state == "secret_ready"
    proved = prove(visitor, asked)
    assert heading(proved) == READY[locale]
    assert credentials.well_formed(secret_on(visitor.press(proved, "/secret-reveal")))


def test_a_code_for_another_onboarding_proves_nothing_here(sqlite: Engine, app: FastAPI) -> None:
    visitor = at(app, "secret_ready")
    let_pass(visitor, proofs.PROOF_FRESH)
    page, mine = page_of(visitor), the(visitor).id
    other = builders.an_onboarding("type_chosen")
    with transaction() as session:
        browser = proofs.find_session(session, visitor.cookies["onboarding"])
        assert browser is not None
        proofs.grant(session, browser, other)
    prove(visitor, visitor.open(visitor.home(other)), email="mallory@shop.example")
    refused = visitor.press(page, "/secret-reveal")
    assert refused.headers["location"].endswith(f"{mine}/proof")
    assert builders.state_of(mine) == "secret_ready"


def test_a_code_goes_to_no_new_address_once_there_is_a_client_id(
    sqlite: Engine, app: FastAPI
) -> None:
    visitor = at(app, "secret_ready")
    let_pass(visitor, proofs.PROOF_FRESH)
    visitor.post(f"{path_of(visitor)}/contact", {"email": "mallory@shop.example"})
    visitor.post(f"{path_of(visitor)}/save", {"email": "mallory@shop.example"})
    assert {letter.to for letter in letters()} == {EMAIL}
    assert the(visitor).contact_email == EMAIL
    assert visitor.open(f"{path_of(visitor)}/contact").text == page_of(visitor).text


def sign_in(visitor: Visitor, subject: str) -> None:
    """As if the visitor were back from the Seller Portal this instant."""
    with transaction() as session:
        browser = proofs.find_session(session, visitor.cookies["onboarding"])
        assert browser is not None
        browser.issuer, browser.subject = "https://portal.example", subject
        visitor.cookies["onboarding"] = proofs.prove(session, browser)


def test_the_sign_in_that_asked_for_the_client_id_is_a_proof_and_no_other(
    sqlite: Engine, app: FastAPI
) -> None:
    visitor = at(app, "type_chosen")
    sign_in(visitor, "ada")
    visitor.press(page_of(visitor), "/client-id")
    let_pass(visitor, proofs.PROOF_FRESH)
    asked = visitor.follow(visitor.press(page_of(visitor), "/secret-reveal"))
    assert form_of(asked, "/sign-in")[1] == {"another": "yes"}
    assert not soup(asked).select("form[action$=contact]")
    sign_in(visitor, "mallory")
    assert heading(visitor.follow(visitor.press(page_of(visitor), "/secret-reveal"))) == (
        "Show that it is you"
    )
    sign_in(visitor, "ada")
    assert credentials.well_formed(secret_on(visitor.press(page_of(visitor), "/secret-reveal")))


def test_a_code_is_no_sign_in_of_whoever_was_here_before(sqlite: Engine, app: FastAPI) -> None:
    visitor = at(app, "type_chosen")
    sign_in(visitor, "ada")
    visitor.press(page_of(visitor), "/client-id")
    page = page_of(visitor)
    let_pass(visitor, proofs.PROOF_FRESH)
    other = builders.an_onboarding("type_chosen")
    with transaction() as session:
        browser = proofs.find_session(session, visitor.cookies["onboarding"])
        assert browser is not None
        proofs.grant(session, browser, other)
    asked = visitor.open(f"{visitor.home(other)}/contact")
    prove(visitor, asked, email="mallory@shop.example")
    assert visitor.press(page, "/secret-reveal").headers["location"].endswith("/proof")


def test_credentials_only_want_a_code_even_from_a_seller(sqlite: Engine, app: FastAPI) -> None:
    visitor = at(app, "type_chosen", "credentials_only")
    sign_in(visitor, "ada")
    assert "Send me a code" in text(page_of(visitor))
    visitor.post(f"{path_of(visitor)}/client-id", {"sequence": str(the(visitor).sequence)})
    assert the(visitor).state == "type_chosen"


def test_without_a_proved_contact_nothing_is_issued(sqlite: Engine, app: FastAPI) -> None:
    visitor = at(app, "type_chosen", walk={"email": EMAIL})
    told = visitor.post(f"{path_of(visitor)}/client-id", {"sequence": str(the(visitor).sequence)})
    assert told.status_code == 200
    assert (the(visitor).state, count(Client)) == ("type_chosen", 0)


def test_a_cookie_from_before_a_proof_is_worth_nothing(sqlite: Engine, app: FastAPI) -> None:
    visitor = at(app, "type_chosen")
    planted = Visitor(app, cookies=dict(visitor.cookies))
    path = path_of(visitor)
    assert planted.get(path).status_code == 200
    prove(visitor, page_of(visitor), email=EMAIL)
    assert visitor.cookies["onboarding"] != planted.cookies["onboarding"]
    assert planted.get(path).status_code == 404
    assert visitor.get(path).status_code == 200


def test_a_wrong_code_counts_until_it_is_over(sqlite: Engine, app: FastAPI) -> None:
    visitor = at(app, "type_chosen")
    asked = visitor.follow(visitor.press(page_of(visitor), "/contact", email=EMAIL))
    right = code_in(letters()[0])
    wrong = f"{(int(right) + 1) % 1_000_000:06}"
    before = dict(visitor.cookies)
    answers = [visitor.press(asked, "/contact-code", code=wrong) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [422] * 4 + [429]
    assert "This is not the code" in errors(answers[0])["code"]
    assert visitor.press(asked, "/contact-code", code=right).status_code == 429
    assert visitor.cookies == before
    again = visitor.follow(visitor.press(answers[-1], "/contact"))
    assert visitor.press(again, "/contact-code", code=code_in(letters()[0])).status_code == 303


def test_an_old_code_is_over(sqlite: Engine, app: FastAPI) -> None:
    visitor = at(app, "type_chosen")
    asked = visitor.follow(visitor.press(page_of(visitor), "/contact", email=EMAIL))
    let_pass(visitor, proofs.CODE_LASTS)
    answer = visitor.press(asked, "/contact-code", code=code_in(letters()[0]))
    assert errors(answer) == {"code": "This code is too old. Send a new one"}


def test_a_sixth_code_within_an_hour_is_refused(sqlite: Engine, app: FastAPI) -> None:
    visitor = at(app, "type_chosen")
    for _ in range(proofs.CODES_AN_HOUR):
        asked = visitor.follow(visitor.press(page_of(visitor), "/contact", email=EMAIL))
        let_pass(visitor, proofs.UNDER_WAY)
    refused = visitor.press(asked, "/contact")
    assert (refused.status_code, heading(refused)) == (429, "Too many attempts")
    assert len(letters()) == proofs.CODES_AN_HOUR


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
    _hold_the_work()
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
    assert not soup(stuck).select("[data-follow]")


def _hold_the_work() -> None:
    builders.outbox.publish_with(None)


@pytest.mark.parametrize("path", GET_PAGES)
def test_other_peoples_onboardings_look_like_none(sqlite: Engine, app: FastAPI, path: str) -> None:
    owner, stranger = at(app, "secret_ready"), a_visitor(app)
    theirs = stranger.get(path_of(owner) + path)
    nobodys = stranger.get(stranger.home(uuid4()) + path)
    assert theirs.status_code == nobodys.status_code == 404
    assert neutral(theirs) == neutral(nobodys)
    assert Visitor(app).get(path_of(owner) + path).status_code == 404


@pytest.mark.parametrize("path", FORMS)
def test_other_people_move_nothing(sqlite: Engine, app: FastAPI, path: str) -> None:
    owner, stranger = at(app, "secret_ready"), a_visitor(app)
    form = {"sequence": str(the(owner).sequence), "email": EMAIL, "stored": "yes"}
    form |= {"ending": "abcdef", "version": "1"}
    before = the(owner).sequence
    theirs = stranger.post(path_of(owner) + path, form)
    nobodys = stranger.post(stranger.home(uuid4()) + path, form)
    assert theirs.status_code == nobodys.status_code == 404
    assert neutral(theirs) == neutral(nobodys)
    assert the(owner).sequence == before


def test_a_strangers_code_leads_to_the_page_that_is_not_there(sqlite: Engine, app: FastAPI) -> None:
    owner, stranger = at(app, "type_chosen"), a_visitor(app)
    owner.press(page_of(owner), "/contact", email=EMAIL)
    code = code_in(letters()[0])
    answer = stranger.post(f"{path_of(owner)}/contact-code", {"code": code})
    assert stranger.follow(answer).status_code == 404
    assert count(ContactCode, ContactCode.used_at.is_not(None)) == 0


def neutral(page: httpx.Response) -> str:
    """A page without its own address, which its language links repeat."""
    found = soup(page)
    for link in found.select("a[hreflang]"):
        link.decompose()
    return found.prettify()


@pytest.mark.parametrize("path", ["/client-id", "/contact", "/secret-reveal", "/secret-reissue"])
@pytest.mark.parametrize("locale", ["de", "EN", "xx"])
def test_there_are_no_pages_in_other_languages(
    sqlite: Engine, app: FastAPI, path: str, locale: str
) -> None:
    visitor = at(app, "type_chosen")
    there = path_of(visitor).replace("/en/", f"/{locale}/")
    assert visitor.get(there).status_code == 404
    assert visitor.post(there + path).status_code == 404


BAD_TEXTS = (
    "",
    " ",
    "\x00",
    "a\x00@b.example",
    "\ud800",
    "\u202e",
    "'; --",
    "<b>",
    "٣" * 6,
    "9" * 9,
)
BAD_BODIES: tuple[dict[str, Any], ...] = (
    {"data": {}},
    {"content": b"", "headers": {"content-type": "text/plain"}},
    {"content": b"{}", "headers": {"content-type": "application/json"}},
    {"content": b"x", "headers": {"content-type": "multipart/form-data; boundary=y"}},
    {"content": b"a=%ff&email=%00&=&&&", "headers": {"content-type": "x/y; charset=none"}},
    {
        "content": b"email=a",
        "headers": {"content-type": "application/x-www-form-urlencoded; charset=none"},
    },
    {"files": dict.fromkeys(("email", "code", "ending", "connection_name", "sequence"), b"x")},
    {"data": {"email": "a" * 50_000, "sequence": "9" * 5_000, "ending": "x" * 5_000}},
    {"data": {"email": ["a", "b@"], "code": ["1", "2"], "sequence": ["1", "x"], "stored": "yes"}},
)


@pytest.mark.parametrize("state", ["type_chosen", "secret_revealed"])
@pytest.mark.parametrize("path", [*FORMS, "/contact-code", "/save"])
def test_no_input_breaks_a_form(sqlite: Engine, app: FastAPI, state: str, path: str) -> None:
    visitor = at(app, state)
    bodies = [*BAD_BODIES]
    for bad in BAD_TEXTS:
        names = ("email", "code", "ending", "connection_name", "version", "sequence")
        raw = bad.encode("utf-8", "surrogatepass")
        bodies.append({"data": dict.fromkeys(names, raw) | {"stored": "yes"}})
    for body in bodies:
        headers = {"sec-fetch-site": "same-origin"} | body.get("headers", {})
        answer = visitor.send("POST", path_of(visitor) + path, **(body | {"headers": headers}))
        assert answer.status_code in {200, 303, 413, 422, 429}, (body, answer.text)


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("email", "", "Enter your e-mail address"),
        ("email", "ada", "Enter an e-mail address in the right form, like name@example.com"),
        ("connection_name", "x" * 81, "The name of the connection must be 80 characters or fewer"),
        (
            "connection_name",
            "a\tb",
            "The name of the connection holds a character that we cannot read",
        ),
    ],
)
def test_a_mistake_is_said_and_kept(
    sqlite: Engine, app: FastAPI, field: str, typed: str, said: str
) -> None:
    visitor = at(app, "type_chosen")
    page = page_of(visitor)
    form = "/contact"
    if field == "connection_name":
        page, form = prove(visitor, page, email=EMAIL), "/client-id"
    wrong = visitor.press(page, form, **{field: typed})
    assert (wrong.status_code, errors(wrong)) == (422, {field: said})
    assert soup(wrong).select(f"#{field}")[0]["value"] == typed
    french = visitor.open(str(soup(wrong).select("a[hreflang=fr]")[0]["href"]))
    assert french.status_code == 200
    assert soup(french).select("html[lang=fr]")


@pytest.mark.parametrize("onboarding_id", ["x", "%00", "1" * 3000, str(UUID(int=0))])
def test_no_address_breaks_a_page(sqlite: Engine, app: FastAPI, onboarding_id: str) -> None:
    visitor = a_visitor(app)
    for path in GET_PAGES:
        assert visitor.get(f"/en/onboardings/{onboarding_id}{path}").status_code == 404
    for path in FORMS:
        assert visitor.post(f"/en/onboardings/{onboarding_id}{path}").status_code == 404


def test_a_grant_is_all_that_counts(sqlite: Engine, app: FastAPI) -> None:
    visitor = at(app, "secret_ready")
    path = path_of(visitor)
    with transaction() as session:
        for grant in session.scalars(select(Grant)):
            session.delete(grant)
    assert visitor.get(path).status_code == 404
