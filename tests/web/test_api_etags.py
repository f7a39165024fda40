"""Nothing is done to an onboarding that has moved on since the caller's last look."""

from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import Engine, update

from onboarding import db
from onboarding.db import transaction
from onboarding.models import Message, Onboarding
from onboarding.sealing import Keyring
from tests import builders
from tests.web.calling import System, a_system, expect, refused, served
from tests.web.test_api_secrets import ask, done, reveal

BODY = {"event": "choose_type", "data": {"connection_type": "plugin"}}


@pytest.fixture
def system(sqlite: Engine, ring: Keyring) -> System:
    """A calling system that may do everything."""
    return a_system(served(ring))


def test_an_event_from_an_old_look_is_refused(system: System) -> None:
    onboarding = system.start()
    events = onboarding["links"]["events"]
    assert system.get(onboarding["links"]["self"]).headers["etag"] == '"1"'
    assert system.post(events, BODY, if_match='"1"').headers["etag"] == '"2.unverified"'
    answer = system.post(events, BODY, if_match='"1"')
    problem = refused(answer, 412, "stale")
    assert answer.headers["etag"] == '"2.unverified"'
    assert (problem["state"], problem["sequence"]) == ("type_chosen", 2)
    assert problem["onboarding_state"] == "type_chosen"
    assert problem["allowed_events"] == system.look(onboarding)["allowed_events"]
    assert system.post(events, BODY, if_match="*").headers["etag"] == '"3.unverified"'


def test_what_moves_an_onboarding_says_where_it_was_seen(system: System) -> None:
    onboarding = system.with_secret()
    name = {"idempotency-key": "a"}
    answer = system.send("POST", onboarding["links"]["events"], name, json={"event": "cancel"})
    assert "If-Match" in refused(answer, 428, "if_match_missing")["detail"]
    answer = system.send("POST", onboarding["links"]["secret_reveal"])
    refused(answer, 428, "if_match_missing")
    assert system.look(onboarding)["sequence"] == onboarding["sequence"]


@pytest.mark.parametrize(
    "tag",
    [
        "7",
        "",
        ",",
        '"7',
        '""',
        "W/7",
        'w/"7"',
        '"7" "8"',
        '"7", 8',
        '"7", *',
        '"7", "b"',
        "b",
        "**",
    ],
)
def test_what_is_no_etag_of_ours_is_refused(system: System, tag: str) -> None:
    answer = system.post(system.start()["links"]["events"], BODY, if_match=tag)
    (error,) = refused(answer, 422, "invalid")["errors"]
    assert error["field"] == "if-match"


LISTS = ['"{0}","1"', '"1", "{0}"', ' , "1" ,W/"1,2","{0}" ,', '"{0}.late", "{0}"']


@pytest.mark.parametrize("listed", LISTS)
def test_one_of_a_list_is_enough(system: System, listed: str) -> None:
    ready = system.with_secret()
    path, events = ready["links"]["secret_reveal"], ready["links"]["events"]
    old = listed.format(ready["sequence"] - 1)
    for answer in (
        system.post(path, if_match=old),
        system.post(events, {"event": "cancel"}, if_match=old),
    ):
        refused(answer, 412, "stale")
    expect(system.post(path, if_match=listed.format(ready["sequence"])), 200)
    now = listed.format(ready["sequence"] + 1)
    expect(system.post(events, {"event": "cancel"}, if_match=now), 200)


def test_two_lines_are_one_list(system: System) -> None:
    """RFC 9110, 5.3: neither is overlooked, whichever comes first."""
    onboarding = system.start()
    events = onboarding["links"]["events"]

    def lines(first: str, second: str) -> httpx.Response:
        sent = {"idempotency-key": str(uuid4()), "if-match": first, "If-Match": second}
        return system.send("POST", events, sent, json=BODY)

    for first, second in (('"7"', '"8"'), ('W/"1"', '"2"')):
        refused(lines(first, second), 412, "stale")
    for first, second in (('"1"', "seven"), ("*", '"1"'), ('"1"', "*")):
        refused(lines(first, second), 422, "invalid")
    expect(lines('"7"', '"1"'), 200)
    expect(lines('"2"', 'W/"7"'), 200)


def test_who_sends_a_weak_tag_is_told_what_to_look_for(system: System) -> None:
    onboarding = system.start()
    for locale, said in (("en", "begin with W/?"), ("fr", "commence-t-il par W/\xa0?")):
        asked = {"if_match": 'W/"1"', "accept_language": locale}
        answer = system.post(onboarding["links"]["events"], BODY, **asked)
        assert said in refused(answer, 412, "stale")["detail"]


