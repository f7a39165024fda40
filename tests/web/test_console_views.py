"""Views under a name: everybody's and one's own, with how many are in each; a link is the same for all."""

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, update

from onboarding import audit, filters, finding, reports, views
from onboarding.db import later, now, reading, transaction
from onboarding.models import Onboarding, SavedView
from onboarding.sealing import Keyring
from onboarding.web import console_words
from tests import builders
from tests.commands.incidents import an_incident
from tests.web.operating import a_quiet_site, at_console
from tests.web.visiting import Visitor, soup, text

LIST = "/en/console/onboardings"
FRENCH = {"query": "state=type_chosen&type=plugin", "name": "Plugins that wait"}
CHEAP = {"query": "state=type_chosen", "name": "Chosen"}


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_quiet_site(ring)


def references(page: httpx.Response) -> list[str]:
    return [row.text for row in soup(page).select(".rows th[scope=row]")]


def tabs(page: httpx.Response) -> dict[str, tuple[str, str]]:
    """Each view above the list: its address and its badge."""
    found = {}
    for item in soup(page).select(".views__list li"):
        link, badge = item.select_one("a"), item.select_one(".views__count")
        assert link
        found[link.text] = (str(link["href"]), badge.text if badge else "")
    return found


def save(visitor: Visitor, **said: Any) -> httpx.Response:
    return visitor.post("/en/console/views", said)


def some_of_each() -> None:
    for state in ("started", "type_chosen", "awaiting_aggregator", "issuing_secret", "confirmed"):
        builders.an_onboarding(state)
    an_incident()
    late = builders.an_onboarding("started")
    with transaction() as session:
        long_ago = later(now(), -40.0 * 86_400)
        session.execute(
            update(Onboarding)
            .where(Onboarding.id == late)
            .values(entered_at=long_ago, created_at=long_ago)
        )


def test_each_badge_is_what_its_list_counts(app: FastAPI) -> None:
    some_of_each()
    visitor = at_console(app, "operator")
    save(visitor, **CHEAP, shared="yes")
    found = tabs(visitor.get(LIST))
    assert [*found] == [*console_words.VIEWS.values(), "Chosen"]
    for name, (address, badge) in found.items():
        rows = references(visitor.get(address))
        assert (name, badge) == (name, str(len(rows)))
    numbers = {name: badge for name, (_, badge) in found.items()}
    assert numbers["Needs us"] == "2"
    assert numbers["Needs the aggregator"] == "1"
    assert (numbers["Late"], numbers["Failed for good"]) == ("1", "1")
    assert (numbers["Needs the seller"], numbers["New in 24 hours"]) == ("3", "6")


def test_a_view_that_no_index_counts_has_its_number_once_it_is_open(app: FastAPI) -> None:
    builders.an_onboarding("type_chosen", connection_type="plugin")
    visitor = at_console(app, "operator")
    save(visitor, **FRENCH)
    address, badge = tabs(visitor.get(LIST))["Plugins that wait"]
    assert badge == ""
    opened = visitor.get(address)
    assert tabs(opened)["Plugins that wait"] == (address, "1")
    assert len(references(opened)) == 1


def test_a_shared_view_is_everybodys_and_the_same(app: FastAPI) -> None:
    some_of_each()
    owner = at_console(app, "operator")
    answer = save(owner, **CHEAP, shared="yes")
    link = answer.headers["location"]
    mine = references(owner.follow(answer))
    other = at_console(app, "viewer")
    assert tabs(other.get(LIST))["Chosen"][0] == link
    assert references(other.get(link)) == mine
    assert len(mine) == 1


def test_ones_own_view_is_nobody_elses(app: FastAPI) -> None:
    owner, lead = at_console(app, "viewer"), at_console(app, "lead")
    save(owner, **CHEAP)
    assert "Chosen" in tabs(owner.get(LIST))
    assert "Chosen" not in tabs(lead.get(LIST))
    with reading() as session:
        (view,) = views.saved(session)
    assert lead.post(f"/en/console/views/{view.id}/delete").status_code == 404
    page = owner.get(f"{LIST}?{CHEAP['query']}")
    deleted = owner.follow(owner.press(page, "/delete"))
    assert "Chosen" not in tabs(deleted)
    with reading() as session:
        assert audit.latest(session, 5) == []


