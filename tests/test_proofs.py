"""What a browser has proved: cookies and links work for their owner, for their time, and once."""

import base64
import secrets
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from onboarding import db, proofs
from onboarding.access import Actor
from onboarding.db import reading, transaction
from onboarding.errors import NotFound
from onboarding.ids import new_id
from onboarding.models import BrowserSession, Grant, ResumeLink
from onboarding.sealing import Keyring, open_keyring
from tests import builders
from tests.builders import ACCOUNT, an_onboarding, fire, make_older
from tests.dumping import everything_written
from tests.racing import race

MARGIN = timedelta(seconds=30)
GARBAGE = ["", "x", "é", "\ud800", "\0", "=" * 40, "A" * 64, "A" * 43, "../" * 9, " " * 64]


def open_browser() -> tuple[UUID, str]:
    with transaction() as session:
        browser, token = proofs.open_session(session)
        return browser.id, token


def browser_of(token: str) -> BrowserSession | None:
    with reading() as session:
        return proofs.find_session(session, token)


def test_a_cookie_leads_to_its_session_and_no_other_does(database: Engine) -> None:
    (mine, token), (other, _) = open_browser(), open_browser()
    found = browser_of(token)
    assert found is not None
    assert found.id == mine != other
    for wrong in (*GARBAGE[:3], token[:-1], token + "x", token.swapcase(), str(mine)):
        assert browser_of(wrong) is None


def test_cookies_and_links_are_not_in_the_database(database: Engine, ring: Keyring) -> None:
    """T46."""
    onboarding_id = an_onboarding()
    _, token = open_browser()
    link = resume_link(onboarding_id, ring)
    everything = everything_written(database)
    for value in (token, link, link[22:], base64.urlsafe_b64decode(link + "==")[16:]):
        assert (value if isinstance(value, bytes) else value.encode()) not in everything


def test_a_session_ends_after_thirty_days_without_use(database: Engine) -> None:
    _, token = open_browser()
    make_older(BrowserSession, "seen_at", timedelta(days=30) - MARGIN)
    assert browser_of(token) is not None
    make_older(BrowserSession, "seen_at", MARGIN)
    assert browser_of(token) is None


def prove(token: str) -> str:
    with transaction() as session:
        browser = proofs.find_session(session, token)
        assert browser is not None
        return proofs.prove(session, browser)


def is_fresh(browser_id: UUID) -> bool:
    with reading() as session:
        return proofs.is_fresh(session, session.get_one(BrowserSession, browser_id))


def test_a_proof_is_fresh_for_ten_minutes(database: Engine) -> None:
    browser_id, token = open_browser()
    assert not is_fresh(browser_id)
    heir = browser_of(prove(token))
    assert heir is not None
    assert is_fresh(heir.id)
    make_older(BrowserSession, "proved_at", timedelta(minutes=10) - MARGIN)
    assert is_fresh(heir.id)
    make_older(BrowserSession, "proved_at", MARGIN)
    assert not is_fresh(heir.id)


def may_move(browser_id: UUID, onboarding_id: UUID) -> bool:
    with reading() as session:
        browser = session.get_one(BrowserSession, browser_id)
        return proofs.may_move(session, browser, onboarding_id)


def test_a_browser_moves_what_it_was_granted(database: Engine) -> None:
    mine, other = an_onboarding(), an_onboarding()
    (browser_id, _), (stranger, _) = open_browser(), open_browser()
    for _ in range(2):
        with transaction() as session:
            proofs.grant(session, session.get_one(BrowserSession, browser_id), mine)
    assert may_move(browser_id, mine)
    assert not may_move(browser_id, other)
    assert not may_move(stranger, mine)
    assert not may_move(browser_id, new_id())