@pytest.mark.parametrize("tag", ['W/"{}"', 'W/"{}.late"', 'W/"seven"', 'W/""'])
def test_a_weak_tag_never_matches(system: System, tag: str) -> None:
    """RFC 9110, 13.1.1: it is compared strongly, though it names where the onboarding stands."""
    ready = system.with_secret()
    path, weak = ready["links"]["self"], tag.format(ready["sequence"])
    current = system.get(path).headers["etag"]
    for answer in (
        system.post(ready["links"]["events"], {"event": "cancel"}, if_match=weak),
        system.post(ready["links"]["secret_reveal"], if_match=weak),
    ):
        problem = refused(answer, 412, "stale")
        assert answer.headers["etag"] == current
        assert (problem["state"], problem["sequence"]) == ("secret_ready", ready["sequence"])
    assert system.look(ready)["sequence"] == ready["sequence"]


@pytest.mark.parametrize("known", ['"1"', '"0", "1"', 'W/"1"', "*"])
def test_what_a_caller_has_already_is_not_sent_again(system: System, known: str) -> None:
    path = system.start()["links"]["self"]
    answer = system.get(path, if_none_match=known)
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == '"1"'
    for other in ('"2"', "1", ""):
        expect(system.get(path, if_none_match=other), 200)


def test_a_tag_tells_what_has_changed_without_a_transition(system: System) -> None:
    onboarding = system.start()
    path, events = onboarding["links"]["self"], onboarding["links"]["events"]
    builders.age(UUID(onboarding["id"]), timedelta(days=8))
    late = system.get(path, if_none_match='"1"')
    assert (late.headers["etag"], expect(late, 200)["next_move"]["overdue"]) == ('"1.late"', True)
    with transaction() as session:
        session.execute(update(Onboarding).values(extra_days=3))
    assert system.get(path, if_none_match='"1.late"').headers["etag"] == '"1.3.late"'
    assert expect(system.post(events, BODY, if_match='"1.late"'), 200)["sequence"] == 2


def test_another_tag_says_that_the_contact_was_verified_in_a_browser(system: System) -> None:
    onboarding = system.start()
    path, events = onboarding["links"]["self"], onboarding["links"]["events"]
    before = system.post(events, BODY)
    assert "issue_id" not in expect(before, 200)["allowed_events"]
    with transaction() as session:
        session.execute(update(Onboarding).values(contact_verified_at=db.now()))
    after = system.get(path, if_none_match=before.headers["etag"])
    assert "issue_id" in expect(after, 200)["allowed_events"]


def test_another_tag_says_that_a_developer_is_named(system: System) -> None:
    path = (onboarding := system.with_secret())["links"]["self"]
    before = system.get(path).headers["etag"]
    expect(system.put(f"{path}/developer", {"email": "dora@dev.example"}), 200)
    after = system.get(path, if_none_match=before)
    assert expect(after, 200)["next_move"]["whom"] == "developer"
    seen = after.headers["etag"]
    assert system.get(path, if_none_match=seen).status_code == 304
    assert system.send("DELETE", f"{path}/developer").status_code == 204
    assert system.get(path, if_none_match=seen).headers["etag"] == before
    cancel = {"event": "cancel"}
    assert expect(system.post(onboarding["links"]["events"], cancel, if_match=seen), 200)


def test_another_tag_says_that_something_stands_in_the_way(system: System) -> None:
    onboarding = system.with_secret()
    path, its_id = onboarding["links"]["self"], UUID(onboarding["id"])
    before = system.get(path).headers["etag"]
    message = builders.a_message("send_email", about={"notice": "x"}, onboarding_id=its_id)
    with transaction() as session:
        failed = {"failed_at": db.now(), "cause": "smtp_refused"}
        session.execute(update(Message).where(Message.id == message).values(**failed))
    after = system.get(path, if_none_match=before)
    assert expect(after, 200)["requirements"]["blocked_reason"] == "smtp_refused"


def test_another_tag_says_that_a_new_secret_is_the_one_in_use(system: System) -> None:
    onboarding, _ = done(system)
    path = onboarding["links"]["self"]
    ask(system, onboarding)
    new = reveal(system, onboarding)
    before = system.get(path).headers["etag"]
    expect(new.ask(), 200)
    after = system.get(path, if_none_match=before)
    assert expect(after, 200)["secret"]["version"] == 2
