"""Personal data at the console: masked, but for one value, in one browser, for five minutes."""

from datetime import timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, update

from onboarding import audit, db, unmasking
from onboarding.db import reading, transaction
from onboarding.models import MASKED, AuditEntry, Unmasking
from onboarding.sealing import Keyring
from onboarding.unmasking import Person
from tests import builders
from tests.composing import put
from tests.dumping import dump
from tests.web.operating import a_quiet_site, at_console, home
from tests.web.visiting import Visitor, heading, text

ADDRESS = "alexandra@harbour-shop.example"
WHY = "the seller is on the phone"


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_quiet_site(ring)


@pytest.fixture
def here(app: FastAPI) -> str:
    """The page of an onboarding whose seller and address are known."""
    onboarding_id = builders.an_onboarding("seller_linked")
    put(onboarding_id, contact_email=ADDRESS)
    return home(onboarding_id)


def trail() -> list[AuditEntry]:
    with reading() as session:
        return [*audit.latest(session, 20)]


def show(visitor: Visitor, here: str, field: str, reason: str = WHY) -> str:
    """Ask to see one value in full; what the page says then."""
    asked = f"{here}/unmask/{field}"
    return text(visitor.follow(visitor.press(visitor.get(asked), asked, reason=reason)))


def wait(length: timedelta) -> None:
    """As much later as this, by the database's clock."""
    with transaction() as session:
        until = db.later(Unmasking.until, -length.total_seconds())
        session.execute(update(Unmasking).values(until=until))


def test_what_may_be_shown_is_what_leads_to_a_person() -> None:
    assert tuple(Person.__dataclass_fields__) == MASKED


def test_one_value_is_shown_with_a_reason_and_until_when(app: FastAPI, here: str) -> None:
    visitor = at_console(app, "lead")
    masked = text(visitor.get(here))
    assert "al***@ha***.example" in masked
    assert "S-4711" not in masked
    shown = show(visitor, here, "contact_email")
    assert ADDRESS in shown
    assert "In full until" in shown
    assert "S-4711" not in shown
    assert ADDRESS in text(visitor.get(here))
    (entry,) = trail()
    assert (entry.action, entry.reason) == ("unmask", WHY)
    assert entry.details["field"] == "contact_email"
    assert "alexandra" not in str([entry.details, entry.reason])


def test_it_is_over_after_five_minutes_of_the_database(app: FastAPI, here: str) -> None:
    visitor = at_console(app, "lead")
    show(visitor, here, "contact_email")
    wait(unmasking.LASTS - timedelta(seconds=20))
    assert ADDRESS in text(visitor.get(here))
    wait(timedelta(seconds=20))
    assert ADDRESS not in text(visitor.get(here))


def test_asked_again_it_begins_anew(app: FastAPI, here: str) -> None:
    visitor = at_console(app, "lead")
    show(visitor, here, "seller_id")
    wait(timedelta(minutes=4))
    show(visitor, here, "seller_id")
    wait(timedelta(minutes=4))
    assert "S-4711" in text(visitor.get(here))
    assert len(trail()) == 2


def test_it_holds_in_this_browser_and_for_this_onboarding_only(app: FastAPI, here: str) -> None:
    visitor, other = at_console(app, "lead"), builders.an_onboarding("seller_linked")
    show(visitor, here, "seller_id")
    assert "S-4711" not in text(visitor.get(home(other)))
    assert "S-4711" not in text(at_console(app, "lead").get(here))
    visitor.post("/en/console/sign-out")
    assert "S-4711" not in text(at_console(app, "lead").get(here))


def test_masked_again_it_is_over_at_once(app: FastAPI, here: str) -> None:
    visitor = at_console(app, "lead")
    show(visitor, here, "seller_id")
    page = visitor.get(here)
    again = text(visitor.follow(visitor.press(page, f"{here}/mask/seller_id")))
    assert "S-4711" not in again
    assert "In full until" not in again
    visitor.press(page, f"{here}/mask/seller_id")
    assert [(e.action, e.details["field"]) for e in trail()] == [
        ("mask", "seller_id"),
        ("unmask", "seller_id"),
    ]


def test_without_a_reason_it_stays_masked_and_nothing_typed_is_lost(
    app: FastAPI, here: str
) -> None:
    visitor, asked = at_console(app, "lead"), f"{here}/unmask/seller_id"
    answer = visitor.press(visitor.get(asked), asked, reason="no")
    assert answer.status_code == 422
    assert "Say why, in 3 to 500 characters." in text(answer)
    assert 'value="no"' in answer.text
    assert "S-4711" not in text(visitor.get(here))
    assert [(e.action, e.outcome) for e in trail()] == [("unmask", "refused")]


def test_whoever_may_not_is_refused_and_written_down(app: FastAPI, here: str) -> None:
    visitor = at_console(app, "operator")
    assert "/unmask/" not in visitor.get(here).text
    answer = visitor.post(f"{here}/unmask/seller_id", {"reason": WHY})
    assert answer.status_code == 403
    assert [(e.action, e.outcome) for e in trail()] == [("unmask", "refused")]


def test_what_is_no_such_value_is_not_found(app: FastAPI, here: str) -> None:
    visitor = at_console(app, "lead")
    assert visitor.get(f"{here}/unmask/client_secret").status_code == 404
    assert visitor.post(f"{here}/unmask/client_secret", {"reason": WHY}).status_code == 404
    assert trail() == []


def test_looking_at_what_is_shown_writes_nothing(app: FastAPI, here: str, database: Engine) -> None:
    visitor = at_console(app, "lead")
    show(visitor, here, "seller_id")
    before = dump(database)
    visitor.get(here)
    visitor.get(f"{here}/unmask/seller_id")
    assert dump(database) == before


def test_the_form_says_so_in_french(app: FastAPI, here: str) -> None:
    page = at_console(app, "lead", "fr").get(f"{here}/unmask/seller_id".replace("/en/", "/fr/"))
    assert heading(page) == "Voir en clair\N{NO-BREAK SPACE}: Identifiant vendeur (Seller ID)"
    assert "pendant 5 minutes" in text(page)
