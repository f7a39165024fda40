"""Being told when a saved view holds more than so many, asked for at the view itself."""

from urllib.parse import parse_qsl

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, select, update

from onboarding import audit, db, filters, views
from onboarding.db import reading, transaction
from onboarding.models import Operator, ViewAlert
from onboarding.sealing import Keyring
from tests import builders
from tests.watched import EMAIL, an_operator
from tests.web.operating import a_quiet_site, at_console
from tests.web.visiting import Visitor, soup, text

QUERY = "state=started"


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_quiet_site(ring)


def a_view(*, shared: bool = True) -> str:
    """Somebody else's; its ID."""
    who = an_operator("Sam", None)
    with transaction() as session:
        views.save(session, who, "Early ones", filters.read(dict(parse_qsl(QUERY))), shared=shared)
        return str(views.saved(session)[0].id)


def a_visitor(app: FastAPI, role: str = "viewer", locale: str = "en") -> Visitor:
    """Whose sign-in gave an address."""
    visitor = at_console(app, role, locale)
    with transaction() as session:
        mine = Operator.role == role, Operator.name != "Sam"
        session.execute(update(Operator).where(*mine).values(email=EMAIL, email_given_at=db.now()))
    return visitor


def alerts() -> list[tuple[int, str]]:
    with reading() as session:
        return [(each.above, each.locale) for each in session.scalars(select(ViewAlert))]


def test_one_asks_changes_the_number_and_stops(app: FastAPI) -> None:
    view_id = a_view()
    visitor = a_visitor(app, locale="fr")
    listed = f"/fr/console/onboardings?{QUERY}"
    page = visitor.get(listed)
    asked = visitor.follow(visitor.press(page, f"/views/{view_id}/alert", above=" 5 "))
    assert alerts() == [(5, "fr")]
    field = soup(asked).select_one("#above")
    assert field is not None
    assert field["value"] == "5"
    visitor.press(asked, f"/views/{view_id}/alert", above="0")
    assert alerts() == [(0, "fr")]
    stopped = visitor.press(visitor.get(listed), f"/views/{view_id}/alert/stop")
    assert stopped.headers["location"] == listed
    assert alerts() == []
    with reading() as session:
        rows = [(e.action, e.details["above"], e.role) for e in audit.latest(session, 5)]
    assert rows == [("view.alert", above, "viewer") for above in (None, 0, 5)]


@pytest.mark.parametrize("above", ["", "many", "10000", "-1"])
def test_what_is_no_number_is_said_and_kept(app: FastAPI, above: str) -> None:
    view_id = a_view()
    builders.an_onboarding("started")
    visitor = a_visitor(app)
    answer = visitor.post(f"/en/console/views/{view_id}/alert", {"above": above})
    assert answer.status_code == 422
    assert "A number from 0 to 9999." in text(answer)
    field = soup(answer).select_one("details[open] #above")
    assert field is not None
    assert field["value"] == above
    # Nothing is wrong with the view itself, and it can be taken away.
    assert "/console/export" in answer.text
    assert alerts() == []


def test_without_an_address_the_page_says_so_and_asks_for_nothing(app: FastAPI) -> None:
    view_id = a_view()
    visitor = at_console(app, "lead")
    page = visitor.get(f"/en/console/onboardings?{QUERY}")
    assert "Your sign-in gave no e-mail address that is verified" in text(page)
    assert soup(page).select_one("#above") is None
    answer = visitor.post(f"/en/console/views/{view_id}/alert", {"above": "5"})
    assert answer.status_code == 422
    assert alerts() == []


def test_a_view_that_is_somebody_elses_or_none_is_not_found(app: FastAPI) -> None:
    hidden = a_view(shared=False)
    visitor = a_visitor(app)
    assert "Tell me when" not in text(visitor.get(f"/en/console/onboardings?{QUERY}"))
    for view_id in (hidden, "x", "00000000-0000-0000-0000-000000000000"):
        for path in ("alert", "alert/stop"):
            answer = visitor.post(f"/en/console/views/{view_id}/{path}", {"above": "5"})
            assert answer.status_code == 404, (view_id, path)


def test_of_two_views_of_one_filter_the_one_that_tells_is_shown(app: FastAPI) -> None:
    a_view()
    visitor = a_visitor(app)
    visitor.post("/en/console/views", {"name": "Mine as well", "query": QUERY})
    with reading() as session:
        me = session.scalars(select(Operator.id).where(Operator.role == "viewer")).one()
        mine = next(v.id for v in views.saved(session, me) if v.owner_id == me)
    visitor.post(f"/en/console/views/{mine}/alert", {"above": "9"})
    page = visitor.get(f"/en/console/onboardings?{QUERY}")
    assert "Tell me when Mine as well holds more" in text(page)
    assert len(soup(page).select("#above")) == 1
