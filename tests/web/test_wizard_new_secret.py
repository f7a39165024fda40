"""The page of a secret that is in use: a new one beside it, shown once, and the old one ended in time."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import Engine, update

from onboarding import connections, db, outbox, redelivery
from onboarding.db import transaction
from onboarding.models import Client, SealedSecret, Secret
from onboarding.sealing import Keyring
from tests.at_runs import fail_for_good
from tests.builders import SELLER, an_onboarding, make_older, promised, the
from tests.telling import a_source
from tests.threats.test_leaked_secrets import disclose
from tests.web import secret_walk
from tests.web.calling import expect
from tests.web.presenting import Caller
from tests.web.secret_walk import click_often, count, let_pass, page_of, path_of, secret_on
from tests.web.visiting import Visitor, a_site, a_visitor, errors, heading, letters, soup, text
from workers import clock, turns

ASKED = {"overlap_days": "3"}


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_site(ring)


def done(app: FastAPI, **more: str) -> tuple[Visitor, Caller]:
    """A visitor whose credentials are issued, and the program that has them."""
    visitor = secret_walk.at(app, "secret_revealed", "credentials_only", **more)
    caller = program(visitor, visitor.bodies[-1])
    expect(caller.ask(), 200)
    return visitor, caller


def program(visitor: Visitor, shown: str) -> Caller:
    page = httpx.Response(200, text=shown)
    client_id = soup(page).select_one("#client_id")
    assert client_id
    one = secret_walk.the(visitor).id
    return Caller(visitor.app, one, client_id.text, secret_on(page))


def open_page(visitor: Visitor) -> httpx.Response:
    return visitor.open(path_of(visitor) + "/client-secret")


def asked(visitor: Visitor, days: int = 3) -> httpx.Response:
    page = visitor.press(open_page(visitor), "/new-secret", overlap_days=str(days))
    return visitor.follow(page)


def shown(visitor: Visitor, days: int = 3) -> tuple[httpx.Response, Caller]:
    page = visitor.press(asked(visitor, days), "/new-secret-reveal")
    return page, program(visitor, page.text)


def test_from_the_list_of_connections_to_a_new_secret(app: FastAPI) -> None:
    visitor, old = done(app)
    listed = visitor.open("/en/connections")
    link = soup(listed).select_one('a[href$="/client-secret"]')
    assert link
    assert heading(visitor.open(str(link["href"]))) == "Your client secret"
    assert "Your new client secret is ready" in text(asked(visitor))
    page, new = shown_from(visitor, open_page(visitor))
    assert page.headers["cache-control"] == "no-store"
    assert letters("a new client secret was shown")
    expect(old.ask(), 200)
    assert "Have you stored your new client secret?" in text(open_page(visitor))
    saved = visitor.follow(visitor.press(page, "/new-secret-acknowledgement", stored="yes"))
    assert "Both client secrets work until" in text(saved)
    expect(old.ask(), 200)
    expect(new.ask(), 200)
    assert sum(new.secret in body for body in visitor.bodies) == 1


def shown_from(visitor: Visitor, page: httpx.Response) -> tuple[httpx.Response, Caller]:
    page = visitor.press(page, "/new-secret-reveal")
    return page, program(visitor, page.text)


def test_the_old_one_is_offered_to_be_ended_once_nothing_uses_it(app: FastAPI) -> None:
    visitor, old = done(app)
    make_older(Secret, "last_used_at", timedelta(hours=1))
    _, new = shown(visitor)
    expect(new.ask(), 200)
    page = open_page(visitor)
    assert "Nothing has used the old one" in text(page)
    assert not soup(page).select(".govuk-warning-text")
    expect(old.ask(), 200)
    warned = open_page(visitor)
    assert "still in use" in text(warned)
    assert soup(warned).select_one("details form[action$=old-secret-end]")
    ended = visitor.follow(visitor.press(warned, "/old-secret-end"))
    assert "How long the old client secret" in text(ended)
    expect(old.ask(), 401)
    expect(new.ask(), 200)


def test_asking_and_showing_need_a_fresh_proof(app: FastAPI) -> None:
    visitor, _ = done(app)
    page = open_page(visitor)
    let_pass(visitor, timedelta(minutes=11))
    proof = visitor.follow(visitor.press(page, "/new-secret", **ASKED))
    assert heading(proof) == "Show that it is you"
    assert count(Secret) == 1
    assert heading(secret_walk.prove(visitor, proof)) == heading(page)
    ready = asked(visitor)
    let_pass(visitor, timedelta(minutes=11))
    assert heading(visitor.follow(visitor.press(ready, "/new-secret-reveal"))) == heading(proof)
    assert count(SealedSecret) == 1


def test_twenty_clicks_make_one_and_show_it_once(app: FastAPI) -> None:
    visitor, _ = done(app)
    clicks = click_often(visitor, open_page(visitor), "/new-secret", **ASKED)
    assert {answer.status_code for _, answer in clicks} == {303}
    assert count(Secret) == 2
    clicks = click_often(visitor, open_page(visitor), "/new-secret-reveal")
    assert sorted(answer.status_code for _, answer in clicks) == [200] + [303] * 19


def test_a_lost_one_is_made_anew_and_the_old_one_goes_on(app: FastAPI) -> None:
    visitor, old = done(app)
    _, lost = shown(visitor)
    _, new = shown(visitor)
    expect(old.ask(), 200)
    expect(lost.ask(), 401)
    expect(new.ask(), 200)


@pytest.mark.parametrize(
    ("form", "field", "typed"),
    [
        ("new-secret", "overlap_days", {"overlap_days": "8"}),
        ("new-secret", "overlap_days", {}),
        ("new-secret-acknowledgement", "ending", {"stored": "yes", "ending": "abc"}),
        ("new-secret-acknowledgement", "ending", {"ending": "abcdef"}),
        ("new-secret-acknowledgement", "ending", {"stored": "yes", "ending": "abcdef"}),
    ],
)
def test_what_is_wrong_is_said_and_changes_nothing(
    app: FastAPI, form: str, field: str, typed: dict[str, str]
) -> None:
    visitor, old = done(app)
    if form != "new-secret":
        shown(visitor)
    answer = visitor.post(f"{path_of(visitor)}/{form}", {"version": "2", **typed})
    assert answer.status_code == 422
    assert list(errors(answer)) == [field]
    expect(old.ask(), 200)


def test_one_that_was_sealed_elsewhere_is_shown_to_nobody(app: FastAPI) -> None:
    visitor, old = done(app)
    ready = asked(visitor)
    with transaction() as session:
        session.execute(update(SealedSecret).values(fence="elsewhere"))
    page = visitor.follow(visitor.press(ready, "/new-secret-reveal"))
    assert "How long the old client secret" in text(page)
    assert count(SealedSecret) == 0
    expect(old.ask(), 200)


def test_the_clock_destroys_one_that_was_sealed_elsewhere(app: FastAPI) -> None:
    visitor, old = done(app)
    asked(visitor)
    with transaction() as session:
        session.execute(update(SealedSecret).values(fence="elsewhere"))
    assert clock.forfeit().done == 1
    assert count(SealedSecret) == 0
    expect(old.ask(), 200)


@pytest.mark.parametrize("form", ["new-secret", "new-secret-reveal", "old-secret-end"])
def test_nobody_else_gets_anywhere(app: FastAPI, form: str) -> None:
    visitor, old = done(app)
    stranger = a_visitor(app, an_onboarding("confirmed"))
    answer = stranger.post(f"{path_of(visitor)}/{form}", {"version": "1", **ASKED})
    assert answer.status_code == 404
    assert stranger.get(f"{path_of(visitor)}/client-secret").status_code == 404
    assert count(Secret, Secret.overlap_days.is_not(None)) == 0
    expect(old.ask(), 200)


@pytest.mark.parametrize("state", ["started", "secret_ready", "seller_linked", "cancelled"])
def test_where_there_is_none_in_use_the_page_leads_home(app: FastAPI, state: str) -> None:
    onboarding_id: UUID = an_onboarding(state)
    visitor = a_visitor(app, onboarding_id)
    for path in ("client-secret", "new-secret"):
        answer = visitor.get(f"{visitor.home(onboarding_id)}/{path}")
        assert answer.headers["location"] == visitor.home(onboarding_id)


def test_a_disabled_client_gets_no_new_secret(app: FastAPI) -> None:
    visitor, _ = done(app)
    make_disabled(visitor)
    page = open_page(visitor)
    assert "does not work any more" in text(page)
    assert not soup(page).select("main form[action$=new-secret]")


def make_disabled(visitor: Visitor) -> None:
    with transaction() as session:
        session.execute(update(Client).values(disabled_at=db.now()))


def disclose_it(caller: Caller) -> None:
    expect(disclose(caller.app, a_source(), caller.secret), 202)
    for message in promised("answer_leak"):
        turns.run(str(message.id))


def rename_it(caller: Caller) -> None:
    with transaction() as session:
        connections.rename(session, caller.id, SELLER, "My second shop")


@pytest.mark.parametrize("happens", [disclose_it, rename_it])
def test_one_that_cannot_be_made_is_told_of_whatever_has_happened_since(
    app: FastAPI, happens: Callable[[Caller], None]
) -> None:
    visitor, caller = done(app)
    outbox.publish_with(None)
    assert "is being created" in text(asked(visitor))
    before = the(caller.id).sequence
    happens(caller)
    assert the(caller.id).sequence == before + 1
    assert "is being created" in text(open_page(visitor))
    fail_for_good("replace_secret")
    assert "We could not create the new client secret" in text(open_page(visitor))
    (message,) = promised("replace_secret")
    with transaction() as session:
        assert redelivery.retry(session, message.id)
    turns.run(str(message.id))
    assert "Your new client secret is ready" in text(open_page(visitor))


def test_french(app: FastAPI) -> None:
    visitor, _ = done(app)
    visitor.locale = "fr"
    assert heading(open_page(visitor)) == "Votre secret client"
    assert "prêt" in text(asked(visitor))
    assert page_of(visitor).status_code == 200
