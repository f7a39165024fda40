"""What the marketplace's own systems have told us, at the console: what waits first; offered again or dismissed with a reason."""

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, select, update

from onboarding import audit, db
from onboarding.db import reading, transaction
from onboarding.models import InboundEvent
from onboarding.sealing import Keyring
from tests.telling import ENTRY, Event, a_source, an_aggregator, tell, told
from tests.web.operating import a_quiet_site, at_console
from tests.web.visiting import Visitor, heading, soup, text

HOME = "/en/console/inbound"
SUSPENDED = Event("aggregator.suspended", "feedwise", 1)
WHY = "INC-442: the registry is back"


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    made = a_quiet_site(ring)
    a_source()
    return made


def its_page(event_type: str) -> str:
    with reading() as session:
        of_it = InboundEvent.type == event_type
        return f"{HOME}/{session.scalars(select(InboundEvent.id).where(of_it)).one()}"


def offer(visitor: Visitor, page: str, reason: str = WHY) -> int:
    return visitor.post(f"{page}/retry", {"reason": reason}).status_code


def dismiss(visitor: Visitor, page: str) -> int:
    return visitor.post(f"{page}/dismiss", {"reason": WHY}).status_code


def test_what_waits_comes_first_and_says_why(app: FastAPI) -> None:
    tell(SUSPENDED)
    tell(Event("seller.renamed", "S-123456789", 2))
    tell(Event("seller.suspended", "S-123456789", 3))
    page = at_console(app, "viewer").get(HOME)
    tables = soup(page).select("table")
    listed = [[row.text for row in table.select("tbody th")] for table in tables]
    assert listed[0] == ["seller.renamed", "aggregator.suspended"]
    assert listed[1] == ["seller.suspended", "seller.renamed", "aggregator.suspended"]
    said = text(page)
    assert "waits: no aggregator of this ID is known yet" in said
    assert "of a type that nobody knows" in said
    assert "https://registry.example · 1 key works" in said
    assert "S-123456789" not in page.text


def test_it_is_offered_again_with_a_reason_and_a_row_in_the_trail(app: FastAPI) -> None:
    tell(SUSPENDED)
    visitor = at_console(app, "operator")
    an_aggregator()
    page = visitor.get(its_page(SUSPENDED.type))
    done = visitor.follow(visitor.press(page, "/retry", reason=WHY))
    assert "has taken effect" in text(done)
    assert soup(done).select_one("form[action$=retry]") is None
    assert told() == [(SUSPENDED.type, "applied")]
    with reading() as session:
        (entry, effect) = audit.latest(session, 5)
    assert (entry.action, entry.reason, entry.role) == ("inbound.retry", WHY, "operator")
    assert (entry.details["from"], entry.details["to"]) == ("parked", "applied")
    assert effect.actor == "source:https://registry.example"


def test_what_still_misses_its_subject_goes_on_waiting(app: FastAPI) -> None:
    tell(SUSPENDED)
    assert offer(at_console(app, "operator"), its_page(SUSPENDED.type)) == 303
    assert told() == [(SUSPENDED.type, "parked")]


def test_what_does_not_wait_is_not_offered_and_a_refusal_is_in_the_trail(app: FastAPI) -> None:
    tell(SUSPENDED)
    page, lead, viewer = (
        its_page(SUSPENDED.type),
        at_console(app, "lead"),
        at_console(app, "viewer"),
    )
    assert "needs the role operator" in text(viewer.get(page))
    assert offer(viewer, page) == 403
    wrong = lead.post(f"{page}/retry", {"reason": "x"})
    assert (wrong.status_code, "3 to 500 characters" in text(wrong)) == (422, True)
    an_aggregator()
    assert [offer(lead, page) for _ in range(2)] == [303, 409]
    with reading() as session:
        rows = [e for e in audit.latest(session, 9) if e.action == "inbound.retry"]
    assert [(e.outcome, e.role) for e in rows] == [
        ("refused", "lead"),
        ("done", "lead"),
        ("refused", "lead"),
        ("refused", "viewer"),
    ]