def test_a_shared_view_goes_by_its_owner_or_a_lead(app: FastAPI) -> None:
    owner = at_console(app, "operator")
    save(owner, **CHEAP, shared="yes")
    with reading() as session:
        (view,) = views.saved(session)
    link = f"{LIST}?{CHEAP['query']}"
    viewer, lead = at_console(app, "viewer"), at_console(app, "lead")
    assert "Delete this view" not in viewer.get(link).text
    assert viewer.post(f"/en/console/views/{view.id}/delete").status_code == 403
    assert lead.press(lead.get(link), "/delete").status_code == 303
    with reading() as session:
        assert views.saved(session) == []
        (entry,) = audit.latest(session, 5)
    assert (entry.action, entry.reason) == ("view.delete", "Chosen")


def test_sharing_takes_a_role_that_acts(app: FastAPI) -> None:
    viewer = at_console(app, "viewer")
    assert "For every operator" not in viewer.get(f"{LIST}?{CHEAP['query']}").text
    assert save(viewer, **CHEAP, shared="yes").status_code == 403


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ({"name": " "}, "A name of at most 60 characters."),
        ({"name": "x" * 61}, "A name of at most 60 characters."),
        ({"name": "Chosen"}, "There is one of this name."),
        ({"query": ""}, "Choose something first: this is the list of all."),
        ({"query": "q=a%40b.example"}, "An e-mail address is not kept in a view."),
    ],
)
def test_what_cannot_be_kept_is_said(app: FastAPI, said: dict[str, str], fault: str) -> None:
    visitor = at_console(app, "operator")
    save(visitor, **CHEAP)
    answer = save(visitor, **(CHEAP | {"name": "Another"} | said))
    assert answer.status_code == 422
    assert fault in text(answer)
    with reading() as session:
        assert len(views.saved(session)) == 1


def test_what_is_wrong_is_said_in_the_language_of_the_page(app: FastAPI) -> None:
    visitor = at_console(app, "operator")
    french = LIST.replace("/en/", "/fr/")
    save(visitor, **CHEAP)
    asked = [
        (f"{french}?since=yesterday", "Des heures ou des jours, comme 12h ou 7d"),
        (f"{french}?state=nowhere", "Choisissez l’une de ces réponses."),
        (
            f"{french}?states=nowhere",
            "Cette adresse demande quelque chose qu’aucune vue ne possède.",
        ),
        (french.replace("onboardings", "reports") + "?days=x", "Un nombre de jours de 1 à 92."),
    ]
    for path, fault in asked:
        assert fault in text(visitor.get(path))
    named = visitor.post(french.replace("onboardings", "views"), CHEAP)
    assert "Il y en a déjà une de ce nom." in text(named)


def test_sentences_name_the_limits_that_there_are() -> None:
    """A sentence of the catalogue has its number in it."""
    assert f" {reports.DAYS_AT_MOST}." in console_words.REPORT_ERRORS["days"]
    assert f" {views.NAME_AT_MOST} " in views._NO_NAME  # noqa: SLF001
    assert f" {views.SAVED_AT_MOST} " in views._NO_ROOM  # noqa: SLF001


def test_there_are_so_many_at_most(app: FastAPI) -> None:
    visitor = at_console(app, "operator")
    for number in range(views.SAVED_AT_MOST):
        assert save(visitor, query="overdue=yes", name=f"View {number}").status_code == 303
    assert save(visitor, query="overdue=yes", name="One more").status_code == 422
    assert save(visitor, query="overdue=yes", name="Shared", shared="yes").status_code == 303


def test_a_view_of_another_version_is_left_out(app: FastAPI) -> None:
    visitor = at_console(app, "operator")
    save(visitor, **CHEAP)
    with transaction() as session:
        session.execute(update(SavedView).values(query="state=gone"))
    page = visitor.get(LIST)
    assert page.status_code == 200
    assert "Chosen" not in tabs(page)


@pytest.mark.parametrize(
    ("since", "found"), [("1d", 1), ("12h", 1), ("60d", 2), ("2020-01-01", 2), ("9999d", 2)]
)
def test_what_has_begun_since(app: FastAPI, since: str, found: int) -> None:
    builders.an_onboarding("confirmed")
    old = builders.an_onboarding("confirmed")
    with transaction() as session:
        session.execute(
            update(Onboarding)
            .where(Onboarding.id == old)
            .values(created_at=later(now(), -40.0 * 86_400))
        )
    with reading() as session:
        assert finding.count(session, filters.read({"since": since})) == found
    page = at_console(app, "viewer").get(f"{LIST}?since={since}")
    assert len(references(page)) == found


@pytest.mark.parametrize("since", ["0d", "1w", "99999d", "2026-13-01", "20260101", "yesterday"])
def test_what_is_no_time_is_said(app: FastAPI, since: str) -> None:
    page = at_console(app, "viewer").get(f"{LIST}?since={since}")
    assert page.status_code == 422
    assert "Hours or days, as 12h or 7d" in text(page)
