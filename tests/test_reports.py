"""Reports: what they count is what happened, in the window that was asked for, and by what they tell apart."""

from datetime import timedelta
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, update

from onboarding import db, exports, reports
from onboarding.db import snapshot, transaction
from onboarding.errors import Invalid
from onboarding.models import Client, Transition
from onboarding.reports import Funnel, Stay
from onboarding.sealing import Keyring
from tests import builders
from tests.composing import put
from tests.web.operating import a_quiet_site, at_console
from tests.web.visiting import text


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_quiet_site(ring)


def funnel(by: str = "type", days: int = 28) -> list[Funnel]:
    with snapshot() as session:
        return [*reports.funnel(session, by, days)]


def stays(by: str | None = None) -> dict[tuple[str | None, str], Stay]:
    with snapshot() as session:
        return {(stay.group, stay.state): stay for stay in reports.times(session, by)}


def spend(onboarding_id: UUID, sequence: int, length: timedelta) -> None:
    """The step after this one comes so much later."""
    with transaction() as session:
        now = db.clock(session)
        for number, at in ((sequence, now - length), (sequence + 1, now)):
            session.execute(
                update(Transition)
                .where(Transition.onboarding_id == onboarding_id, Transition.sequence == number)
                .values(at=at)
            )


def test_each_type_has_its_own_steps(database: Engine) -> None:
    for state in (
        "started",
        "redirected_to_soap",
        "credentials_issued",
        "confirmed",
        "secret_ready",
    ):
        builders.an_onboarding(state)
    builders.an_onboarding("seller_linked", delegated=True)
    assert funnel() == [
        Funnel("own_development", 2, 2, 2, 1, 1, 1, 1, 1, 0),
        Funnel(None, 1, None, None, None, None, None, None, None, None),
        Funnel("aggregator", 1, 1, 0, 0, 0, 1, 0, 0, 0),
        Funnel("credentials_only", 1, 1, 1, 1, 1, None, None, 1, 0),
        Funnel("legacy_soap", 1, 1, None, None, None, None, None, None, None),
    ]


def test_first_calls_are_counted_of_those_who_are_done_and_can_call(database: Engine) -> None:
    ids = [builders.an_onboarding("credentials_issued") for _ in range(3)]
    confirmed = builders.an_onboarding("confirmed")
    on_the_way = builders.an_onboarding("seller_linked")
    with transaction() as session:
        used = Client.onboarding_id.in_([*ids[:2], confirmed, on_the_way])
        session.execute(update(Client).where(used).values(first_used_at=db.now()))
        gone = Client.onboarding_id == ids[1]
        session.execute(update(Client).where(gone).values(revoked_at=db.now()))
    assert {each.group: each[-2:] for each in funnel()} == {
        "credentials_only": (2, 1),
        "own_development": (1, 1),
    }
    assert [each[-2:] for each in funnel("language")] == [(3, 2)]


def test_a_step_that_is_taken_twice_counts_once(database: Engine) -> None:
    one = builders.an_onboarding("seller_linked")
    builders.fire(one, "unlink_seller", builders.SELLER)
    assert [each.seller_linked for each in funnel()] == [1]


def test_groups_are_told_apart_as_asked(database: Engine) -> None:
    with transaction() as session:
        now = db.clock(session)
    old, new = builders.an_onboarding("started"), builders.an_onboarding("started")
    put(old, locale="fr", created_at=now - timedelta(days=10))
    put(new, locale="en")
    assert [each[:2] for each in funnel("language")] == [("en", 1), ("fr", 1)]
    weeks = {each.group for each in funnel("week", 14)}
    assert weeks == {(now - timedelta(days=days)).date().isoformat() for days in (14, 7)}
    assert [each[:2] for each in funnel("aggregator")] == [(None, 2)]
    assert [each[:2] for each in funnel("language", 7)] == [("en", 1)]


@pytest.mark.parametrize("number", [1, 2, 10, 11])
def test_how_long_a_state_took_is_a_nearest_rank(database: Engine, number: int) -> None:
    ids = [builders.an_onboarding("type_chosen") for _ in range(number)]
    for minutes, one in enumerate(ids, 1):
        spend(one, 1, timedelta(minutes=minutes))
    stay = stays()[None, "started"]
    count = number
    ranks = [-(-count * share // 100) * 60 for share in (50, 90, 99)]
    assert stay.stays == count
    assert [round(length) for length in stay[3:]] == ranks
    assert (None, "type_chosen") not in stays()
    assert stays("type")["own_development", "started"].stays == count


def test_what_cannot_be_asked_is_refused(app: FastAPI) -> None:
    with snapshot() as session:
        for by, days in (("name", 28), ("type", 0), ("type", 93)):
            with pytest.raises(Invalid):
                reports.funnel(session, by, days)
    visitor = at_console(app, "viewer")
    for query in ("by=name", "days=0", "days=93", "days=x", "days=99999999999999999999"):
        assert visitor.get(f"/en/console/reports?{query}").status_code == 422
        assert visitor.get(f"/en/console/reports/funnel.csv?{query}").status_code == 422
    assert visitor.get("/en/console/reports/nothing.csv").status_code == 404


@pytest.mark.parametrize("locale", ["en", "fr"])
def test_the_page_shows_both_and_gives_them_as_files(app: FastAPI, locale: str) -> None:
    builders.an_onboarding("confirmed")
    visitor = at_console(app, "viewer", locale)
    home = f"/{locale}/console/reports"
    for by in reports.SPLITS:
        page = visitor.get(f"{home}?by={by}&days=7")
        assert page.status_code == 200
        assert f"onboarding report funnel --by {by} --days 7" in text(page)
        assert {"en": "Stays", "fr": "Séjours"}[locale] in text(page)
        with snapshot() as session:
            found = reports.funnel(session, by, 7)
            took = reports.times(session, by, 7)
        told = visitor.get(f"{home}/funnel.csv?by={by}&days=7").content
        assert told == exports.table(Funnel._fields, found)
        told = visitor.get(f"{home}/times.csv?by={by}&days=7").content
        assert told == exports.table(Stay._fields, took)
