"""Every page of the console, in front of a lead; a chapter of the gallery."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from onboarding import db, operators, population
from onboarding.db import transaction
from onboarding.models import Onboarding, Operator
from onboarding.sealing import read_keyring
from onboarding.settings import settings
from tests import builders
from tests.commands.incidents import an_incident
from tests.composing import put
from tests.journeys.pages import Person
from tests.listening import an_endpoint
from tests.telling import Event, a_source, tell
from tests.web.test_console_webhooks import disabled, failed_for_good

WHY = "INC-442: the registry is back"
NUMBER = 60


def console(person: Person) -> Iterator[str]:
    """From the printed link to the trail of what was done."""
    ring = read_keyring(settings().keys_dir)
    population.populate(NUMBER, ring, settings())
    until = datetime.now(UTC) + timedelta(hours=1)
    home = f"/{person.locale}/console"
    person.open(f"{home}/enter/{operators.link_token(ring, 'lead', until)}")
    yield "console-enter"
    person.press("Open the console")
    yield "console-overview"
    person.open(f"{home}/onboardings")
    yield "console-onboardings"
    person.open(f"{home}/onboardings?state=gone")
    yield "console-onboardings-error"
    person.open(f"{home}/onboardings?state=type_chosen")
    person.page.locator("summary", has_text=person.says("Save this view")).click()
    person.press("Save")
    yield "console-view-error"
    person.fill("Its name", "Type chosen, in Lyon")
    person.tick("For every operator")
    person.press("Save")
    yield "console-view"
    yield from _told(person)
    person.open(f"{home}/onboardings?q=nothing")
    yield "console-onboardings-none"
    stuck = _a_stuck_one(person.locale)
    person.open(f"{home}/onboardings/{stuck.reference}")
    yield "console-detail"
    person.page.locator("summary", has_text=person.says("See what the seller sees")).click()
    person.fill("Why do you look? It is kept in the trail.", WHY)
    person.press("See their page")
    yield "console-as-seller"
    person.follow("Back to %(reference)s", reference=stuck.reference)
    person.follow("Try again")
    yield "console-action"
    person.press("Try again")
    yield "console-action-error"
    person.fill("Why? It is kept in the trail.", WHY)
    person.press("Try again")
    yield "console-detail-retried"
    yield from _more_actions(person, home)
    yield from _runs(person, home)
    yield from _causes(person, home)
    yield from _figures(person, home)
    person.open(f"{home}/audit")
    yield "console-trail"
    person.press("Check the whole trail")
    yield "console-trail-checked"
    person.page.context.clear_cookies()
    person.open(home)
    yield "console-sign-in-needed"


def _told(person: Person) -> Iterator[str]:
    """By e-mail: the sandbox's link gives no address, a sign-in does."""
    tell = person.says("Tell me when %(view)s holds more than so many", view="Type chosen, in Lyon")
    person.page.locator("summary", has_text=tell).click()
    yield "console-view-no-address"
    with transaction() as session:
        given = {"email": "mara@market.example", "email_given_at": db.now()}
        session.execute(update(Operator).values(**given))
    person.page.reload()
    person.page.locator("summary", has_text=tell).click()
    person.fill("More than how many?", "many")
    person.press("Tell me")
    yield "console-view-alert-error"
    person.fill("More than how many?", "20")
    person.press("Tell me")
    person.page.locator("summary", has_text=tell).click()
    yield "console-view-alert"


def _more_actions(person: Person, home: str) -> Iterator[str]:
    """One that shows the letter, and one that asks for a choice."""
    slow = _a_slow_one()
    person.open(f"{home}/onboardings/{slow.reference}/nudge")
    yield "console-action-letter"
    person.open(f"{home}/onboardings/{slow.reference}/extend")
    yield "console-action-choice"
    yield from _in_full(person, home)
    yield from _webhooks(person, home)


def _in_full(person: Person, home: str) -> Iterator[str]:
    """One value for a while, and something that can be undone."""
    slow = _a_slow_one()
    person.open(f"{home}/onboardings/{slow.reference}/unmask/contact_email")
    yield "console-unmask"
    person.press("Show it")
    yield "console-unmask-error"
    person.fill("Why? It is kept in the trail.", WHY)
    person.press("Show it")
    yield "console-detail-in-full"
    person.open(f"{home}/onboardings/{slow.reference}/take_on")
    person.fill("Why? It is kept in the trail.", WHY)
    person.press("Take it on")
    yield "console-detail-undo"


