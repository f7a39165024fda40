"""Nothing is done to an onboarding that has moved on since the caller's last look."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import Engine, update

from onboarding.db import transaction
from onboarding.models import Onboarding
from onboarding.sealing import Keyring
from tests import builders
from tests.web.calling import System, a_system, expect, refused, served

BODY = {"event": "choose_type", "data": {"connection_type": "plugin"}}


@pytest.fixture
def system(sqlite: Engine, ring: Keyring) -> System:
    """A calling system that may do everything."""
    return a_system(served(ring))


def test_an_event_from_an_old_look_is_refused(system: System) -> None:
    onboarding = system.start()
    events = onboarding["links"]["events"]
    assert system.get(onboarding["links"]["self"]).headers["etag"] == '"1"'
    assert system.post(events, BODY, if_match='"1"').headers["etag"] == '"2"'
    answer = system.post(events, BODY, if_match='"1"')
    problem = refused(answer, 412, "stale")
    assert answer.headers["etag"] == '"2"'
    assert (problem["state"], problem["sequence"]) == ("type_chosen", 2)
    assert problem["onboarding_state"] == "type_chosen"
    assert problem["allowed_events"] == system.look(onboarding)["allowed_events"]
    assert system.post(events, BODY, if_match="*").headers["etag"] == '"3"'


def test_what_moves_an_onboarding_says_where_it_was_seen(system: System) -> None:
    onboarding = system.with_secret()
    name = {"idempotency-key": "a"}
    answer = system.send("POST", onboarding["links"]["events"], name, json={"event": "cancel"})
    assert "If-Match" in refused(answer, 428, "if_match_missing")["detail"]
    answer = system.send("POST", onboarding["links"]["secret_reveal"])
    refused(answer, 428, "if_match_missing")
    assert system.look(onboarding)["sequence"] == onboarding["sequence"]


@pytest.mark.parametrize("tag", ["7", "", '"7', '""', 'W/"7"', '"7", "8"', '"seven"', "**"])
def test_what_is_no_etag_of_ours_is_refused(system: System, tag: str) -> None:
    answer = system.post(system.start()["links"]["events"], BODY, if_match=tag)
    (error,) = refused(answer, 422, "invalid")["errors"]
    assert error["field"] == "if-match"


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
