"""Before a client ID: an address is proved by its code, and one click of many counts."""

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding import proofs
from onboarding.models import (
    Client,
    ContactCode,
    Secret,
)
from onboarding.sealing import Keyring
from tests.web.secret_walk import (
    EMAIL,
    at,
    click_often,
    count,
    events,
    let_pass,
    page_of,
    path_of,
    prove,
    sign_in,
    the,
)
from tests.web.visiting import (
    Visitor,
    a_site,
    code_in,
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


@pytest.mark.parametrize("name", ["می\u200cخواهم", "\N{WOMAN}\u200d\N{WOMAN}\u200d\N{GIRL} shop"])
def test_a_name_keeps_what_joins_its_letters(sqlite: Engine, app: FastAPI, name: str) -> None:
    visitor = at(app, "type_chosen")
    page = prove(visitor, page_of(visitor), email=EMAIL)
    visitor.press(page, "/client-id", connection_name=f"\u202b{name}\u200d ")
    assert the(visitor).connection_name == name


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


def test_a_cookie_from_before_a_proof_shows_no_secret(sqlite: Engine, app: FastAPI) -> None:
    """Somebody may have planted it. It sees what it saw, until the new one is used."""
    visitor = at(app, "type_chosen")
    planted = Visitor(app, cookies=dict(visitor.cookies))
    path = path_of(visitor)
    proved = prove(visitor, page_of(visitor), email=EMAIL)
    assert visitor.cookies["onboarding"] != planted.cookies["onboarding"]
    assert planted.get(path).status_code == 200
    visitor.press(proved, "/client-id")
    assert planted.get(path).status_code == 404
    assert visitor.get(path).status_code == 200


def test_a_planted_cookie_asks_for_a_proof_before_it_acts(sqlite: Engine, app: FastAPI) -> None:
    visitor = at(app, "secret_ready")
    let_pass(visitor, proofs.PROOF_FRESH)
    planted = Visitor(app, cookies=dict(visitor.cookies))
    asked = visitor.follow(visitor.press(page_of(visitor), "/secret-reveal"))
    sent = visitor.follow(visitor.press(asked, "/contact"))
    visitor.press(sent, "/contact-code", code=code_in(letters()[0]))
    answer = planted.post(f"{path_of(visitor)}/secret-reveal")
    assert answer.headers["location"].endswith("/proof")
    assert the(visitor).state == "secret_ready"
    assert not [body for body in planted.bodies if "mps_test_" in body]


def test_a_proof_whose_answer_was_lost_locks_nobody_out(sqlite: Engine, app: FastAPI) -> None:
    """The code counted, and the new cookie never arrived."""
    visitor = at(app, "type_chosen")
    path, before = path_of(visitor), dict(visitor.cookies)
    prove(visitor, page_of(visitor), email=EMAIL)
    visitor.cookies = dict(before)
    assert visitor.get(path).status_code == 200
    asked = visitor.follow(visitor.post(f"{path}/contact", {"email": EMAIL}))
    again = visitor.follow(visitor.press(asked, "/contact-code", code=code_in(letters()[0])))
    visitor.press(again, "/client-id")
    assert visitor.cookies != before
    assert the(visitor).state == "secret_ready"


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
    assert "It works until" not in text(answers[-1])
    assert f"sent to {EMAIL} does not work any more" in text(answers[-1])
    assert visitor.cookies == before
    again = visitor.follow(visitor.press(answers[-1], "/contact"))
    assert visitor.press(again, "/contact-code", code=code_in(letters()[0])).status_code == 303


def test_whoever_asks_again_too_soon_is_told_that_one_is_on_its_way(
    sqlite: Engine, app: FastAPI
) -> None:
    visitor = at(app, "type_chosen")
    asked = visitor.follow(visitor.press(page_of(visitor), "/contact", email=EMAIL))
    assert "already on its way" not in text(asked)
    again = visitor.follow(visitor.press(asked, "/contact"))
    assert "already on its way. If it has not arrived after 30 seconds" in text(again)
    assert len(letters()) == 1
    let_pass(visitor, proofs.UNDER_WAY)
    assert "already on its way" not in text(visitor.follow(visitor.press(again, "/contact")))
    assert len(letters()) == 2


def test_an_old_code_is_over(sqlite: Engine, app: FastAPI) -> None:
    visitor = at(app, "type_chosen")
    asked = visitor.follow(visitor.press(page_of(visitor), "/contact", email=EMAIL))
    let_pass(visitor, proofs.CODE_LASTS)
    answer = visitor.press(asked, "/contact-code", code=code_in(letters()[0]))
    assert errors(answer) == {"code": "This code is too old. Send a new one"}
    assert "It works until" not in text(answer)


def test_a_sixth_code_within_an_hour_is_refused(sqlite: Engine, app: FastAPI) -> None:
    visitor = at(app, "type_chosen")
    for _ in range(proofs.CODES_AN_HOUR):
        asked = visitor.follow(visitor.press(page_of(visitor), "/contact", email=EMAIL))
        let_pass(visitor, proofs.UNDER_WAY)
    refused = visitor.press(asked, "/contact")
    assert (refused.status_code, heading(refused)) == (429, "Too many attempts")
    assert len(letters()) == proofs.CODES_AN_HOUR


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
