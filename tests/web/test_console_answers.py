"""What the wizard asks about people is seen by operators: masked, in words, and only where it was asked."""

from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from bs4 import Tag
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding import archiving, audit, events, exports
from onboarding.db import reading, snapshot, transaction
from onboarding.filters import Filter
from onboarding.models import AuditEntry, Onboarding
from onboarding.routing_questions import TREE
from onboarding.sealing import Keyring
from onboarding.web import console_words
from tests import builders
from tests.web.answering import given, on_the_way, question, the_onboarding_of
from tests.web.calling import a_system, expect
from tests.web.operating import a_quiet_site, at_console, home
from tests.web.visiting import Visitor, soup, text

WHY = "the seller is on the phone"
ORGANISATION = "Harbour Software SARL"
PATH = "/v1/operations/onboardings"
ANSWERED = ("organisation", "role", "developer_email")
PARTNER = "alexandra@partner.example"
LABELS = {
    "en": ("Organisation", "E-mail address of the development partner", "What they are"),
    "fr": ("Organisation", "Adresse e-mail du partenaire de développement", "Qui ils sont"),
}


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_quiet_site(ring)


def of_an_account(app: FastAPI, role: str = "integration_partner") -> Onboarding:
    """Somebody who asks for credentials only, and has said for whom."""
    visitor, page = on_the_way(app, "credentials_only")
    typed = given(page, role) | {"organisation": ORGANISATION}
    visitor.press(page, "/answers/account", **typed)
    return the_onboarding_of(visitor)


def with_a_partner(app: FastAPI) -> tuple[Visitor, Onboarding]:
    """A seller whose software somebody else develops."""
    visitor, page = on_the_way(app, "own_development")
    visitor.press(page, "/answers/developer", developer="partner", developer_email=PARTNER)
    return visitor, the_onboarding_of(visitor)


def people(app: FastAPI, onboarding: Onboarding, locale: str = "en") -> dict[str, str]:
    """The rows under "Credentials and people", by what each is called."""
    here = home(onboarding.id).replace("/en/", f"/{locale}/")
    rows = soup(at_console(app, "lead", locale).get(here)).select(".govuk-summary-list__row")
    names, values = zip(*[row.select("dt, dd")[:2] for row in rows], strict=True)
    return dict(zip(map(said, names), map(said, values), strict=True))


def said(cell: Tag) -> str:
    return " ".join(cell.text.split())


def trail() -> list[AuditEntry]:
    with reading() as session:
        return [*audit.latest(session, 20)]


def show(visitor: Visitor, here: str, field: str) -> str:
    asked = f"{here}/unmask/{field}"
    return text(visitor.follow(visitor.press(visitor.get(asked), asked, reason=WHY)))


@pytest.mark.parametrize("locale", ["en", "fr"])
@pytest.mark.parametrize("role", console_words.WHAT_THEY_ARE)
def test_who_asks_for_credentials_only_is_told_in_words(
    app: FastAPI, locale: str, role: str
) -> None:
    organisation, partner, what = LABELS[locale]
    told = people(app, of_an_account(app, role), locale)
    assert told[organisation] == "Ha***"
    assert (
        told[what]
        == {
            "developer": {"en": "Developer", "fr": "Développeur"},
            "aggregator": {"en": "Aggregator", "fr": "Agrégateur"},
            "integration_partner": {"en": "Integration partner", "fr": "Partenaire d’intégration"},
        }[role][locale]
    )
    assert partner not in told


def test_every_answer_has_its_words() -> None:
    (role,) = [each for each in TREE["account"].question.fields if each.name == "role"]
    assert tuple(console_words.WHAT_THEY_ARE) == role.options


@pytest.mark.parametrize("locale", ["en", "fr"])
def test_the_partner_is_masked_like_any_address(app: FastAPI, locale: str) -> None:
    organisation, partner, what = LABELS[locale]
    told = people(app, with_a_partner(app)[1], locale)
    assert told[partner] == "al***@pa***.example"
    assert {organisation, what}.isdisjoint(told)


