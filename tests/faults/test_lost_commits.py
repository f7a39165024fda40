"""A COMMIT whose answer never arrives: it has happened or not, the caller hears an error, and trying again has one effect (F12)."""

from collections.abc import Iterator
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from onboarding import alone, db, outages
from onboarding.errors import DatabaseAway, EventNotAllowed, OutcomeUnknown
from onboarding.sealing import Keyring
from tests import builders
from tests.databases import connected, empty
from tests.faults import write_paths
from tests.faults.write_paths import REQUESTS, TASKS
from tests.servers.fault_proxy import FaultProxy, fault_proxy
from tests.servers.postgres import Postgres
from tests.web import secret_walk
from tests.web.answering import furnished
from tests.web.visiting import a_visitor, heading, letters
from workers import turns

# As it stands on the wire; READ COMMITTED goes on after that word.
COMMIT = b"COMMIT\0"
# Letters that are out are noted by one statement, without a COMMIT.
NOTED_ALONE = {"send_email", "tell_operator"}
PLUGIN = {"connection_type": "plugin"}
BOTH = pytest.mark.parametrize("arrives", [True, False], ids=["committed", "rolled_back"])


@pytest.fixture(scope="module")
def proxy(postgres: Postgres) -> Iterator[FaultProxy]:
    with fault_proxy(postgres.socket) as running:
        yield running


@pytest.fixture
def cut_off(
    proxy: FaultProxy, shared_postgres_database: str, ring: Keyring
) -> Iterator[FaultProxy]:
    """The product's database is behind the proxy; every connection of before is gone."""
    empty(shared_postgres_database)
    proxy.heal()
    proxy.cuts = 0
    url = make_url(shared_postgres_database).set(host="127.0.0.1", port=proxy.port, query={})
    for _ in connected(url.render_as_string(hide_password=False)):
        yield proxy
    proxy.heal()


@pytest.fixture
def site(cut_off: FaultProxy, ring: Keyring) -> FastAPI:
    return furnished(ring)


@pytest.mark.parametrize("path", REQUESTS)
def test_whoever_hears_nothing_tries_again_and_has_one_effect(
    site: FastAPI, proxy: FaultProxy, path: str
) -> None:
    """First the COMMIT does not arrive, then its answer does not, then all is well again."""
    attempt = REQUESTS[path](site)
    before = attempt.effects()
    for arrives in (False, True):
        proxy.cut(COMMIT, arrives=arrives)
        assert attempt.try_it() == 503
        assert attempt.answers[-1].headers["retry-after"]
        assert attempt.effects() - before == arrives
    assert proxy.cuts == 2, "nothing was tried again behind the caller's back"
    # What has happened already is told or shown; it does not happen again.
    assert attempt.try_it() in {200, 201, 303, 409}
    assert attempt.effects() - before == 1


def test_a_link_that_got_lost_is_made_anew(site: FastAPI, proxy: FaultProxy) -> None:
    """Without a key of the caller's there are two then; one that nobody has opens nothing."""
    attempt = write_paths.CONTINUE_LINK(site)
    proxy.cut(COMMIT)
    assert [attempt.try_it(), attempt.try_it()] == [503, 201]
    assert attempt.effects() == 2


@BOTH
@pytest.mark.parametrize("path", ["reveal", "page reveal"])
def test_a_reveal_whose_commit_is_unknown_sends_nothing(
    site: FastAPI, proxy: FaultProxy, path: str, *, arrives: bool
) -> None:
    """I2: a secret that may have been taken out is forfeited; it is never sent for safety's sake."""
    attempt = REQUESTS[path](site)
    proxy.cut(COMMIT, arrives=arrives)
    assert attempt.try_it() == 503
    assert "mps_test_" not in attempt.answers[0].text
    attempt.try_it()
    shown = "mps_test_" in attempt.answers[1].text
    assert shown is not arrives


