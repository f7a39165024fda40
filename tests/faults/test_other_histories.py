"""F25, F26, T49: a database that comes back without its last commits shows no secret a second time."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from itertools import groupby, pairwise
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select

from onboarding import db, mail
from onboarding.db import reading
from onboarding.errors import EventNotAllowed
from onboarding.histories import this_history
from onboarding.migrations import upgrade
from onboarding.models import Client, Onboarding, SealedSecret, Secret, Transition
from onboarding.sealing import Keyring
from onboarding.settings import settings
from tests import builders
from tests.builders import an_onboarding, fire, promised, state_of, the, work
from tests.servers.postgres import Cluster, Postgres
from tests.servers.standby import Standby, ask, run

EMAIL = "seller@shop.example"
NAME = "onboarding"


@pytest.fixture(scope="module")
def folder(servers_folder: Path) -> Iterator[Path]:
    """A folder that the servers' user can pass through."""
    made = Path(tempfile.mkdtemp(dir=servers_folder))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[Postgres]:
    """A server whose end harms no other test."""
    with Postgres.start(folder) as started:
        yield started


@pytest.fixture
def primary(server: Postgres, ring: Keyring) -> Iterator[Cluster]:
    """That server, with a database of ours that `transaction()` uses."""
    upgrade(db.connect(server.create_database(NAME)))
    yield server.cluster
    db.engine().dispose()
    server.restart()
    server.drop_database(NAME)


@pytest.fixture
def standby(primary: Cluster, folder: Path) -> Iterator[Standby]:
    """A server that has everything which the primary has."""
    made = Standby(folder / "standby", primary)
    made.launch()
    yield made
    db.engine().dispose()
    made.stop()
    shutil.rmtree(made.folder)


def test_a_promoted_standby_shows_no_secret_that_the_lost_primary_has_shown(
    primary: Cluster, standby: Standby
) -> None:
    """T49. Nor any other that waits: which of them were shown is what was lost."""
    shown, waiting = an_onboarding("secret_ready"), an_onboarding("secret_ready")
    standby.catch_up(primary)
    standby.lose_sight(primary)
    first = reveal(shown)
    fail_over(primary, standby)
    for onboarding_id in (shown, waiting):
        assert state_of(onboarding_id) == "secret_ready", "the commit is lost"
        refuses_to_show(onboarding_id)
        assert reveal_another(onboarding_id) != first
    check_every_history()


def test_what_the_lost_primary_had_done_is_done_again_under_the_same_name(
    primary: Cluster, standby: Standby
) -> None:
    """Somebody who gets the letter twice can tell that it is one."""
    onboarding_id = an_onboarding("type_chosen", email=EMAIL)
    fire(onboarding_id, "cancel")
    standby.catch_up(primary)
    standby.lose_sight(primary)
    work()
    sent = letters()
    fail_over(primary, standby)
    assert len(promised("send_email")) == 1
    work()
    assert letters() == sent
    assert len(sent) == 1
    check_every_history()


def test_what_the_lost_primary_had_begun_can_begin_again(
    primary: Cluster, standby: Standby
) -> None:
    """A start and an event that were answered and are lost; their owner repeats them."""
    lost_event = an_onboarding("type_chosen")
    standby.catch_up(primary)
    standby.lose_sight(primary)
    lost_start = an_onboarding("started")
    fire(lost_event, "cancel")
    fail_over(primary, standby)
    with reading() as session:
        assert session.get(Onboarding, lost_start) is None
    fire(lost_event, "cancel")
    assert state_of(lost_event) == "cancelled"
    check_every_history()


def dumped(primary: Cluster, folder: Path) -> None:
    """pg_dump and pg_restore, as somebody would who has lost a database."""
    file = folder / "dump"
    run(primary, "pg_dump", "--format=custom", "--file", file, NAME)
    run(primary, "createdb", "restored")
    run(primary, "pg_restore", "--dbname=restored", file)
    file.unlink()


