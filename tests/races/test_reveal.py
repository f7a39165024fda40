"""A secret is revealed at most once, whoever asks at the same time, round after round."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, insert, select
from sqlalchemy.exc import OperationalError

import onboarding as product
from onboarding import credentials, outages, sealing
from onboarding.credentials import Revealed
from onboarding.db import clock, reading, transaction
from onboarding.errors import DatabaseBusy, EventNotAllowed, MovedOn
from onboarding.histories import this_history
from onboarding.ids import new_id
from onboarding.models import Client, Onboarding, SealedSecret, Secret, Transition
from onboarding.sealing import Keyring
from onboarding.settings import settings
from tests import builders
from tests.builders import an_onboarding, fire, the
from tests.racing import race, rounds, winners

# `make faults` asks for 10000x16.
ROUNDS, RACERS = map(int, os.environ.get("ONBOARDING_TEST_RACES", "2000x8").split("x"))
Say = Callable[..., None]


@pytest.fixture
def say(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Say:
    """Put figures on the terminal and into the report."""

    def figures(**values: object) -> None:
        request.node.user_properties.extend(values.items())
        with capsys.disabled():
            said = ", ".join(f"{name} {value}" for name, value in values.items())
            print(f"\n  {said}")  # noqa: T201 - the figures

    return figures


def test_of_many_who_reveal_at_once_one_sees_the_secret(
    database: Engine, ring: Keyring, say: Say
) -> None:
    ids = many_ready(ROUNDS, ring)
    busy: list[int] = []

    def attempt(number: int, racer: int) -> object:
        """Who waits too long for the row is told so, and comes again."""
        try:
            with transaction() as session:
                return credentials.reveal(session, ids[number], builders.SELLER, ring)
        except OperationalError as error:
            if not isinstance(outages.outage(error), DatabaseBusy):
                raise
            busy.append(number)
            return attempt(number, racer)

    began = time.perf_counter()
    outcomes = rounds(ROUNDS, RACERS, attempt)
    took = time.perf_counter() - began
    shown = [[o for o in one if isinstance(o, Revealed)] for one in outcomes]
    refused = [[o for o in one if isinstance(o, EventNotAllowed)] for one in outcomes]
    say(
        database=database.dialect.name,
        rounds=ROUNDS,
        racers=RACERS,
        shown_once=sum(len(one) == 1 for one in shown),
        shown_twice=sum(len(one) > 1 for one in shown),
        shown_never=sum(not one for one in shown),
        busy=len(busy),
        errors=ROUNDS * RACERS - sum(map(len, shown)) - sum(map(len, refused)),
        seconds=round(took, 1),
    )
    assert [len(one) for one in shown] == [1] * ROUNDS
    assert [len(one) for one in refused] == [RACERS - 1] * ROUNDS
    check_every_secret([one[0] for one in shown], ring)


def test_processes_that_reveal_at_once_see_each_secret_once(
    database: Engine, ring: Keyring, say: Say
) -> None:
    """Threads share a lock of ours on SQLite; processes have only the database's."""
    ids = many_ready(200, ring)
    program = Path(__file__).with_name("reveal_all.py")
    arguments = [database.url.render_as_string(hide_password=False), str(settings().keys_dir)]
    racers = [
        subprocess.Popen(
            [sys.executable, program, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(product.__file__).parents[1],
        )
        for _ in range(3)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("\n".join(map(str, ids)))
        racer.stdin.flush()
    with ThreadPoolExecutor(3) as pool:
        said = list(pool.map(lambda racer: racer.communicate(timeout=60)[0], racers))
    assert [racer.returncode for racer in racers] == [0] * 3
    seen = [line.split() for text in said for line in text.splitlines()]
    say(
        database=database.dialect.name,
        processes=3,
        secrets=len(ids),
        seen_by=[len(text.splitlines()) for text in said],
    )
    assert sorted(one for one, _ in seen) == sorted(map(str, ids))
    assert len({secret for _, secret in seen}) == len(ids)


def reveal_as_seen(onboarding_id: UUID) -> Revealed:
    with transaction() as session:
        return credentials.reveal(
            session, onboarding_id, builders.SELLER, builders.keyring(), expected=1
        )


MOVES: dict[str, Callable[[UUID], object]] = {
    "reveal": reveal_as_seen,
    "start_over": lambda one: fire(one, "start_over", expected=1),
    "reissue": lambda one: fire(one, "reissue_secret", expected=1),
    "cancel": lambda one: fire(one, "cancel", expected=1),
}


def test_whoever_moves_first_decides_about_a_secret(
    database: Engine, ring: Keyring, say: Say
) -> None:
    """Reveal, start over, reissue and cancel, all decided on the same look: one of them happens."""
    number, won = 60, dict.fromkeys(MOVES, 0)
    ids = many_ready(number, ring)

    def attempt(round_: int, racer: int) -> object:
        name = list(MOVES)[(racer + round_) % len(MOVES)]
        MOVES[name](ids[round_])
        return name

    for outcome in rounds(number, len(MOVES), attempt):
        (winner,) = winners(outcome)
        won[str(winner)] += 1
        assert sum(isinstance(o, MovedOn) for o in outcome) == len(MOVES) - 1
    say(database=database.dialect.name, rounds=number, **won)
    with reading() as session:
        steps = session.scalar(select(func.count()).select_from(Transition))
        sealed = session.scalar(select(func.count()).select_from(SealedSecret))
    assert steps == 2 * number
    assert sealed == 0


def test_a_secret_that_was_shown_is_the_one_that_works(database: Engine, ring: Keyring) -> None:
    """Reveal against reissue and its task: whoever was shown a living version can use it."""
    for _ in range(15):
        onboarding_id = an_onboarding("secret_ready")
        shown = [
            o
            for o in race(
                partial(builders.reveal, onboarding_id),
                partial(builders.handle, onboarding_id, "reissue_secret"),
                partial(builders.work, onboarding_id),
                partial(builders.reveal, onboarding_id),
            )
            if isinstance(o, Revealed)
        ]
        builders.work(onboarding_id)
        assert len({one.version for one in shown}) == len(shown)
        if the(onboarding_id).state == "secret_revealed":
            check_every_secret([max(shown, key=lambda one: one.version)], ring)


def test_saving_a_secret_against_asking_for_another(database: Engine) -> None:
    for _ in range(15):
        walk = builders.a_walk("secret_revealed")
        saved, reissued = race(
            partial(builders.STEPS["acknowledge"], walk),
            partial(fire, walk.id, "reissue_secret", expected=5),
        )
        assert len(winners([saved, reissued])) == 1
        with reading() as session:
            secret = session.scalars(
                select(Secret).join(Client).where(Client.onboarding_id == walk.id)
            ).one()
        assert (secret.acknowledged_at is not None) is isinstance(reissued, Exception)
        assert (secret.ended_because == "reissued") is isinstance(saved, Exception)


def check_every_secret(shown: list[Revealed], ring: Keyring) -> None:
    """What was shown is what is stored as a hash, for that client and version, and alive."""
    with reading() as session:
        rows = {
            row.client_id: row
            for row in session.scalars(select(Secret).where(Secret.ended_at.is_(None)))
        }
    for one in shown:
        row = rows[one.client_id]
        context = f"client-secret-v1:{one.client_id}:{one.version}"
        assert row.version == one.version
        assert row.revealed_at is not None
        assert sealing.matches(
            ring, row.pepper_id, context, one.secret.get_secret_value(), row.hash
        )


def many_ready(number: int, ring: Keyring) -> list[UUID]:
    """So many onboardings in `secret_ready`, written straight into the tables for speed."""
    ids = [new_id() for _ in range(number)]
    clients = {one: f"cid_{sha256(one.bytes).hexdigest()[:22]}" for one in ids}
    clear = {one: credentials.new_secret("mps", live=False) for one in ids}
    contexts = {one: f"client-secret-v1:{clients[one]}:1" for one in ids}
    hashes = {one: sealing.keyed_hash(ring, contexts[one], clear[one]) for one in ids}
    seals = {one: sealing.seal(ring, clear[one].encode(), contexts[one].encode()) for one in ids}
    with transaction() as session:
        now = clock(session)
        fence = session.scalar(select(this_history()))
        session.execute(
            insert(Onboarding),
            [
                {
                    "id": one,
                    "reference": f"R-{one.hex[-14:]}",
                    "state": "secret_ready",
                    "sequence": 1,
                    "rule_set": "tests",
                    "connection_type": "own_development",
                    "locale": "en",
                    "answers": {},
                    "reminders": 0,
                }
                for one in ids
            ],
        )
        session.execute(
            insert(Transition),
            [
                {
                    "onboarding_id": one,
                    "sequence": 1,
                    "event": "start",
                    "target": "secret_ready",
                    "actor_kind": "seller",
                    "actor_id": "tests",
                    "at": now,
                    "rule_set": "tests",
                    "details": {},
                }
                for one in ids
            ],
        )
        session.execute(insert(Client), [{"id": clients[o], "onboarding_id": o} for o in ids])
        session.execute(
            insert(Secret),
            [
                {
                    "client_id": clients[one],
                    "version": 1,
                    "hash": hashes[one][1],
                    "pepper_id": hashes[one][0],
                    "ending": clear[one][-6:],
                }
                for one in ids
            ],
        )
        session.execute(
            insert(SealedSecret),
            [
                {
                    "client_id": clients[one],
                    "version": 1,
                    "key_id": seals[one][0],
                    "fence": fence,
                    "ciphertext": seals[one][1],
                }
                for one in ids
            ],
        )
    return ids
