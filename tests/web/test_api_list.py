"""A calling system's list: its own, in the words of the console, page after page."""

from dataclasses import fields
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

from onboarding import db
from onboarding.db import transaction
from onboarding.filters import Filter
from onboarding.models import Message
from onboarding.sealing import Keyring
from onboarding.web.api_list import Listing
from tests import builders
from tests.web.calling import System, a_system, expect, refused, served

# Of operators, who are nobody to a calling system.
OPERATORS = {"owner", "run"}


@pytest.fixture
def system(database: Engine, ring: Keyring) -> System:
    """A calling system that may do everything."""
    return a_system(served(ring))


def pages(system: System, path: str, between: Any = lambda: None) -> list[list[str]]:
    """The IDs of each page; something may happen after each."""
    found: list[list[str]] = []
    following: str | None = path
    while following and len(found) < 9:
        answer = system.get(following)
        page = expect(answer, 200)
        found.append([each["id"] for each in page["items"]])
        following = page["next"]
        said = answer.links.get("next", {}).get("url")
        assert said == following
        between()
    return found


def listed(system: System, query: str) -> list[str]:
    return [one for page in pages(system, f"/v1/onboardings?{query}") for one in page]


def test_the_words_are_those_of_the_console_and_the_command_line() -> None:
    ours = {*Listing.model_fields} - {"cursor", "limit"}
    assert ours == {field.name for field in fields(Filter)} - OPERATORS


def test_pages_stay_as_they_are_while_others_start(system: System) -> None:
    started = [system.start()["id"] for _ in range(5)]
    found = pages(system, "/v1/onboardings?limit=2", system.start)
    assert found == [started[:2:-1], started[2:0:-1], started[:1]]


def test_the_late_are_listed_longest_first_and_page_by_page(system: System) -> None:
    late = [system.start()["id"] for _ in range(3)]
    for number, one in enumerate(late):
        builders.age(UUID(one), timedelta(days=8 + number))
    system.start()
    assert pages(system, "/v1/onboardings?overdue=yes&limit=2") == [late[:0:-1], late[:1]]


def test_a_system_finds_its_own_by_whatever_it_has(system: System) -> None:
    ready = system.with_secret()
    system.start()
    assert listed(system, "waiting_on=seller&type=own_development") == [ready["id"]]
    for known in (ready["reference"], ready["client_id"], "dev@shop.example"):
        assert listed(system, f"q={known}") == [ready["id"]], known
    assert ready["id"] in listed(system, "since=1h")
    stranger = a_system(system.app)
    assert listed(stranger, "") == listed(stranger, f"q={ready['client_id']}") == []


def test_those_that_a_developer_stands_in_for_are_found(system: System) -> None:
    named, ready, chosen = system.with_secret(), system.with_secret(), system.start()
    chosen = system.fire(chosen, "choose_type", connection_type="plugin")
    for one in (named, chosen):
        developer = f"{one['links']['self']}/developer"
        expect(system.put(developer, {"email": "dora@dev.example"}), 200)
    builders.age(UUID(named["id"]), timedelta(minutes=30))
    builders.age(UUID(ready["id"]), timedelta(hours=1))
    turns = {one["id"]: system.look(one)["next_move"]["whom"] for one in (named, ready, chosen)}
    assert turns == {named["id"]: "developer", ready["id"]: "seller", chosen["id"]: "seller"}
    for view in ("", "&overdue=yes", "&state=secret_ready"):
        assert listed(system, f"waiting_on=developer{view}") == [named["id"]]
        found = expect(system.get(f"/v1/operations/onboardings?waiting_on=developer{view}"), 200)
        assert [one["id"] for one in found["items"]] == [named["id"]]
    assert {*listed(system, "waiting_on=seller")} == {ready["id"], chosen["id"]}
    late = "/v1/operations/onboardings?waiting_on=seller&overdue=yes"
    assert [one["id"] for one in expect(system.get(late), 200)["items"]] == [ready["id"]]
    assert listed(system, "waiting_on=developer&state=type_chosen") == []


def test_what_fails_is_found_by_its_cause_and_not_by_the_text_of_the_error(system: System) -> None:
    onboarding = system.start(contact={"email": "dev@shop.example"})
    message = builders.a_message(onboarding_id=UUID(onboarding["id"]))
    with transaction() as session:
        failed = session.get_one(Message, message)
        failed.cause, failed.failed_at = "task_hangs", db.clock(session)
        failed.last_error = "10.1.2.3 refused"
    assert listed(system, "failing=yes") == [onboarding["id"]]
    assert listed(system, "cause=task_hangs") == listed(system, "q=task_hangs")
    assert listed(system, "q=10.1.2.3") == []


def test_a_cursor_means_something_in_its_own_list_only(system: System) -> None:
    for _ in range(3):
        system.start()
    following = expect(system.get("/v1/onboardings?limit=1"), 200)["next"]
    for other in ("state=started", "overdue=yes"):
        problem = refused(system.get(f"{following}&{other}"), 422, "invalid")
        assert problem["errors"][0]["field"] == "cursor"


def test_an_address_that_was_searched_for_stands_in_no_link(system: System) -> None:
    for _ in range(2):
        system.start(contact={"email": "dev@shop.example"})
    path = "/v1/onboardings?q=dev@shop.example&limit=1"
    assert "shop.example" not in expect(system.get(path), 200)["next"]
    assert len(pages(system, path)) == 2
