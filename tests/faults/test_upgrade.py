"""F46: the schema is brought up to date while the version before goes on working, and nothing is lost."""

import os
import re
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import uuid4

import pytest
from alembic import command
from sqlalchemy import Engine, make_url, update

from onboarding import db, migrations, outbox, presence
from onboarding.commands import opening
from onboarding.db import transaction
from onboarding.errors import EventNotAllowed
from onboarding.models import Message
from onboarding.sealing import Keyring
from onboarding.settings import settings
from tests.builders import fire, promised, reveal, state_of, work
from tests.faults import old_program
from tests.faults.old_program import connect, finish, seal, start, take
from tests.servers.postgres import Postgres, conninfo
from tests.system import ONBOARDING
from tests.test_relay import until
from workers.relay import Deaths

ROOT = Path(__file__).parents[2]
WRITERS = 4


@pytest.fixture
def old_schema(postgres: Postgres, ring: Keyring) -> Iterator[Engine]:
    """A database as the version that was released last has made it."""
    name = f"old_{uuid4().hex}"
    engine = db.connect(postgres.create_database(name))
    with engine.connect() as connection:
        config = migrations._config()  # noqa: SLF001 - the product only goes to the newest
        config.attributes["connection"] = connection
        command.upgrade(config, old_program.SCHEMA)
        connection.commit()
    yield engine
    engine.dispose()
    postgres.drop_database(name)


@pytest.fixture
def address(old_schema: Engine) -> str:
    return conninfo(make_url(old_schema.url.render_as_string(hide_password=False)))


class OldProgram(threading.Event):
    """The version before, at work in several places until it is told to stop."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address
        self.rounds = 0

    def work(self, _: int) -> tuple[int, int]:
        """How many promises it has made and how many it has kept; one turn in three it never ends."""
        made = kept = 0
        with connect(self.address) as connection:
            while not self.wait(0.02):
                start(connection)
                made += 1
                taken = take(connection)
                if taken and made % 3:
                    kept += finish(connection, taken)
                self.rounds += 1
        return made, kept


def migrate(engine: Engine, folder: Path) -> subprocess.CompletedProcess[str]:
    """`onboarding migrate`, as an operator runs it."""
    variables = {
        "ONBOARDING_DATABASE_URL": engine.url.render_as_string(hide_password=False),
        "ONBOARDING_KEYS_DIR": str(settings().keys_dir),
    }
    return subprocess.run(
        [ONBOARDING, "migrate"],
        cwd=folder,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_upgrade_under_traffic_fails_no_request_and_loses_no_message(
    old_schema: Engine, address: str, tmp_path: Path
) -> None:
    old = OldProgram(address)
    with ThreadPoolExecutor(WRITERS) as pool:
        working = pool.map(old.work, range(WRITERS))
        try:
            until(lambda: old.rounds > 20)
            ended = migrate(old_schema, tmp_path)
            after = old.rounds
            until(lambda: old.rounds > after + 20)
        finally:
            old.set()
        # What one of them could not do would be raised here.
        made, kept = (sum(numbers) for numbers in zip(*working, strict=True))
    assert ended.returncode == 0, ended.stderr
    assert opening.schema(old_schema) == opening.wanted_schema()

    left = promised()
    assert len(left) == made - kept > 0
    assert {message.claimed_by for message in left} == {None}
    assert [m.attempts for m in left if m.leased_until] == [1] * sum(m.attempts for m in left)
    # The turns of workers that gave no sign of life end with their time, and not before.
    taken = next(message for message in left if message.leased_until)
    assert Deaths().look() == 0
    with transaction() as session:
        assert outbox.claim(session, taken.id, owner=presence.sign()) is None
        session.execute(update(Message).values(leased_until=None))
    work()
    assert promised() == []


def test_what_the_version_before_has_sealed_is_shown_or_made_again(
    old_schema: Engine, address: str, ring: Keyring, tmp_path: Path
) -> None:
    """T48. Before the upgrade it was in this history; after it, nobody has said in which."""
    with connect(address) as connection:
        before = start(connection, "secret_ready")
        secret = seal(connection, before, ring)
        assert migrate(old_schema, tmp_path).returncode == 0
        after = start(connection, "secret_ready")
        seal(connection, after, ring)
    assert reveal(before).secret.get_secret_value() == secret
    with pytest.raises(EventNotAllowed):
        reveal(after)
    assert state_of(after) == "secret_ready"
    fire(after, "reissue_secret")
    work(after)
    assert reveal(after).version == 2


def test_an_upgrade_that_meets_a_long_transaction_gives_up_and_can_be_repeated(
    old_schema: Engine, address: str, tmp_path: Path
) -> None:
    with connect(address) as slow, connect(address) as quick:
        with slow.transaction():
            start(slow)
            ended = migrate(old_schema, tmp_path)
            assert ended.returncode == 4, ended.stderr
            assert "A long transaction holds the table " in ended.stderr
            assert start(quick)
        assert opening.schema(old_schema) == old_program.SCHEMA
        assert finish(quick, take(quick) or (uuid4(), 0)) == 1
    assert migrate(old_schema, tmp_path).returncode == 0


def test_the_old_program_of_these_tests_is_the_one_that_was_released_last() -> None:
    """Whoever releases a version writes its words down here, for the upgrade to the next one."""
    changelog = (ROOT / "CHANGELOG.md").read_text()
    since = re.findall(r"^## \[(\d[^]]*)\]", changelog, re.MULTILINE)
    assert since == [], f"released since: {since[:1]}; {old_program.__doc__}"
    assert opening.wanted_schema() > old_program.SCHEMA