def test_a_page_and_the_list_say_for_how_long_it_waits(app: FastAPI) -> None:
    tell(SUSPENDED)
    with transaction() as session:
        session.execute(update(InboundEvent).values(received_at=db.in_seconds(-21 * 86400)))
    visitor = at_console(app, "viewer")
    assert "It has waited for 3 weeks" in text(visitor.get(its_page(SUSPENDED.type)))
    assert "is known yetfor 3 weeks" in text(visitor.get(HOME))
    an_aggregator()
    assert offer(at_console(app, "operator"), its_page(SUSPENDED.type)) == 303
    for page in (HOME, its_page(SUSPENDED.type)):
        assert "3 weeks" not in text(visitor.get(page))


def test_it_is_dismissed_with_a_reason_and_never_takes_effect(app: FastAPI) -> None:
    tell(SUSPENDED)
    visitor, page = at_console(app, "lead"), its_page(SUSPENDED.type)
    looked = visitor.get(f"{page}/dismiss")
    assert "This cannot be undone." in text(looked)
    done = visitor.follow(visitor.press(looked, "/dismiss", reason=WHY))
    assert "dismissed by an operator" in text(done)
    assert "has waited" not in text(done)
    assert soup(done).select_one("form[action$=retry], a[href$=dismiss]") is None
    assert "It does not wait any more." in text(visitor.get(f"{page}/dismiss"))
    assert tell(Event("aggregator.registered", "feedwise", 2, ENTRY)) == "applied"
    assert told() == [(SUSPENDED.type, "dismissed"), ("aggregator.registered", "applied")]
    assert (offer(visitor, page), tell(SUSPENDED)) == (409, "dismissed")
    with reading() as session:
        entry = next(e for e in audit.latest(session, 9) if e.action == "inbound.dismiss")
    assert (entry.outcome, entry.reason, entry.role) == ("done", WHY, "lead")
    assert (entry.details["from"], entry.details["to"]) == ("parked", "dismissed")
    assert page.rpartition("/")[2] in text(visitor.get("/en/console/audit"))


def test_who_may_not_decide_does_not_dismiss_and_a_refusal_is_in_the_trail(app: FastAPI) -> None:
    tell(SUSPENDED)
    page = its_page(SUSPENDED.type)
    operator, lead = at_console(app, "operator"), at_console(app, "lead")
    assert "Dismiss it: needs the role lead" in text(operator.get(page))
    assert operator.get(f"{page}/dismiss").status_code == 403
    assert dismiss(operator, page) == 403
    wrong = lead.post(f"{page}/dismiss", {"reason": "x"})
    assert (wrong.status_code, heading(wrong)) == (422, "Dismiss it")
    assert "3 to 500 characters" in text(wrong)
    assert [dismiss(lead, page) for _ in range(2)] == [303, 409]
    with reading() as session:
        rows = [e for e in audit.latest(session, 9) if e.action == "inbound.dismiss"]
    assert [(e.outcome, e.role) for e in rows] == [
        ("refused", "lead"),
        ("done", "lead"),
        ("refused", "lead"),
        ("refused", "operator"),
    ]


def test_there_are_pages_of_them_and_those_that_do_not_exist_are_not_found(app: FastAPI) -> None:
    for minute in range(52):
        tell(Event("seller.suspended", "S-1", minute))
    visitor = at_console(app, "viewer")
    first = visitor.get(HOME)
    older = soup(first).select_one("a[href*=after]")
    assert older is not None
    rows = [len(soup(page).select("tbody tr")) for page in (first, visitor.get(str(older["href"])))]
    assert rows == [50, 2]
    for path in (f"{HOME}/x", f"{HOME}/00000000-0000-0000-0000-000000000000", f"{HOME}?after=x"):
        assert heading(visitor.get(path)) == "Page not found"