def test_who_signed_in_to_the_linked_account_may_move_it(database: Engine) -> None:
    """T12. The same subject at another provider is somebody else."""
    onboarding_id = an_onboarding("seller_linked")
    browsers = [open_browser()[0] for _ in range(3)]
    identities = [
        (ACCOUNT.issuer, ACCOUNT.subject),
        (ACCOUNT.issuer, "subject-2"),
        ("https://other.example", ACCOUNT.subject),
    ]
    with transaction() as session:
        for browser_id, (issuer, subject) in zip(browsers, identities, strict=True):
            browser = session.get_one(BrowserSession, browser_id)
            browser.issuer, browser.subject = issuer, subject
            browser.signed_in_at = db.clock(session)
    assert [may_move(one, onboarding_id) for one in browsers] == [True, False, False]
    fire(onboarding_id, "unlink_seller")
    assert not may_move(browsers[0], onboarding_id)


def test_history_names_an_account_or_a_browser_and_no_person(database: Engine) -> None:
    browser_id, _ = open_browser()
    with reading() as session:
        browser = session.get_one(BrowserSession, browser_id)
    assert proofs.actor(browser).id == f"browser:{browser_id}"
    browser.issuer, browser.subject = ACCOUNT.issuer, ACCOUNT.subject
    assert proofs.actor(browser) == Actor("seller", "https://portal.example#subject-1")


def test_two_people_are_never_one_actor() -> None:
    longest = "https://portal.example/" + "x" * 232
    actors = {
        proofs.actor(BrowserSession(issuer=longest, subject="s" * 254 + last)).id for last in "ab"
    }
    assert len(actors) == 2
    assert all(len(actor) <= 200 for actor in actors)


def resume_link(onboarding_id: UUID, ring: Keyring) -> str:
    link_id = new_id()
    for _ in range(2):
        with transaction() as session:
            proofs.add_resume_link(session, link_id, onboarding_id)
    return proofs.resume_token(ring, link_id)


def resume(token: str, ring: Keyring) -> UUID:
    browser_id, _ = open_browser()
    with transaction() as session:
        link = proofs.find_resume_link(session, ring, token)
        if link is None:
            raise NotFound
        proofs.use_resume_link(session, session.get_one(BrowserSession, browser_id), link)
    return browser_id


def test_a_resume_link_lets_one_browser_in_once(database: Engine, ring: Keyring) -> None:
    onboarding_id = an_onboarding()
    token = resume_link(onboarding_id, ring)
    browser_id = resume(token, ring)
    assert may_move(browser_id, onboarding_id)
    with pytest.raises(NotFound):
        resume(token, ring)


def test_a_resume_link_opened_sixteen_times_at_once_lets_one_in(
    database: Engine, ring: Keyring
) -> None:
    token = resume_link(an_onboarding(), ring)
    outcomes = race(*[lambda: resume(token, ring)] * 16)
    assert sum(isinstance(o, UUID) for o in outcomes) == 1
    assert sum(isinstance(o, NotFound) for o in outcomes) == 15, outcomes
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(Grant)) == 1


def test_a_resume_link_lasts_three_days(database: Engine, ring: Keyring) -> None:
    token = resume_link(an_onboarding(), ring)
    make_older(ResumeLink, "created_at", timedelta(hours=72) + MARGIN)
    with pytest.raises(NotFound):
        resume(token, ring)


def test_only_our_keyring_makes_resume_links(
    database: Engine, ring: Keyring, tmp_path_factory: pytest.TempPathFactory
) -> None:
    link_id = new_id()
    with transaction() as session:
        proofs.add_resume_link(session, link_id, an_onboarding_in(session))
    right = proofs.resume_token(ring, link_id)
    other = open_keyring(tmp_path_factory.mktemp("other"))
    forged = [
        proofs.resume_token(other, link_id),
        base64.urlsafe_b64encode(link_id.bytes + secrets.token_bytes(32)).decode(),
        right[:-1] + ("A" if right[-1] != "A" else "B"),
        right + "=",
        right + "\n",
        *GARBAGE,
    ]
    for token in forged:
        with pytest.raises(NotFound):
            resume(token, ring)
    resume(right, ring)


def an_onboarding_in(session: Session) -> UUID:
    return builders.start(session).id
