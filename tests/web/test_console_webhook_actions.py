"""Sending again and enabling again at the console: looked at, with a reason, once, and written down."""

from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, update

from onboarding import audit, db, webhooks
from onboarding.db import reading, transaction
from onboarding.models import AuditEntry, Delivery, Webhook
from onboarding.sealing import Keyring
from tests.dumping import dump
from tests.listening import (
    an_endpoint,
    deliver_all,
    deliveries,
    owner_of,
    started_by,
    the_endpoint,
)
from tests.receiving import Receiver
from tests.web.operating import a_quiet_site, at_console
from tests.web.test_console_webhooks import LIST, disabled, failed_for_good, page_of
from tests.web.visiting import Visitor, heading, soup, text

WHY = "INC-442: they listen again"


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_quiet_site(ring)


def trail() -> list[AuditEntry]:
    with reading() as session:
        return [*audit.latest(session, 20)]


def do(visitor: Visitor, path: str, reason: str = WHY) -> httpx.Response:
    """Look at it, then carry it out with a reason."""
    return visitor.press(visitor.get(path), path, reason=reason)


def test_all_that_failed_is_sent_again_once_and_written_down(
    app: FastAPI, receiver: Receiver
) -> None:
    webhook_id = an_endpoint(receiver.url)
    failed_for_good(webhook_id, 2)
    visitor, path = at_console(app, "operator"), f"{page_of(webhook_id)}/redeliver"
    preview = visitor.get(path)
    assert "2 deliveries are sent once more" in text(preview)
    assert "This cannot be undone." in text(preview)
    done = visitor.press(preview, path, reason=WHY)
    assert heading(visitor.follow(done)) == receiver.url.partition("?")[0]
    deliver_all()
    assert len(receiver.taken) == 2
    (entry,) = trail()
    assert (entry.action, entry.reason) == ("webhook.redeliver", WHY)
    assert (entry.details["webhook"], entry.details["count"]) == (str(webhook_id), 2)
    assert visitor.press(preview, path, reason=WHY).status_code == 409


def test_one_is_sent_again_and_the_trail_says_of_which_onboarding(
    app: FastAPI, receiver: Receiver
) -> None:
    webhook_id = an_endpoint(receiver.url)
    onboarding_id = started_by(owner_of(webhook_id), "type_chosen")
    deliver_all()
    one, _ = deliveries()
    visitor = at_console(app, "operator")
    link = soup(visitor.get(page_of(webhook_id))).select_one(
        f"#delivery-{one.id} td a[href*=redel]"
    )
    assert link
    assert visitor.follow(do(visitor, str(link["href"]))).status_code == 200
    deliver_all()
    assert [sent.id for sent in receiver.taken].count(one.event_id) == 2
    assert len(receiver.taken) == 3
    (entry,) = trail()
    assert (entry.onboarding_id, entry.details["count"]) == (onboarding_id, 1)


def test_those_of_a_time_are_sent_again(app: FastAPI, receiver: Receiver) -> None:
    webhook_id = an_endpoint(receiver.url)
    started_by(owner_of(webhook_id), "type_chosen")
    deliver_all()
    with transaction() as session:
        old = db.in_seconds(-timedelta(days=2).total_seconds())
        chosen = Delivery.type == "onboarding.started"
        session.execute(update(Delivery).where(chosen).values(created_at=old))
        today = db.clock(session).date()
    visitor = at_console(app, "operator")
    path = f"{page_of(webhook_id)}/redeliver?until={today}"
    preview = visitor.get(path)
    assert "1 delivery is sent once more" in text(preview)
    assert f"--until {today}T00:00:00" in text(preview)
    form = str(soup(preview).select_one("main form")["action"])  # type: ignore[index]
    visitor.press(preview, form, reason=WHY)
    deliver_all()
    assert len(receiver.taken) == 3