def test_after_a_reveal_that_got_lost_a_new_secret_can_be_had(
    site: FastAPI, proxy: FaultProxy
) -> None:
    visitor = secret_walk.at(site, "secret_ready")
    proxy.cut(COMMIT)
    lost = visitor.press(secret_walk.page_of(visitor), "/secret-reveal")
    assert lost.status_code == 503
    visitor.press(secret_walk.page_of(visitor), "/secret-reissue")
    shown = visitor.press(secret_walk.page_of(visitor), "/secret-reveal")
    assert "mps_test_" in secret_walk.secret_on(shown)
    assert sum("mps_test_" in body for body in visitor.bodies) == 1


@pytest.mark.parametrize(("locale", "told"), [("en", "may have happened"), ("fr", "peut-être")])
def test_the_page_says_that_it_may_have_happened(
    site: FastAPI, proxy: FaultProxy, locale: str, told: str
) -> None:
    visitor = a_visitor(site, made := builders.an_onboarding("started"), locale)
    page = visitor.open(f"{visitor.home(made)}/cancel")
    proxy.cut(COMMIT)
    answer = visitor.press(page, "/cancel")
    assert heading(answer)
    assert told in answer.text


@pytest.mark.parametrize(
    ("task", "commit"), [(t, n) for t in TASKS for n in range(write_paths.COMMITS[t])]
)
def test_a_task_that_hears_nothing_is_done_again_and_has_one_effect(
    cut_off: FaultProxy, task: str, commit: int
) -> None:
    """Each of its transactions in turn: first it does not arrive, then its answer does not."""
    message = write_paths.promise(task)
    last = commit == write_paths.COMMITS[task] - 1
    for arrives in (False, True):
        # What a part had to do is done by its last transaction: the second time there is one less.
        done_already = task in {"run_slice", "deliver_webhooks"} and last and arrives
        if task in NOTED_ALONE and last:
            cut_off.cut(b"DELETE FROM messages", arrives=arrives)
        else:
            cut_off.cut(COMMIT, skip=commit - done_already, arrives=arrives)
        _run(message, expect_unknown=commit == 0)
        assert write_paths.done(task, message) == (arrives and last)
        builders.end_the_rest_of(message)
    assert cut_off.cuts == 2
    turns.run(str(message))
    assert write_paths.done(task, message) == 1
    assert len(letters()) <= 1, "the same letter overwrites itself"
    assert not [m for m in builders.promised() if m.failed_at]


def _run(message: UUID, *, expect_unknown: bool) -> None:
    """A worker that does not know whether it has its turn does not work."""
    if not expect_unknown:
        return turns.run(str(message))
    with pytest.raises(OutcomeUnknown):
        turns.run(str(message))
    return None


def test_an_unknown_commit_is_an_error_of_its_own(cut_off: FaultProxy) -> None:
    for arrives in (True, False):
        cut_off.cut(COMMIT, arrives=arrives)
        with pytest.raises(OutcomeUnknown), db.transaction() as session:
            db.clock(session)


def test_an_event_alone_without_an_answer_may_have_happened(cut_off: FaultProxy) -> None:
    """It has no COMMIT: its statement arrives or not."""
    made = builders.an_onboarding("type_chosen")
    for arrives, sequence in ((False, 2), (True, 3)):
        cut_off.cut(b"UPDATE onboardings", arrives=arrives)
        with pytest.raises(OutcomeUnknown):
            alone.fire(made, "choose_type", builders.SELLER, choices=PLUGIN)
        assert builders.the(made).sequence == sequence
    assert cut_off.cuts == 2


def test_what_the_statement_did_not_move_is_fired_in_a_transaction(cut_off: FaultProxy) -> None:
    """An outage there is told as such: nothing was written."""
    made = builders.an_onboarding("type_chosen")
    cut_off.cut(b"FOR NO KEY UPDATE")
    with pytest.raises(DBAPIError) as failed:
        alone.fire(made, "confirm", builders.SELLER)
    assert isinstance(outages.outage(failed.value), DatabaseAway)
    with pytest.raises(EventNotAllowed):
        alone.fire(made, "confirm", builders.SELLER)