def copied(primary: Cluster, folder: Path) -> None:
    """CREATE DATABASE … TEMPLATE."""
    db.engine().dispose()
    ask(primary, f"CREATE DATABASE restored TEMPLATE {NAME}")


@pytest.mark.parametrize("back_up", [dumped, copied])
def test_a_restored_backup_shows_no_secret(
    primary: Cluster, folder: Path, back_up: Callable[[Cluster, Path], None]
) -> None:
    """T49."""
    shown = an_onboarding("secret_ready")
    back_up(primary, folder)
    db.connect(address(primary, "restored"))
    try:
        refuses_to_show(shown)
        reveal_another(shown)
    finally:
        db.engine().dispose()
        ask(primary, "DROP DATABASE restored WITH (FORCE)")


def test_a_role_without_any_right_of_its_own_can_ask_for_the_fence(primary: Cluster) -> None:
    an_onboarding("secret_ready")
    ask(primary, "CREATE ROLE ordinary LOGIN NOINHERIT")
    url = primary.url.set(username="ordinary", database=NAME)
    engine = db.connect(url.render_as_string(hide_password=False))
    with db.engine().connect() as connection:
        fence = connection.scalar(select(this_history()))
    engine.dispose()
    db.connect(address(primary, NAME))
    with reading() as session:
        assert session.scalar(select(SealedSecret.fence)) == fence
    ask(primary, "DROP ROLE ordinary")


def address(cluster: Cluster, database: str) -> str:
    return cluster.url.set(database=database).render_as_string(hide_password=False)


def fail_over(primary: Cluster, standby: Standby) -> None:
    """The primary dies at once and for good; the product finds the other one at its address."""
    primary.stop(9)
    standby.promote()
    db.connect(address(standby, NAME))


def reveal(onboarding_id: UUID) -> str:
    """The bytes that an owner sees."""
    return builders.reveal(onboarding_id).secret.get_secret_value()


def refuses_to_show(onboarding_id: UUID) -> None:
    """It says so, and what to do, and changes nothing."""
    before = the(onboarding_id).sequence
    with pytest.raises(EventNotAllowed) as refused:
        reveal(onboarding_id)
    assert (refused.value.unmet, refused.value.allowed) == ("sealed_secret", ("reissue_secret",))
    assert (state_of(onboarding_id), the(onboarding_id).sequence) == ("secret_ready", before)


def reveal_another(onboarding_id: UUID) -> str:
    """A new secret, the only one alive."""
    fire(onboarding_id, "reissue_secret")
    work(onboarding_id)
    secret = reveal(onboarding_id)
    with reading() as session:
        alive = select(Secret.version).join(Client).where(Client.onboarding_id == onboarding_id)
        assert session.scalars(alive.where(Secret.ended_at.is_(None))).all() == [2]
        sealed = (
            select(func.count())
            .select_from(SealedSecret)
            .join(Client, Client.id == SealedSecret.client_id)
        )
        assert session.scalar(sealed.where(Client.onboarding_id == onboarding_id)) == 0
    return secret


def letters() -> list[tuple[str, str]]:
    """Their names and what they say."""
    return [(letter.name, letter.text) for letter in mail.stored(settings())]


def check_every_history() -> None:
    """Numbered from 1 without a gap, each step from where the one before led, to where it stands."""
    with reading() as session:
        rows = session.scalars(
            select(Transition).order_by(Transition.onboarding_id, Transition.sequence)
        ).all()
        stands = {one.id: one for one in session.scalars(select(Onboarding))}
    histories = {key: list(steps) for key, steps in groupby(rows, lambda row: row.onboarding_id)}
    assert set(histories) == set(stands)
    for onboarding_id, steps in histories.items():
        assert [step.sequence for step in steps] == list(
            range(1, stands[onboarding_id].sequence + 1)
        )
        assert all(step.source == before.target for before, step in pairwise(steps))
        assert steps[-1].target == stands[onboarding_id].state
