"""One browser session follows another: what the new one knows, and what the old one still sees."""

from datetime import timedelta

from sqlalchemy import Engine

from onboarding import db, proofs
from onboarding.db import transaction
from onboarding.models import BrowserSession
from tests.builders import an_onboarding, make_older
from tests.test_proofs import MARGIN, browser_of, is_fresh, may_move, open_browser, prove


def sign_in(token: str, subject: str) -> None:
    with transaction() as session:
        browser = proofs.find_session(session, token)
        assert browser is not None
        browser.issuer, browser.subject, browser.seller_name = "https://p.example", subject, "Ada"
        browser.accounts, browser.signed_in_at = {"accounts": [1]}, db.clock(session)


def use(token: str) -> None:
    """A form is sent."""
    with transaction() as session:
        browser = proofs.find_session(session, token)
        assert browser is not None
        proofs.touch(session, browser)


def test_a_proof_starts_another_session_that_sees_the_same(database: Engine) -> None:
    onboarding_id = an_onboarding()
    browser_id, token = open_browser()
    with transaction() as session:
        proofs.grant(session, session.get_one(BrowserSession, browser_id), onboarding_id)
    sign_in(token, "ada")
    heir = browser_of(prove(token))
    assert heir is not None
    assert heir.id != browser_id
    assert may_move(heir.id, onboarding_id)
    assert (heir.subject, heir.seller_name, heir.accounts) == ("ada", "Ada", {"accounts": [1]})
    assert is_fresh(heir.id)


def test_a_cookie_from_before_a_proof_has_nothing_that_was_proved(database: Engine) -> None:
    """Somebody may have planted it: it sees what it saw before, for a few minutes more."""
    before, after = an_onboarding(), an_onboarding()
    browser_id, planted = open_browser()
    with transaction() as session:
        proofs.grant(session, session.get_one(BrowserSession, browser_id), before)
    sign_in(planted, "ada")
    heir = browser_of(prove(planted))
    assert heir is not None
    with transaction() as session:
        proofs.grant(session, session.get_one(BrowserSession, heir.id), after)
    old = browser_of(planted)
    assert old is not None
    assert (old.issuer, old.subject, old.seller_name, old.accounts) == (None, None, None, {})
    assert not is_fresh(old.id)
    assert may_move(old.id, before)
    assert not may_move(old.id, after)
    use(planted)
    make_older(BrowserSession, "succeeded_at", timedelta(minutes=10) - MARGIN)
    assert browser_of(planted) is not None
    make_older(BrowserSession, "succeeded_at", MARGIN)
    assert browser_of(planted) is None


def test_a_lost_cookie_is_proved_for_again_and_no_later_than_the_first(database: Engine) -> None:
    _, token = open_browser()
    prove(token)
    make_older(BrowserSession, "succeeded_at", timedelta(minutes=9))
    heir = browser_of(prove(token))
    assert heir is not None
    assert is_fresh(heir.id)
    make_older(BrowserSession, "succeeded_at", timedelta(minutes=1))
    assert browser_of(token) is None


def test_the_old_cookie_ends_with_the_first_form_under_the_new_one(database: Engine) -> None:
    _, old = open_browser()
    new = prove(old)
    assert browser_of(old) is not None
    use(new)
    assert browser_of(old) is None
    assert browser_of(new) is not None


def test_who_signs_out_ends_the_cookies_before_too(database: Engine) -> None:
    _, first = open_browser()
    second = prove(first)
    third = prove(second)
    with transaction() as session:
        session.delete(proofs.find_session(session, third))
    assert [browser_of(token) for token in (first, second, third)] == [None] * 3


def test_a_sign_in_counts_for_a_day_however_long_the_session_lasts(database: Engine) -> None:
    _, token = open_browser()
    sign_in(token, "ada")
    make_older(BrowserSession, "signed_in_at", timedelta(hours=24) - MARGIN)
    found = browser_of(token)
    assert found is not None
    assert found.subject == "ada"
    make_older(BrowserSession, "signed_in_at", MARGIN)
    use(token)
    found = browser_of(prove(token))
    assert found is not None
    assert (found.issuer, found.subject, found.seller_name, found.accounts) == (None,) * 3 + ({},)