@pytest.mark.parametrize("state", ["started", "seller_linked"])
def test_what_was_not_asked_takes_no_room(app: FastAPI, state: str) -> None:
    told = people(app, builders.the(builders.an_onboarding(state)))
    assert set(LABELS["en"]).isdisjoint(told)
    assert told["Shop"]


def test_each_is_seen_in_full_by_whoever_says_why_and_never_logged(
    app: FastAPI, caplog: pytest.LogCaptureFixture
) -> None:
    account, (_, own) = of_an_account(app), with_a_partner(app)
    lead, viewer = at_console(app, "lead"), at_console(app, "viewer")
    for onboarding, field, value in (
        (account, "organisation", ORGANISATION),
        (own, "developer_email", PARTNER),
    ):
        here = home(onboarding.id)
        assert value not in lead.get(here).text
        assert value in show(lead, here, field)
        assert value not in at_console(app, "lead").get(here).text
        assert f"/unmask/{field}" not in viewer.get(here).text
        assert viewer.post(f"{here}/unmask/{field}", {"reason": WHY}).status_code == 403
    (of_partner, of_organisation) = [each for each in trail() if each.outcome == "done"]
    assert (of_organisation.action, of_organisation.reason) == ("unmask", WHY)
    assert of_partner.details["field"] == "developer_email"
    for told in (caplog.text, str([each.details for each in trail()])):
        assert "role_needed" in told
        assert "lexandra" not in told
        assert "arbour" not in told


def test_another_way_ends_what_was_answered(app: FastAPI) -> None:
    visitor, onboarding = with_a_partner(app)
    page = visitor.open(question(visitor, "connection_type"))
    visitor.press(page, "/answers/connection_type", connection_type="credentials_only")
    assert set(LABELS["en"]).isdisjoint(people(app, onboarding))


def test_whoever_starts_over_is_asked_anew(app: FastAPI) -> None:
    onboarding = of_an_account(app)
    builders.fire(onboarding.id, "start_over", builders.SELLER)
    assert set(LABELS["en"]).isdisjoint(people(app, onboarding))


def test_a_system_that_chooses_otherwise_ends_what_was_answered(app: FastAPI) -> None:
    _, onboarding = with_a_partner(app)
    with transaction() as session:
        chosen = {"connection_type": "plugin"}
        events.handle(session, onboarding.id, "choose_type", builders.API, chosen)
    assert builders.the(onboarding.id).answers == {}
    assert set(LABELS["en"]).isdisjoint(people(app, onboarding))


def test_a_system_that_oversees_is_told_masked_and_of_one_only(app: FastAPI) -> None:
    account, (_, own) = of_an_account(app), with_a_partner(app)
    other = builders.the(builders.an_onboarding("started"))
    overseer = a_system(app, ["operations:read"])
    told = [expect(overseer.get(f"{PATH}/{each.reference}"), 200) for each in (account, own, other)]
    assert [[each[name] for name in ANSWERED] for each in told] == [
        ["Ha***", "integration_partner", None],
        [None, None, "al***@pa***.example"],
        [None, None, None],
    ]
    for listed in expect(overseer.get(PATH), 200)["items"]:
        assert set(ANSWERED).isdisjoint(listed)


def test_neither_a_file_nor_an_archive_has_them(app: FastAPI, tmp_path: Path) -> None:
    account, (_, own) = of_an_account(app), with_a_partner(app)
    with snapshot() as session:
        exports.write(session, Filter(), "ndjson", out := BytesIO())
    for each in (account, own):
        builders.fire(each.id, "cancel", builders.SELLER)
        builders.work(each.id)
        builders.age(each.id, timedelta(days=400))
    (archived,) = archiving.archive(365, tmp_path / "archive")
    assert archived.path
    kept = out.getvalue() + archived.path.read_bytes()
    assert kept.count(account.reference.encode()) == 2
    for value in (b"lexandra", b"arbour", b"partner.example", b"integration_partner"):
        assert value not in kept
