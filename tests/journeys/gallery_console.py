"""Every page of the console, in front of a lead; a chapter of the gallery."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from onboarding import operators, population
from onboarding.models import Onboarding
from onboarding.sealing import read_keyring
from onboarding.settings import settings
from tests import builders
from tests.commands.incidents import an_incident
from tests.composing import put
from tests.journeys.pages import Person

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
    person.open(f"{home}/onboardings?q=nothing")
    yield "console-onboardings-none"
    stuck = _a_stuck_one()
    person.open(f"{home}/onboardings/{stuck.reference}")
    yield "console-detail"
    person.follow("Try again")
    yield "console-action"
    person.press("Try again")
    yield "console-action-error"
    person.fill("Why? It is kept in the trail.", WHY)
    person.press("Try again")
    yield "console-detail-retried"
    slow = _a_slow_one()
    person.open(f"{home}/onboardings/{slow.reference}/nudge")
    yield "console-action-letter"
    person.open(f"{home}/onboardings/{slow.reference}/extend")
    yield "console-action-choice"
    yield from _runs(person, home)
    person.open(f"{home}/causes")
    yield "console-causes"
    person.open(f"{home}/machine")
    yield "console-machine"
    person.open(f"{home}/reports")
    yield "console-reports"
    person.open(f"{home}/audit")
    yield "console-trail"
    person.press("Check the whole trail")
    yield "console-trail-checked"
    person.page.context.clear_cookies()
    person.open(home)
    yield "console-sign-in-needed"


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


def _a_stuck_one() -> Onboarding:
    """Its task has failed for good, and somebody's personal data is on its page."""
    message = an_incident()
    assert message.onboarding_id
    put(message.onboarding_id, contact_email="alex@shop.example")
    return builders.the(message.onboarding_id)