@pytest.mark.parametrize(
    "query",
    [
        "since=yesterday",
        "since=9999-12-31T23:59-14:00",
        "since=2026-11-27&until=2026-11-26",
    ],
)
def test_a_time_that_is_none_is_said_and_kept(app: FastAPI, query: str) -> None:
    webhook_id = an_endpoint("https://old.example/hook")
    answer = at_console(app, "operator").get(f"{page_of(webhook_id)}/redeliver?{query}")
    assert answer.status_code == 422
    assert "A day or an instant of UTC" in text(answer)
    assert f'value="{query.partition("=")[2].partition("&")[0]}"' in answer.text


def test_what_has_changed_since_it_was_looked_at_is_left_alone(app: FastAPI) -> None:
    webhook_id = an_endpoint("https://old.example/hook")
    failed_for_good(webhook_id)
    visitor, path = at_console(app, "operator"), f"{page_of(webhook_id)}/redeliver"
    preview = visitor.get(path)
    failed_for_good(webhook_id)
    assert visitor.press(preview, path, reason=WHY).status_code == 409
    assert all(each.failed_at for each in deliveries())
    assert [(e.action, e.outcome) for e in trail()] == [("webhook.redeliver", "refused")]


@pytest.mark.parametrize("action", ["redeliver", "enable"])
def test_without_a_reason_nothing_happens(app: FastAPI, action: str) -> None:
    webhook_id = an_endpoint("https://old.example/hook")
    failed_for_good(webhook_id)
    disabled(webhook_id)
    answer = do(at_console(app, "operator"), f"{page_of(webhook_id)}/{action}", "no")
    assert answer.status_code == 422
    assert "Say why, in 3 to 500 characters." in text(answer)
    assert 'value="no"' in answer.text
    assert the_endpoint(webhook_id).disabled_at
    assert [(e.action, e.outcome) for e in trail()] == [(f"webhook.{action}", "refused")]


def test_one_that_we_have_disabled_is_enabled_again_and_goes_on_where_it_was(
    app: FastAPI, receiver: Receiver
) -> None:
    webhook_id = an_endpoint(receiver.url)
    disabled(webhook_id)
    started_by(owner_of(webhook_id))
    deliver_all()
    assert receiver.taken == []
    visitor = at_console(app, "operator")
    overview = text(visitor.get("/en/console"))
    assert "Where nothing is sent any more" in overview
    assert receiver.url.partition("?")[0] in overview
    assert visitor.follow(do(visitor, f"{page_of(webhook_id)}/enable")).status_code == 200
    deliver_all()
    assert len(receiver.taken) == 1
    assert "Where nothing is sent any more" not in text(visitor.get("/en/console"))
    (entry,) = trail()
    assert (entry.action, entry.details["because"]) == ("webhook.enable", "answered_5xx")


def test_one_that_was_disabled_anew_meanwhile_stays_so(app: FastAPI) -> None:
    webhook_id = an_endpoint("https://old.example/hook")
    disabled(webhook_id)
    visitor, path = at_console(app, "operator"), f"{page_of(webhook_id)}/enable"
    preview = visitor.get(path)
    with transaction() as session:
        webhooks.enable(session, session.get_one(Webhook, webhook_id))
    disabled(webhook_id, "gone")
    assert visitor.press(preview, path, reason=WHY).status_code == 409
    assert the_endpoint(webhook_id).disabled_because == "gone"


def test_what_its_owner_has_switched_off_only_they_switch_on(app: FastAPI) -> None:
    webhook_id = an_endpoint("https://old.example/hook")
    disabled(webhook_id, webhooks.BY_ITS_OWNER)
    visitor = at_console(app, "admin")
    assert "/enable" not in visitor.get(page_of(webhook_id)).text
    assert visitor.get(f"{page_of(webhook_id)}/enable").status_code == 409
    assert "Where nothing is sent any more" not in text(visitor.get("/en/console"))


def test_looking_writes_nothing(app: FastAPI, database: Engine) -> None:
    webhook_id = an_endpoint("https://old.example/hook")
    failed_for_good(webhook_id)
    disabled(webhook_id)
    visitor = at_console(app, "admin")
    before = dump(database)
    for path in ("", "/redeliver", "/enable", "/redeliver?since=x"):
        visitor.get(f"{page_of(webhook_id)}{path}")
    visitor.get(LIST)
    assert dump(database) == before
