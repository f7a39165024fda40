"""A process that dies is known to be dead at once; one that lives is never taken for dead."""

import os
import resource
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from onboarding import db, outbox, presence, redelivery
from onboarding.db import reading, transaction
from onboarding.outbox import Announcement, LeaseLost
from tests.builders import a_message
from tests.faults.breaking import failing
from tests.noting import count_statements
from tests.racing import race
from tests.test_outbox import claim, claimed, due, finish, pass_time, the
from tests.test_relay import until
from workers.relay import Deaths

PROGRAM = """
import sys
from onboarding import db, outbox, presence, redelivery
from uuid import UUID
db.connect(sys.argv[1])
if len(sys.argv) > 2:
    with db.transaction() as session:
        outbox.claim(session, UUID(sys.argv[2]), owner=presence.sign())
print(presence.sign(), flush=True)
sys.stdin.read()
"""


@contextmanager
def another_process(
    database: Engine, *arguments: str
) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """The number of a process that lives, and the process."""
    url = database.url.render_as_string(hide_password=False)
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, url, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[1],
    ) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline()), process
        process.kill()


def test_a_process_keeps_its_number(database: Engine) -> None:
    number = presence.sign()
    assert presence.sign() == number
    assert presence.living() == {number}


def test_threads_of_a_process_share_its_number(database: Engine) -> None:
    assert len(set(race(*[presence.sign] * 8))) == 1
    assert len(presence.living()) == 1


def test_who_is_killed_is_gone_at_once(database: Engine) -> None:
    ours = presence.sign()
    with another_process(database) as (theirs, process):
        assert presence.living() == {ours, theirs}
        process.kill()
        process.wait()
        # The server has to notice that the connection is closed, which it does without any timer.
        until(lambda: theirs not in presence.living())
        assert presence.living() == {ours}


def test_who_ends_in_order_is_gone_too(database: Engine) -> None:
    presence.sign()
    presence.withdraw()
    assert presence.living() == set()


def test_a_sign_goes_with_its_engine_each_time(database: Engine) -> None:
    """Who lets its connections go may work again, and let go again."""
    for _ in range(2):
        presence.sign()
        database.dispose()
        assert presence.living() == set()


