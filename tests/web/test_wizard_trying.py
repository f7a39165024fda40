"""Testing credentials and explaining errors on a page: every verdict that can be had here, in both languages."""

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding import checksums
from onboarding.sealing import Keyring
from onboarding.settings import settings
from onboarding.verdicts import CASES
from onboarding.words import LOCALES, translate
from tests import builders
from tests.dumping import dump
from tests.web.calling import in_one_moment, served
from tests.web.presenting import Caller, a_caller, wrong
from tests.web.visiting import Visitor, a_visitor, errors, text

SELLER = builders.ACCOUNT.seller_id


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return served(ring)


def tried(caller: Caller, locale: str = "en", **typed: str) -> str:
    """What the page says of these values; it shows no secret."""
    visitor = Visitor(caller.app, locale)
    form = {"test_client_id": caller.client_id, "test_client_secret": caller.secret} | typed
    page = visitor.press(visitor.open(f"/{locale}/test-credentials"), "/test-credentials", **form)
    assert page.status_code == 200
    assert page.headers["cache-control"] == "no-store"
    assert form["test_client_secret"] not in page.text
    return text(page)


def says(case: str, said: str, locale: str = "en") -> bool:
    """In this language, whichever kind of space it is written with."""
    parts = (" ".join(translate(locale, part).split()) for part in CASES[case][1:])
    return all(part in said for part in parts)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(
    ("case", "state", "seller_id"),
    [
        ("works", "confirmed", ""),
        ("works", "confirmed", SELLER),
        ("works", "confirmed", f"{SELLER[:4]} {SELLER[4:]}"),
        ("works_unlinked", "credentials_issued", ""),
        ("works_unlinked", "secret_revealed", ""),
        ("not_linked", "confirmed", "S-0000"),
        ("not_linked", "credentials_issued", SELLER),
        ("link_not_confirmed", "seller_linked", SELLER),
        ("link_not_confirmed", "seller_linked", ""),
        ("seller_unknown", "confirmed", "ada@shop.example"),
        ("seller_unknown", "confirmed", "é"),
    ],
)
def test_good_credentials_are_told_what_they_may(
    app: FastAPI, locale: str, case: str, state: str, seller_id: str
) -> None:
    assert says(case, tried(a_caller(app, state), locale, test_seller_id=seller_id), locale)


@pytest.mark.parametrize("locale", LOCALES)
def test_bad_credentials_are_told_why(app: FastAPI, locale: str) -> None:
    caller = a_caller(app)
    secret = caller.secret
    for case, given in (
        ("mistyped_secret", secret[:-1]),
        ("mistyped_secret", secret[:20] + secret[21:]),
        ("mistyped_secret", secret.swapcase()),
        ("invalid_client", wrong(secret)),
    ):
        assert says(case, tried(caller, locale, test_client_secret=given), locale)
    assert says("invalid_client", tried(caller, locale, test_client_id="cid_x"), locale)
    assert says("works", tried(caller, locale, test_client_secret=f" {secret}\u200b "), locale)


@pytest.mark.parametrize("swapped", ["test_client_id", "test_seller_id"])
def test_a_secret_in_the_wrong_field_is_not_shown_again(app: FastAPI, swapped: str) -> None:
    caller = a_caller(app)
    for secret in (caller.secret, caller.secret[:-3]):
        visitor = Visitor(app)
        form = {"test_client_id": caller.client_id, "test_client_secret": caller.secret}
        page = visitor.press(
            visitor.open("/en/test-credentials"), "/test-credentials", **form | {swapped: secret}
        )
        assert page.status_code == 422
        assert secret not in page.text
        assert "This is a client secret: enter the" in errors(page)[swapped]


def test_a_secret_that_is_typed_into_any_field_is_not_shown_again(app: FastAPI) -> None:
    visitor = a_visitor(app, one := builders.an_onboarding("type_chosen"))
    secret = checksums.new(f"{settings().secret_prefix}_test_")
    page = visitor.post(f"/en/onboardings/{one}/contact", {"email": secret})
    assert page.status_code == 422
    assert secret not in page.text


def test_whoever_guesses_is_told_to_wait(app: FastAPI) -> None:
    caller = a_caller(in_one_moment(app))
    said = [tried(caller, test_client_secret=wrong(caller.secret)) for _ in range(31)]
    assert says("invalid_client", said[0])
    assert says("too_many", said[-1])
    assert says("works", tried(caller))


def test_a_test_changes_nothing(app: FastAPI, database: Engine) -> None:
    caller = a_caller(app, "secret_revealed")
    before = dump(database)
    tried(caller)
    tried(caller, test_client_secret=wrong(caller.secret))
    assert dump(database) == before


def test_what_is_missing_is_asked_for_and_what_is_no_secret_is_kept(app: FastAPI) -> None:
    visitor = Visitor(app)
    page = visitor.post("/en/test-credentials", {"test_client_id": "cid_1"})
    assert page.status_code == 422
    assert errors(page) == {"test_client_secret": "Enter the client secret"}
    assert 'value="cid_1"' in page.text
    page = visitor.post("/en/test-credentials", {"test_client_secret": "mps_live_x"})
    assert errors(page) == {"test_client_id": "Enter the client ID"}
    assert "mps_live_x" not in page.text
    assert errors(visitor.post("/en/explain-error")) == {"error_text": "Paste the error"}


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("case", ["invalid_client", "not_json", "tls_failed", "not_recognised"])
def test_an_error_is_explained_and_not_shown_again(app: FastAPI, locale: str, case: str) -> None:
    pasted = {
        "invalid_client": '{"error": "invalid_client", "sent": "mps_live_x"}',
        "not_json": "<!doctype html><script>alert('mps_live_x')</script>",
        "tls_failed": "SSL: CERTIFICATE_VERIFY_FAILED mps_live_x",
        "not_recognised": "mps_live_x",
    }[case]
    page = Visitor(app, locale).post(f"/{locale}/explain-error", {"error_text": pasted})
    assert says(case, text(page), locale)
    assert "mps_live_x" not in page.text


@pytest.mark.parametrize("state", ["secret_revealed", "confirmed", "credentials_issued"])
def test_the_form_stands_where_credentials_are(app: FastAPI, state: str) -> None:
    caller = a_caller(app, state)
    visitor = a_visitor(app, caller.id)
    page = visitor.open(visitor.home(caller.id))
    answer = visitor.press(
        page,
        "/test-credentials",
        test_client_id=caller.client_id,
        test_client_secret=caller.secret,
    )
    assert says("works" if state == "confirmed" else "works_unlinked", text(answer))
    assert f'value="{caller.client_id}"' in page.text


@pytest.mark.parametrize("state", ["confirmed", "credentials_issued"])
def test_the_last_page_says_when_the_first_call_was_seen(app: FastAPI, state: str) -> None:
    caller = a_caller(app, state)
    visitor = a_visitor(app, caller.id)
    assert "not seen a call" in text(visitor.open(visitor.home(caller.id)))
    caller.token()
    assert "First call seen on" in text(visitor.open(visitor.home(caller.id)))