def _webhooks(person: Person, home: str) -> Iterator[str]:
    """Of another system: one that takes nothing any more."""
    person.open(f"{home}/webhooks")
    yield "console-webhooks-none"
    webhook_id = an_endpoint("https://erp.example/hooks?of=ours")
    failed_for_good(webhook_id, 2)
    disabled(webhook_id)
    person.open(f"{home}/webhooks")
    yield "console-webhooks"
    person.open(f"{home}/webhooks/{webhook_id}")
    yield "console-webhook"
    person.open(f"{home}/webhooks/{webhook_id}/redeliver?since=x")
    yield "console-webhook-time-error"
    person.open(f"{home}/webhooks/{webhook_id}/redeliver")
    yield "console-webhook-redeliver"
    person.open(f"{home}/webhooks/{webhook_id}/enable")
    yield "console-webhook-enable"
    person.open(home)
    yield "console-overview-endpoint"
    yield from _told_by_others(person, home)


def _told_by_others(person: Person, home: str) -> Iterator[str]:
    """By the marketplace's own systems: something about nobody that we know."""
    person.open(f"{home}/inbound")
    yield "console-inbound-none"
    a_source()
    tell(Event("aggregator.suspended", "not-here-yet", 1))
    tell(Event("seller.renamed", "123456", 2))
    person.open(f"{home}/inbound")
    yield "console-inbound"
    person.page.locator(".rows tbody a").last.click()
    yield "console-inbound-event"
    person.press("Offer it again")
    yield "console-inbound-error"
    person.follow("Dismiss it")
    yield "console-inbound-dismiss"
    person.press("Dismiss it")
    yield "console-inbound-dismiss-error"
    person.fill("Why? It is kept in the trail.", WHY)
    person.press("Dismiss it")
    yield "console-inbound-dismissed"


def _figures(person: Person, home: str) -> Iterator[str]:
    """Who stands where, and how far they get."""
    person.open(f"{home}/machine")
    yield "console-machine"
    person.open(f"{home}/reports")
    yield "console-reports"
    person.open(f"{home}/shortcuts")
    yield "console-shortcuts"


def _runs(person: Person, home: str) -> Iterator[str]:
    """From a view to what came of each."""
    person.open(f"{home}/bulk")
    yield "console-runs-none"
    person.open(f"{home}/bulk/new?failing=yes")
    yield "console-run-which"
    person.open(f"{home}/bulk/new?failing=yes&action=retry")
    yield "console-run-preview"
    person.press("Begin")
    yield "console-run-error"
    person.fill("Why? It is kept in the trail.", WHY)
    person.press("Begin")
    yield "console-run"
    person.open(f"{home}/bulk/new?waiting_on=aggregator&action=cancel")
    person.fill("Why? It is kept in the trail.", WHY)
    person.press("Propose it")
    yield "console-run-proposed"
    person.open(f"{home}/bulk")
    yield "console-runs"


def _a_slow_one() -> Onboarding:
    """Its seller has time, and has had a letter long ago."""
    onboarding_id = builders.an_onboarding("awaiting_seller", email="alex@shop.example")
    builders.work(onboarding_id)
    builders.age(onboarding_id, timedelta(days=9))
    return builders.the(onboarding_id)


def _causes(person: Person, home: str) -> Iterator[str]:
    """All of them, and one that somebody marks."""
    person.open(f"{home}/causes")
    yield "console-causes"
    person.page.locator(".rows tbody a").first.click()
    yield "console-cause"
    person.choose_from("Status", "fixed")
    person.fill("Why? It is kept in the trail.", WHY)
    person.press("Keep this")
    yield "console-cause-error"
    person.fill("Fixed in release", "1.4.2")
    person.press("Keep this")
    yield "console-cause-marked"


def _a_stuck_one(locale: str) -> Onboarding:
    """Its task has failed for good, and somebody's personal data is on its page."""
    message = an_incident()
    assert message.onboarding_id
    put(message.onboarding_id, contact_email="alex@shop.example", locale=locale)
    return builders.the(message.onboarding_id)
