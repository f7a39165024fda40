"""What is stuck, for systems: everybody's onboardings in the words of the console, and nobody's data."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine

from onboarding import access, finding, population, stuck
from onboarding.causes import CAUSES
from onboarding.db import reading
from onboarding.filters import Filter
from onboarding.ids import new_id
from onboarding.sealing import Keyring
from onboarding.settings import settings
from tests import builders
from tests.commands.incidents import an_incident
from tests.composing import put
from tests.web.calling import System, a_system, expect, refused, served
from tests.web.operating import at_console
from tests.web.visiting import soup

PATH = "/v1/operations/onboardings"
SCOPE = "operations:read"


@pytest.fixture
def overseer(database: Engine, ring: Keyring) -> System:
    return a_system(served(ring), [SCOPE])


def pages(system: System, path: str) -> Iterator[list[dict[str, Any]]]:
    """Every page, as `next` leads from one to the other."""
    address: str | None = path
    while address:
        page = expect(system.get(address), 200)
        yield page["items"]
        address = page["next"]


@pytest.mark.parametrize(
    "wanted",
    [
        Filter(),
        Filter(state="started"),
        Filter(type="plugin", waiting_on="seller"),
        Filter(overdue="yes"),
        Filter(overdue="yes", type="plugin"),
        Filter(failing="yes", cause="task_failed"),
        Filter(aggregator="feedwise", owner=str(UUID(int=1))),
        Filter(q="it's & nothing"),
    ],
    ids=lambda wanted: wanted.query() or "all",
)
def test_a_view_is_the_same_for_a_system(overseer: System, ring: Keyring, wanted: Filter) -> None:
    population.populate(30, ring, settings())
    an_incident()
    with reading() as session:
        view = [one.reference for one in finding.page(session, wanted, 1000)]
    for limit in (7, 100):
        path = f"{PATH}?limit={limit}&{wanted.query()}"
        assert [each["reference"] for page in pages(overseer, path) for each in page] == view


@pytest.mark.parametrize("typed", ["feedwise", "FEEDWISE", "Féedwise."])
def test_whoever_looks_for_an_aggregator_finds_its_own(overseer: System, typed: str) -> None:
    one = builders.an_onboarding("seller_linked", delegated=True)
    builders.an_onboarding("awaiting_aggregator")
    items = expect(overseer.get(f"{PATH}?q={typed}"), 200)["items"]
    assert [item["id"] for item in items] == [str(one)]


@pytest.mark.parametrize(
    "query",
    ["state=gone", "overdue=no", "waiting_on=us", "unknown=1", "after=x", "limit=0", "q=%00"],
)
def test_what_is_no_view_is_refused(overseer: System, query: str) -> None:
    answer = overseer.get(f"{PATH}?{query}")
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid"


def test_everybodys_onboarding_is_read_by_reference_or_id_and_masked(
    overseer: System, ring: Keyring
) -> None:
    walked = builders.a_walk("seller_linked")
    put(walked.id, contact_email="alexandra@shop.example", connection_name="Alexandra's own")
    reference = builders.the(walked.id).reference
    by_reference = expect(overseer.get(f"{PATH}/{reference}"), 200)
    assert by_reference == expect(overseer.get(f"{PATH}/{walked.id}"), 200)
    assert by_reference["seller"] == {"seller_id": "S-***", "shop_name": "Co***"}
    assert by_reference["connection_name"] == "Al***"
    assert (by_reference["allowed_events"], by_reference["causes"]) == ([], [])
    steps = expect(overseer.get(by_reference["links"]["history"]), 200)["items"]
    assert [step["event"] for step in steps][-1] == "link_seller"
    assert steps[-1]["details"]["seller_id"] == "S-***"
    said = str([by_reference, steps, expect(overseer.get(PATH), 200)])
    assert walked.revealed
    for whole in ("S-4711", "Corner", "lexandra", walked.revealed.secret.get_secret_value()):
        assert whole not in said
    refused(overseer.get(f"{PATH}/ONB-NONE"), 404, "not_found")
    refused(overseer.get(f"{PATH}/{new_id()}/history"), 404, "not_found")


def test_why_it_fails_is_told_with_it_and_by_cause(overseer: System) -> None:
    message = an_incident()
    (failing,) = expect(overseer.get(f"{PATH}?failing=yes"), 200)["items"]
    assert (failing["id"], failing["causes"]) == (str(message.onboarding_id), ["task_failed"])
    with reading() as session:
        keys = [cause.key for cause in stuck.causes(session)]
    told = expect(overseer.get("/v1/causes"), 200)["items"]
    key = "issuing_secret.issue_id.generate_secret.task_failed"
    assert [cause["key"] for cause in told] == keys == [key]
    assert (told[0]["failed"], told[0]["retrying"]) == (1, 0)
    assert (told[0]["status"], told[0]["owner"]) == ("open", None)
    assert told[0]["means"] == CAUSES["task_failed"].means
    assert overseer.get(told[0]["runbook"]).status_code == 200
    operator = at_console(overseer.app, "viewer")  # type: ignore[arg-type]
    (link,) = soup(operator.get("/en/console/causes")).find_all(
        "a",
        href="/en/console/causes/generate_secret/task_failed?state=issuing_secret&event=issue_id",
    )
    cause = operator.get(str(link["href"]))
    (runbook,) = soup(cause).find_all("a", href=told[0]["runbook"])
    assert runbook.text == "What to do about it task_failed"


@pytest.mark.parametrize(
    ("asked", "number"),
    [
        ("task=generate_secret&cause=task_failed&state=issuing_secret&event=issue_id", 1),
        ("event=issue_id", 1),
        ("event=", 1),
        ("event=reissue_secret", 0),
        ("state=verifying", 0),
        ("cause=busy", 0),
        ("task=send_email", 0),
    ],
)
def test_the_causes_of_one_place_are_told(overseer: System, asked: str, number: int) -> None:
    an_incident()
    assert len(expect(overseer.get(f"/v1/causes?{asked}"), 200)["items"]) == number


def test_what_failed_on_the_way_is_told_with_the_history(overseer: System) -> None:
    message = an_incident()
    assert message.onboarding_id
    path = f"{PATH}/{message.onboarding_id}/history"
    (failed,) = expect(overseer.get(path), 200)["failed_attempts"]
    assert (failed["task"], failed["cause"]) == (message.task, message.cause)
    assert (failed["attempt"], failed["max_attempts"]) == (1, message.max_attempts)
    assert failed["means"]
    assert overseer.get(failed["runbook"]).status_code == 200


def test_one_scope_does_not_open_what_the_other_does(overseer: System, ring: Keyring) -> None:
    """Whoever may look at everybody's still sees only their own where their own are listed."""
    both = a_system(overseer.app, ["onboardings:read", "onboardings:write", SCOPE])
    own = both.start()
    foreign = a_system(overseer.app).start()
    listed = expect(both.get("/v1/onboardings"), 200)["items"]
    assert [each["id"] for each in listed] == [own["id"]]
    refused(both.get(foreign["links"]["self"]), 404, "not_found")
    refused(overseer.get("/v1/onboardings"), 403, "forbidden")
    without = a_system(overseer.app, set(access.SCOPES) - {SCOPE})
    for path in (PATH, f"{PATH}/{own['reference']}", "/v1/causes"):
        refused(without.get(path), 403, "forbidden")


def test_late_ones_come_page_by_page_longest_first(overseer: System) -> None:
    ids = [builders.an_onboarding("started") for _ in range(5)]
    for days, one in enumerate(ids, 8):
        builders.age(one, timedelta(days=days))
    walked = [
        each["id"] for page in pages(overseer, f"{PATH}?overdue=yes&limit=2") for each in page
    ]
    assert walked == [str(one) for one in reversed(ids)]