def test_who_has_lost_its_sign_gets_another(postgresql: Engine) -> None:
    """The server restarts, or somebody ends the connection."""
    number = presence.sign()
    with postgresql.connect() as connection:
        others = "pid <> pg_backend_pid() AND datname = current_database()"
        connection.execute(
            text(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {others}")
        )
    assert presence.sign() != number
    assert presence.living() == {presence.sign()}


def test_a_sign_is_kept_however_many_files_are_open(postgresql: Engine) -> None:
    """select() knows no descriptor from 1024 on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1200), hard))
    postgresql.dispose()
    opened = [os.open(os.devnull, os.O_RDONLY)]
    try:
        while opened[-1] < 1100:
            opened.append(os.dup(opened[0]))
        number = presence.sign()
        assert presence.sign() == number
    finally:
        presence.withdraw()
        for each in opened:
            os.close(each)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_others_may_look_at_a_sign(sqlite: Engine) -> None:
    number = presence.sign()
    sign = Path(f"{sqlite.url.database}.workers") / str(number)
    assert stat.S_IMODE(sign.stat().st_mode) & 0o444 == 0o444


def test_who_gives_a_sign_that_nobody_may_read_is_not_taken_for_dead() -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "db.workers").mkdir(mode=0o755)
        sign = folder / "db.workers" / "17"
        sign.touch()
        sign.chmod(0)
        db.connect(f"sqlite:///{folder / 'db'}")
        with nobody():
            assert presence.living() == {17}
        db.engine().dispose()


@contextmanager
def nobody() -> Iterator[None]:
    """Root may read everything, so be somebody else."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_a_forked_child_leaves_its_parents_sign_alone(database: Engine) -> None:
    number = presence.sign()
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if presence.sign() != number else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert presence.sign() == number
    until(lambda: presence.living() == {number})


def test_the_turns_of_the_dead_end_and_those_of_the_living_go_on(
    database: Engine, published: list[Announcement]
) -> None:
    left, kept = a_message(), a_message()
    deaths = Deaths()
    with transaction() as session:
        assert outbox.claim(session, kept, owner=presence.sign())
    with another_process(database, str(left)) as (_theirs, process):
        assert deaths.look() == 0
        process.kill()
        process.wait()
        until(lambda: deaths.look() == 1)
    assert published[-1] == Announcement("generate_secret", left, first=True)
    with reading() as session:
        assert redelivery.owners(session) == {presence.sign()}


def test_who_is_born_and_dead_between_two_looks_is_noticed(database: Engine) -> None:
    """Nobody new lives then, and nobody is missing."""
    left, deaths = a_message(), Deaths()
    deaths.look()
    with another_process(database, str(left)) as (theirs, process):
        process.kill()
        process.wait()
        until(lambda: theirs not in presence.living())
    until(lambda: deaths.look() == 1)


def test_the_first_look_after_a_start_finds_those_who_died_before_it(database: Engine) -> None:
    message_id = a_message()
    with transaction() as session:
        outbox.claim(session, message_id, owner=17)
    assert Deaths().look() == 1


def test_a_look_that_failed_is_made_again(own_database: Engine) -> None:
    message_id = a_message()
    with transaction() as session:
        outbox.claim(session, message_id, owner=17)
    deaths = Deaths()
    with failing(own_database, "messages"), pytest.raises(DBAPIError):
        deaths.look()
    assert deaths.look() == 1


def test_a_look_that_finds_nobody_new_asks_no_table(sqlite: Engine) -> None:
    presence.sign()
    deaths = Deaths()
    deaths.look()
    statements = count_statements(sqlite)
    deaths.look()
    first = len(statements)
    deaths.look()
    assert statements[first:] == []


def test_the_turns_of_a_dead_process_end_and_no_others(
    database: Engine, published: list[Announcement]
) -> None:
    dead, alive, nobodys = a_message(), a_message(), a_message()
    with transaction() as session:
        late = outbox.claim(session, dead, owner=1)
        outbox.claim(session, alive, owner=2)
        outbox.claim(session, nobodys)
    with reading() as session:
        assert redelivery.owners(session) == {1, 2}
    published.clear()
    with transaction() as session:
        assert redelivery.take_back(session, {1}) == 1
    assert published == [Announcement("generate_secret", dead, first=True)]
    assert (claim(alive), claim(nobodys)) == (None, None)
    assert claimed(dead).attempt == 2
    assert late is not None
    with pytest.raises(LeaseLost):
        finish(late)


def test_what_the_publisher_did_not_hear_of_comes_due_by_itself(database: Engine) -> None:
    message_id = a_message()
    with transaction() as session:
        outbox.claim(session, message_id, owner=1)
    outbox.publish_with(None)
    with transaction() as session:
        redelivery.take_back(session, {1})
    pass_time(message_id, timedelta(seconds=3))
    assert due() == [message_id]


def test_what_kills_worker_after_worker_rests_but_never_for_long(
    database: Engine, published: list[Announcement]
) -> None:
    message_id = a_message(max_attempts=8)
    for attempt in range(1, 9):
        pass_time(message_id, timedelta(minutes=10))
        published.clear()
        rest = rest_after_death(message_id, attempt)
        assert (rest is None, len(published)) == ((True, 1) if attempt == 1 else (False, 0))
    assert rest is not None
    assert round(rest.total_seconds()) == redelivery.REST_AFTER_DEATH_AT_MOST
    pass_time(message_id, timedelta(minutes=10))
    assert claim(message_id) is None
    assert the(message_id).cause == "worker_died"


def rest_after_death(message_id: UUID, owner: int) -> timedelta | None:
    """How long a message rests whose worker has died."""
    with transaction() as session:
        assert outbox.claim(session, message_id, owner=owner) is not None
    with transaction() as session:
        redelivery.take_back(session, {owner})
        died_at = db.clock(session)
    resting_until = the(message_id).leased_until
    return resting_until - died_at if resting_until else None
