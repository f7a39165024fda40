"""Operators are told when a saved view holds more than so many: once, and again only after it did not."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, update

from onboarding import audit, db, operators, outbox, views, watching
from onboarding.db import reading, transaction
from onboarding.errors import Invalid, NotFound
from onboarding.mail import Letter
from onboarding.models import Operator, SavedView, ViewAlert
from onboarding.settings import settings
from tests.builders import SELLER, an_onboarding, fire, keyring, promised, work
from tests.racing import race
from tests.watched import EMAIL, a_watched_view, an_operator
from workers import clock

HOUR = timedelta(hours=1)
STARTED = "state=started"


@pytest.fixture(autouse=True)
def _database(database: Engine) -> None:
    """Each of these on both."""


def later(by: timedelta = timedelta(minutes=1)) -> int:
    """So much time goes by, then somebody looks; how many letters are promised then."""
    with transaction() as session:
        for each in session.query(ViewAlert):
            each.look_at -= by
            each.told_at = each.told_at - by if each.told_at else None
    return clock.tell_operators().done


def numbers() -> list[int]:
    return [int(message.about["number"]) for message in promised("tell_operator")]


def letters() -> list[str]:
    """The texts of all that was written, in no order."""
    return [path.read_text() for path in settings().mail_dir.glob("*.eml")]


def test_it_is_told_once_it_holds_more() -> None:
    a_watched_view(STARTED, above=1)
    an_onboarding("started")
    assert later() == 0
    an_onboarding("started")
    assert later() == 1
    assert numbers() == [2]


def test_it_is_told_again_only_after_it_held_no_more_and_once_an_hour() -> None:
    a_watched_view(STARTED, above=0)
    one = an_onboarding("started")
    assert later() == 1
    assert [later(HOUR) for _ in range(3)] == [0, 0, 0]
    fire(one, "cancel", SELLER)
    assert later() == 0
    two = an_onboarding("started")
    assert later() == 1
    fire(two, "cancel", SELLER)
    assert later() == 0
    an_onboarding("started")
    assert later(timedelta(minutes=50)) == 0
    assert later(timedelta(minutes=10)) == 1


def test_a_view_is_counted_once_a_minute() -> None:
    a_watched_view(STARTED, above=0)
    assert clock.tell_operators().done == 0
    an_onboarding("started")
    assert clock.tell_operators().done == 0
    assert later(timedelta(seconds=61)) == 1


def test_of_sweeps_at_once_one_tells() -> None:
    a_watched_view(STARTED, above=0)
    an_onboarding("started")
    race(*[clock.tell_operators] * 6)
    assert numbers() == [1]


def test_each_is_told_above_their_own_number_and_in_their_language() -> None:
    view_id = a_watched_view(STARTED, above=0, name="Débuts & <b>")
    sam = an_operator("Sam", "sam@market.example", "viewer")
    with transaction() as session:
        watching.ask(session, keyring(), sam, view_id, "1", "fr")
    an_onboarding("started")
    assert later() == 1
    an_onboarding("started")
    assert later() == 1
    work()
    to = {"mara": "", "sam": ""}
    for text in letters():
        to["sam" if "To: sam@market.example" in text else "mara"] = text
    assert "Content-Language: en" in to["mara"]
    assert "Content-Language: fr" in to["sam"]


def test_the_letter_says_what_and_where() -> None:
    a_watched_view(STARTED, above=0, name="Early =?x <b>")
    an_onboarding("started")
    later()
    (message,) = promised("tell_operator")
    assert EMAIL not in str(message.about)
    letter = written(message.id)
    assert letter.subject == "Early = ?x <b>: more than 0"
    assert "holds 1 onboarding. You asked" in " ".join(letter.text.split())
    assert f"{settings().base_url}/en/console/onboardings?{STARTED}" in letter.text
    assert "&lt;b&gt;" in letter.html
    assert "reference" not in letter.text
    assert repr(letter.to) == "ma***@ma***.example"


def written(message_id: UUID) -> Letter:
    with transaction() as session:
        claim = outbox.claim(session, message_id)
        assert claim
        letter = watching.letter(session, claim, settings())
    assert letter
    return letter


@pytest.mark.parametrize("why", ["stopped", "deleted", "no address", "long ago"])
def test_nothing_is_sent_to_who_does_not_want_it_or_cannot_be_reached(why: str) -> None:
    who = an_operator()
    view_id = a_watched_view(STARTED, above=0, who=who)
    an_onboarding("started")
    assert later() == 1
    with transaction() as session:
        if why == "stopped":
            watching.stop(session, keyring(), who, view_id)
        elif why == "deleted":
            views.remove(session, keyring(), who, view_id)
        elif why == "no address":
            operators.known(session, "tests", "Mara", "Mara", "operator")
        else:
            ago = db.in_seconds(-31 * 86_400.0)
            session.execute(update(Operator).values(email_given_at=ago))
    work()
    assert promised("tell_operator") == []
    assert letters() == []


def test_a_view_that_is_deleted_or_of_another_version_is_not_counted() -> None:
    a_watched_view(STARTED, above=0)
    an_onboarding("started")
    with transaction() as session:
        session.execute(update(SavedView).values(query="state=gone"))
    assert later() == 0
    with transaction() as session:
        session.execute(update(SavedView).values(query=STARTED, deleted_at=db.now()))
    assert later() == 0
    with transaction() as session:
        session.execute(update(SavedView).values(deleted_at=None))
    assert later() == 1


def test_who_asks_has_an_address_a_number_and_sees_the_view() -> None:
    view_id = a_watched_view(STARTED, above=3)
    nobody = an_operator("Nobody", None)
    with pytest.raises(Invalid), transaction() as session:
        watching.ask(session, keyring(), nobody, view_id, "1", "en")
    mara, sam = an_operator(), an_operator("Sam")
    for wrong in ("", "-1", "10000", "1.5", "٣", "1e3", "x"):
        with pytest.raises(Invalid), transaction() as session:
            watching.ask(session, keyring(), mara, view_id, wrong, "en")
    with transaction() as session:
        session.execute(update(SavedView).values(shared=False))
    with pytest.raises(NotFound), transaction() as session:
        watching.ask(session, keyring(), sam, view_id, "1", "en")


def test_asking_and_stopping_are_in_the_trail() -> None:
    who = an_operator()
    view_id = a_watched_view(STARTED, above=3, who=who)
    with transaction() as session:
        watching.stop(session, keyring(), who, view_id)
    with pytest.raises(NotFound), transaction() as session:
        watching.stop(session, keyring(), who, view_id)
    with reading() as session:
        told = [(e.action, e.reason, e.details["above"]) for e in audit.latest(session, 5)]
    assert told == [("view.alert", "Ours", None), ("view.alert", "Ours", 3)]
