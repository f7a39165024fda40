"""Endpoints of other systems at the console: how they stand, and what was sent."""

from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, insert, update

from onboarding import db, reception, webhooks
from onboarding.db import transaction
from onboarding.ids import new_id
from onboarding.models import Delivery, Webhook
from onboarding.sealing import Keyring
from tests.listening import (
    an_endpoint,
    deliver_all,
    owner_of,
    started_by,
    sweep,
    the_endpoint,
)
from tests.receiving import Receiver
from tests.web.calling import System, served
from tests.web.measuring import families
from tests.web.operating import a_quiet_site, at_console, home
from tests.web.visiting import soup, text

LIST = "/en/console/webhooks"


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_quiet_site(ring)


def page_of(webhook_id: UUID) -> str:
    return f"{LIST}/{webhook_id}"


def failed_for_good(webhook_id: UUID, number: int = 1) -> list[UUID]:
    """So many deliveries that came to nothing, the oldest first; they tell of no onboarding."""
    ids = sorted(new_id() for _ in range(number))
    row = {"webhook_id": webhook_id, "type": "webhook.test", "body": "{}", "attempts": 10}
    with transaction() as session:
        failed = {"failed_at": db.clock(session), "tried_at": db.clock(session), "status": 503}
        rows = [
            row | failed | {"id": i, "event_id": f"test_{i.hex}", "cause": "answered_5xx"}
            for i in ids
        ]
        session.execute(insert(Delivery), rows)
    return ids


def disabled(webhook_id: UUID, because: str = "answered_5xx") -> None:
    with transaction() as session:
        webhooks.disable(session, session.get_one(Webhook, webhook_id), because)


def test_without_an_endpoint_the_page_says_so_and_how_there_is_one(app: FastAPI) -> None:
    page = at_console(app, "viewer").get(LIST)
    assert "No system has an endpoint yet." in text(page)
    assert "onboarding webhook add https://… --system …" in text(page)


def test_the_list_tells_how_each_takes_what_is_sent(app: FastAPI, receiver: Receiver) -> None:
    well, off = an_endpoint(receiver.url), an_endpoint("https://off.example/hook?secret=1")
    started_by(owner_of(well))
    deliver_all()
    disabled(off, webhooks.BY_ITS_OWNER)
    disabled(an_endpoint("https://gone.example/hook"), "gone")
    receiver.answer = lambda _: 503
    failing = an_endpoint(receiver.url, owner_of(well))
    started_by(owner_of(failing))
    sweep()
    page = at_console(app, "viewer").get(LIST)
    rows = [" ".join(row.text.split()) for row in soup(page).select("tbody tr")]
    assert "https://gone.example/hook" in rows[0]
    assert "disabled (it has said that it is gone for good)" in rows[0]
    assert "switched off by its owner" in rows[-1]
    assert "secret=1" not in page.text
    assert any("failing, since" in row and "answered 503" in row for row in rows)
    assert "of=tests" not in page.text


def test_since_when_it_fails_is_kept_until_it_takes_something(
    app: FastAPI, receiver: Receiver
) -> None:
    webhook_id = an_endpoint(receiver.url)
    assert the_endpoint(webhook_id).failing_since is None
    receiver.answer = lambda _: 500
    started_by(owner_of(webhook_id))
    sweep()
    first = the_endpoint(webhook_id).failing_since
    assert first is not None
    again(webhook_id)
    assert (the_endpoint(webhook_id).failures, the_endpoint(webhook_id).failing_since) == (2, first)
    receiver.answer = lambda _: 204
    again(webhook_id)
    assert the_endpoint(webhook_id).failing_since is None


def again(webhook_id: UUID) -> None:
    """Nobody waits: what rests comes due."""
    with transaction() as session:
        theirs = Webhook.id == webhook_id
        session.execute(update(Webhook).where(theirs).values(rests_until=db.now()))
        session.execute(update(Delivery).values(next_at=db.now()))
    sweep()


def test_what_failed_comes_first_page_by_page(app: FastAPI) -> None:
    webhook_id = an_endpoint("https://old.example/hook")
    with transaction() as session:
        newest = [webhooks.test(session, session.get_one(Webhook, webhook_id)).id for _ in range(3)]
    failed = failed_for_good(webhook_id, 60)
    visitor, listed = at_console(app, "viewer"), []
    path = page_of(webhook_id)
    while path:
        page = soup(visitor.get(path))
        listed += [str(row["id"]).removeprefix("delivery-") for row in page.select("tbody tr")]
        link = page.find("a", string="Older ones")
        path = str(link["href"]) if link else ""
    expected = [*sorted(failed, reverse=True), *sorted(newest, reverse=True)]
    assert listed == [str(each) for each in expected]


@pytest.mark.parametrize("after", ["x", "failed-1", "rest-"])
def test_a_page_that_is_none_is_not_found(app: FastAPI, after: str) -> None:
    webhook_id = an_endpoint("https://old.example/hook")
    assert at_console(app, "viewer").get(f"{page_of(webhook_id)}?after={after}").status_code == 404


def test_a_viewer_sees_it_all_and_is_told_which_role_sends_again(app: FastAPI) -> None:
    webhook_id = an_endpoint("https://old.example/hook")
    failed_for_good(webhook_id)
    page = at_console(app, "viewer").get(page_of(webhook_id))
    assert "To send again needs the role operator" in text(page)
    assert "/redeliver" not in page.text


def test_the_timeline_tells_what_was_sent_where_and_what_came_of_it(
    app: FastAPI, receiver: Receiver
) -> None:
    webhook_id = an_endpoint(receiver.url)
    onboarding_id = started_by(owner_of(webhook_id))
    visitor = at_console(app, "viewer")
    receiver.answer = lambda _: 503
    sweep()
    page = visitor.get(home(onboarding_id))
    said = f"Webhook: onboarding.started → {receiver.url.partition('?')[0]}"
    assert f"{said} · is tried again, answered 503, 1 attempt" in text(page)
    link = soup(page).select_one(f".timeline a[href$='/webhooks/{webhook_id}']")
    assert link
    receiver.answer = lambda _: 204
    again(webhook_id)
    assert f"{said} · arrived, answered 204, 2 attempts" in text(visitor.get(home(onboarding_id)))


def test_metrics_count_them_by_how_they_stand(app: FastAPI, ring: Keyring) -> None:
    disabled(an_endpoint("https://a.example/hook"))
    disabled(an_endpoint("https://b.example/hook"), webhooks.BY_ITS_OWNER)
    an_endpoint("https://c.example/hook")
    (found,) = (
        family
        for family in families(System(served(ring)))
        if family.name == "onboarding_webhook_endpoints"
    )
    told = {sample.labels["status"]: sample.value for sample in found.samples}
    assert told == {"well": 1, "failing": 0, "disabled": 1, "off": 1}
    assert set(told) == set(reception.STATUSES)


def test_a_page_in_french(app: FastAPI) -> None:
    webhook_id = an_endpoint("https://old.example/hook")
    failed_for_good(webhook_id)
    visitor = at_console(app, "operator", "fr")
    page = visitor.get(page_of(webhook_id).replace("/en/", "/fr/"))
    assert "échec définitif" in text(page).lower()
