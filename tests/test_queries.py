"""The questions that pages and operators ask: right answers, and found by an index among many."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from onboarding import db, finding, queries, redelivery
from onboarding.chart import NEXT_MOVE, OPEN, STATES
from onboarding.db import reading, transaction
from onboarding.errors import NotFound
from onboarding.filters import Filter
from onboarding.finding import Place
from onboarding.ids import new_id
from onboarding.models import BrowserSession, Grant, Message, Onboarding
from tests.builders import (
    ACCOUNT,
    a_message,
    age,
    an_onboarding,
    fire,
    make_older,
    the,
    work,
)
from tests.test_outbox import claimed, fail, pass_time

MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("state", sorted(OPEN))
def test_whose_turn_lasts_too_long_is_overdue_and_nobody_else(database: Engine, state: str) -> None:
    onboarding_id = an_onboarding(state)
    age(onboarding_id, NEXT_MOVE[state].overdue_after - MINUTE / 2)
    with reading() as session:
        assert queries.overdue(session) == []
    age(onboarding_id, MINUTE)
    with reading() as session:
        assert [one.id for one in queries.overdue(session)] == [onboarding_id]


def test_what_has_ended_is_never_overdue(database: Engine) -> None:
    for state in set(STATES) - OPEN:
        age(an_onboarding(state), timedelta(days=4000))
    with reading() as session:
        assert queries.overdue(session) == []


def test_the_longest_overdue_comes_first(database: Engine) -> None:
    ids = [an_onboarding("type_chosen") for _ in range(3)]
    for number, onboarding_id in enumerate(ids):
        age(onboarding_id, timedelta(days=8 + number))
    with reading() as session:
        assert [one.id for one in queries.overdue(session, limit=2)] == [ids[2], ids[1]]


def test_the_overdue_of_one_state_are_asked_for_alone(database: Engine) -> None:
    early, late = an_onboarding("type_chosen"), an_onboarding("issuing_secret")
    age(early, timedelta(days=9))
    age(late, timedelta(days=8))
    with reading() as session:
        assert [one.id for one in queries.overdue(session)] == [early, late]
        assert [one.id for one in queries.overdue(session, states=["issuing_secret"])] == [late]
        assert queries.overdue(session, states=["cancelled"]) == []


def test_what_moved_last_is_known(database: Engine) -> None:
    with reading() as session:
        assert queries.latest_transition_at(session) is None
    ids = [an_onboarding(state) for state in ("type_chosen", "started", "cancelled")]
    age(ids[2], timedelta(days=1))
    with reading() as session:
        assert queries.latest_transition_at(session) == the(ids[1]).entered_at


def test_incidents_are_what_failed_for_good(database: Engine) -> None:
    bad, waiting, fine = a_message(), a_message(), a_message()
    fail(claimed(bad), final=True)
    fail(claimed(waiting))
    with reading() as session:
        assert [one.id for one in queries.incidents(session)] == [bad]
        count, since = queries.unfinished(session)
        assert count == 2
        assert since is not None
    with transaction() as session:
        redelivery.retry(session, bad)
    with reading() as session:
        assert queries.incidents(session) == []
        assert queries.unfinished(session)[0] == 3
    assert fine


def test_what_rests_after_a_failure_waits_from_the_end_of_its_rest(database: Engine) -> None:
    resting = a_message()
    make_older(Message, "created_at", timedelta(hours=9))
    fail(claimed(resting))
    with reading() as session:
        count, since = queries.unfinished(session)
        assert (count, since and since > db.clock(session)) == (1, True)
    pass_time(resting, timedelta(hours=2))
    with reading() as session:
        since = queries.unfinished(session)[1]
        assert since
        assert timedelta(hours=1) < db.clock(session) - since < timedelta(hours=3)


def test_nothing_unfinished_has_no_oldest(database: Engine) -> None:
    with reading() as session:
        assert queries.unfinished(session) == (0, None)
        assert queries.counts(session) == {}


def test_an_onboarding_is_found_by_what_an_operator_has(database: Engine) -> None:
    onboarding = the(an_onboarding())
    with reading() as session:
        for asked in (
            onboarding.reference,
            f"  {onboarding.reference.lower()} ",
            str(onboarding.id),
            onboarding.id.hex.upper(),
        ):
            assert queries.by_reference(session, asked).id == onboarding.id
        for wrong in ("", "ONB-00000-0000O", str(new_id()), "'; --", "%", "é"):
            with pytest.raises(NotFound):
                queries.by_reference(session, wrong)
        with pytest.raises(NotFound):
            queries.by_id(session, new_id())


def test_pages_of_the_latest_follow_each_other(database: Engine) -> None:
    ids = sorted((an_onboarding() for _ in range(5)), reverse=True)
    with reading() as session:
        first = [one.id for one in finding.page(session, Filter(), 2)]
        second = [one.id for one in finding.page(session, Filter(), 2, after=Place(first[-1]))]
        third = [one.id for one in finding.page(session, Filter(), 2, after=Place(second[-1]))]
        assert [*first, *second, *third] == ids
        assert finding.page(session, Filter(state="cancelled"), 9) == []
        nobodys = Onboarding.system_id == new_id()
        assert finding.page(session, Filter(), 9, within=nobodys) == []


def test_states_are_counted(database: Engine) -> None:
    for state in ("started", "started", "cancelled"):
        an_onboarding(state)
    with reading() as session:
        assert queries.counts(session) == {"started": 2, "cancelled": 1}


def test_a_seller_finds_what_is_linked_and_a_browser_what_it_started(database: Engine) -> None:
    linked, other = an_onboarding("seller_linked"), an_onboarding()
    with transaction() as session:
        browser = BrowserSession(id=new_id(), token_hash=bytes(32), accounts={})
        session.add(browser)
        session.flush()
        session.add(Grant(session_id=browser.id, onboarding_id=other))
    with reading() as session:
        mine = queries.for_seller(session, ACCOUNT.issuer, ACCOUNT.subject)
        assert [one.id for one in mine] == [linked]
        assert queries.for_seller(session, ACCOUNT.issuer, "subject-2") == []
        assert queries.for_seller(session, "https://other.example", ACCOUNT.subject) == []
        assert [one.id for one in queries.for_browser(session, browser.id)] == [other]
        assert queries.for_browser(session, new_id()) == []
    fire(linked, "unlink_seller")
    with reading() as session:
        assert queries.for_seller(session, ACCOUNT.issuer, ACCOUNT.subject) == []


def test_what_was_promised_sent_and_issued_is_listed(database: Engine) -> None:
    onboarding_id = an_onboarding("secret_revealed", email="seller@shop.example")
    fire(onboarding_id, "reissue_secret")
    work(onboarding_id)
    fire(onboarding_id, "cancel")
    with reading() as session:
        assert [m.task for m in queries.messages_of(session, onboarding_id)] == [
            "send_email",
            "revoke_client",
        ]
        assert "secret_ready" in {mail.notice for mail in queries.mails_of(session, onboarding_id)}
        assert [s.version for s in queries.secrets_of(session, onboarding_id)] == [1, 2]


def test_every_question_only_looks(database: Engine) -> None:
    an_onboarding("seller_linked", email="seller@shop.example")
    with reading() as session:
        for question in (queries.overdue, queries.incidents, queries.counts, queries.unfinished):
            question(session)
        assert [*session.new, *session.dirty] == []
