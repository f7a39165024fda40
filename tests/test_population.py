"""A population for operators to look at: every state, several causes, one outage, and nothing that is not true."""

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import Engine, func, select

from onboarding import (
    checksums,
    db,
    invariants,
    population,
    queries,
    redelivery,
    registry,
)
from onboarding.chart import CONNECTION_TYPES, NEXT_MOVE, OPEN, STATES
from onboarding.db import reading, transaction
from onboarding.invariants.legality import LEGAL_MOVES
from onboarding.models import ApiKey, Message, Onboarding, SealedSecret, Transition
from onboarding.population import Population
from onboarding.population.chance import Chance
from onboarding.population.roads import WAYS, draw_road, leads_to
from onboarding.sealing import Keyring
from onboarding.settings import Settings, settings
from tests import builders
from tests.builders import SELLER

NUMBER = 500


@pytest.fixture
def populated(database: Engine, ring: Keyring) -> Population:
    """As after a start: the registry's own rechecks are done by then."""
    with transaction() as session:
        registry.add_samples(session)
    builders.work()
    return population.populate(NUMBER, ring, settings())


def test_the_checker_finds_nothing(populated: Population) -> None:
    assert [str(finding) for finding in invariants.violations()] == []


def test_every_state_type_and_language_is_there(populated: Population) -> None:
    with reading() as session:
        assert queries.counts(session) == populated.states
        types = set(session.scalars(select(Onboarding.connection_type)))
        locales = set(session.scalars(select(Onboarding.locale)))
        aggregators = set(session.scalars(select(Onboarding.aggregator_id)))
    assert set(populated.states) == set(STATES)
    assert populated.states.total() == NUMBER
    # `make run` adds none to these.
    assert not population.nobody_is_there()
    assert types - {None} == set(CONNECTION_TYPES)
    assert locales == {"en", "fr"}
    assert len(aggregators - {None}) == len(registry.SAMPLES)


def test_most_are_finished_and_somebody_is_late_in_every_open_state(populated: Population) -> None:
    assert sum(populated.states[state] for state in OPEN) < NUMBER / 2
    with reading() as session:
        late = {state: queries.overdue(session, NUMBER, states=[state]) for state in NEXT_MOVE}
    assert [state for state, found in late.items() if not found] == []
    assert {move.whom for move in NEXT_MOVE.values()} == {"platform", "seller", "aggregator"}


def test_every_history_is_one_that_the_chart_allows(populated: Population) -> None:
    """The checker says so too; this says it in other words."""
    with reading() as session:
        rows = session.scalars(
            select(Transition).order_by(Transition.onboarding_id, Transition.sequence)
        ).all()
    for before, step in zip([None, *rows], rows, strict=False):
        if step.sequence == 1:
            assert (step.event, step.target) == ("start", "started")
            continue
        assert before is not None
        assert (before.onboarding_id, before.sequence) == (step.onboarding_id, step.sequence - 1)
        assert before.at <= step.at
        assert (before.target, step.event, step.target) in LEGAL_MOVES


def test_there_is_one_outage_and_there_are_other_causes(populated: Population) -> None:
    outage = "mail_login_refused"
    with reading() as session:
        failed = queries.incidents(session, NUMBER)
        now = db.clock(session)
    causes = Counter(message.cause for message in failed)
    assert causes == populated.causes
    assert causes.pop(outage) == 40
    assert len(causes) >= 3
    struck = [message for message in failed if message.cause == outage]
    assert {message.task for message in struck} == {"send_email"}
    assert min(message.created_at for message in struck) > now - timedelta(minutes=31)
    assert {message.task for message in failed} > {"send_email", "generate_secret"}


def test_workers_and_the_clock_leave_the_picture_alone(populated: Population) -> None:
    """Incidents wait for an operator, what rests does so for minutes, and no deadline has come."""
    with reading() as session:
        assert not redelivery.any_due(session)
        rests = session.scalars(select(Message).where(Message.failed_at.is_(None))).all()
        soon = session.scalars(select(Onboarding).where(Onboarding.wakes_at < db.in_seconds(0)))
        now = db.clock(session)
        assert soon.all() == []
    assert len(rests) >= 3
    assert min(message.due_at for message in rests) > now + timedelta(minutes=5)


def test_an_operator_can_retry_what_has_failed(populated: Population) -> None:
    """Behind an incident stands all that its task needs: the onboarding goes on as a real one."""
    with reading() as session:
        failed = [m for m in queries.incidents(session, NUMBER) if m.task != "send_email"]
    for message in failed:
        with transaction() as session:
            assert redelivery.retry(session, message.id)
        builders.work(message.onboarding_id)
    with reading() as session:
        counts = queries.counts(session)
    for state in ("checking_aggregator", "issuing_secret", "verifying"):
        assert counts.get(state, 0) == 0
    assert [str(finding) for finding in invariants.violations()] == []


def test_a_secret_that_waits_can_be_revealed(populated: Population, ring: Keyring) -> None:
    with reading() as session:
        waiting = session.scalars(
            select(Onboarding.id).where(Onboarding.state == "secret_ready")
        ).all()
    revealed = [builders.reveal(onboarding_id, SELLER, ring) for onboarding_id in waiting]
    secrets = {each.secret.get_secret_value() for each in revealed}
    assert len(secrets) == len(waiting)
    assert all(checksums.well_formed(secret) for secret in secrets)
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(SealedSecret)) == 0


def test_nobody_real_is_in_it_and_nothing_opens_it(populated: Population) -> None:
    with reading() as session:
        addresses = session.scalars(
            select(Onboarding.contact_email).where(Onboarding.contact_email.is_not(None))
        ).all()
        keys = session.scalars(select(ApiKey)).all()
    assert all(address.endswith("@sample.example") for address in addresses if address)
    assert [key.revoked_at is None for key in keys] == [False]


def test_the_same_seed_gives_the_same_picture(database: Engine, ring: Keyring) -> None:
    """With IDs and references of its own, so that one can be added to the other."""
    pictures = [population.populate(60, ring, settings(), seed=seed) for seed in (7, 7, 8)]
    assert pictures[0] == pictures[1] != pictures[2]
    assert [str(finding) for finding in invariants.violations()] == []


def test_what_is_written_is_whole_after_every_batch(database: Engine, ring: Keyring) -> None:
    """Ctrl-C comes between two transactions, or undoes the one that it meets."""

    def interrupt(added: int) -> None:
        raise KeyboardInterrupt

    written = Population()
    with pytest.raises(KeyboardInterrupt):
        population.populate(1200, ring, settings(), into=written, advance=interrupt)
    with reading() as session:
        assert queries.counts(session) == written.states
    assert 0 < written.states.total() < 1200
    assert [str(finding) for finding in invariants.violations()] == []


def test_it_is_for_a_sandbox_only(sqlite: Engine, ring: Keyring) -> None:
    real = Settings(oidc_issuer="https://portal.example")
    live = Settings(oidc_issuer="https://portal.example", live=True)
    for settled in (real, live):
        with pytest.raises(ValueError, match="real"):
            population.populate(1, ring, settled)
    assert population.nobody_is_there()


def test_every_road_leads_to_its_state() -> None:
    """Detours lead back to where they began, whatever is met on the way."""
    chance = Chance(11)
    for kind in WAYS:
        for _ in range(300):
            state = "started"
            for event in draw_road(chance, kind, "expired"):
                state = leads_to(kind, state, event)
            assert state == "expired"
