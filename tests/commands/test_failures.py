"""What can be foreseen to fail is a sentence, an advice and an exit code; never a trace, never a password."""

import gc
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError, OperationalError

from onboarding import db
from onboarding.commands import exits, failures, opening
from onboarding.db import reading, transaction
from onboarding.errors import DatabaseBusy, OutcomeUnknown, StateUnknown, Unavailable
from onboarding.migrations import versions
from onboarding.models import ApiKey
from tests.commands.conftest import Outcome, Run


def test_every_wrong_setting_is_named_with_what_it_holds(run_anywhere: Run) -> None:
    failed = run_anywhere("ls", PORT="eighty", LOG_LEVEL="loud")
    assert failed.code == exits.USAGE
    assert "ONBOARDING_PORT holds 'eighty'" in failed.err
    assert "ONBOARDING_LOG_LEVEL holds 'loud'" in failed.err
    assert "it may hold: a whole number." in failed.err
    assert "it may hold: one of debug, info, warning, error." in failed.err


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("report funnel --by nope", "'nope' is not one of 'type'"),
        ("report times --days 0", "a number from 1 on is needed"),
        ("report times --days x", "a whole number is needed"),
    ],
)
def test_a_refused_option_is_told_in_plain_words(
    run_anywhere: Run, command: str, says: str
) -> None:
    failed = run_anywhere(*command.split())
    assert failed.code == exits.USAGE
    assert f"': {says}" in failed.err


def test_a_database_that_is_not_there_is_not_made_in_passing(
    run_anywhere: Run, tmp_path: Path
) -> None:
    failed = run_anywhere("ls")
    assert failed.code == exits.REFUSED
    assert "onboarding migrate" in failed.err
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize(
    ("version", "advice"), [("0000", "Run `onboarding migrate`"), ("9999", "newer")]
)
def test_another_schema_is_refused(run: Run, version: str, advice: str) -> None:
    with transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = :v"), {"v": version})
    failed = run("ls")
    assert failed.code == exits.REFUSED
    assert advice in failed.err


def test_migrate_leaves_a_newer_schema_alone(run: Run) -> None:
    with transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    failed = run("migrate")
    assert failed.code == exits.REFUSED
    assert "9999, newer than" in failed.err


def test_the_wanted_schema_is_the_newest_migration(sqlite: Engine) -> None:
    assert (opening.schema(sqlite), opening.wanted_schema()) == versions(sqlite)


def test_a_folder_that_cannot_be_used_is_named(run_anywhere: Run, tmp_path: Path) -> None:
    (tmp_path / "var").write_text("not a folder")
    failed = run_anywhere("migrate")
    assert failed.code == exits.REFUSED
    assert "var cannot be used" in failed.err


def test_a_database_that_does_not_answer_is_one_sentence_without_a_password(
    run_anywhere: Run,
) -> None:
    url = "postgresql+psycopg://me:hush@127.0.0.1:1/onboarding"
    failed = run_anywhere("ls", DATABASE_URL=url)
    assert failed.code == exits.UNAVAILABLE
    assert failed.err.startswith(
        "Error: The database postgresql+psycopg://me:***@127.0.0.1:1/onboarding does not answer:"
    )
    assert "hush" not in failed.err


def test_a_file_that_is_no_database_is_one_sentence(run_anywhere: Run, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("Buy milk. " * 500)
    failed = run_anywhere("ls", DATABASE_URL="sqlite:///notes.txt")
    assert failed.code == exits.UNAVAILABLE
    assert "file is not a database" in failed.err


def test_another_keyring_is_refused(run: Run, tmp_path: Path) -> None:
    run("migrate")
    assert run_with_another_keyring(run, tmp_path).code == exits.REFUSED


def run_with_another_keyring(run: Run, tmp_path: Path) -> Outcome:
    """With keys that another database was made with."""
    home = f"sqlite:///{tmp_path / 'other.db'}"
    ours = str(db.engine().url)
    assert run("migrate", DATABASE_URL=home, KEYS_DIR=str(tmp_path / "other")).code == 0
    failed = run("migrate", DATABASE_URL=ours)
    assert "is not the one that this database was used with: derive." in failed.err
    return failed


def test_a_lost_keyring_is_not_replaced(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    failed = run("migrate", KEYS_DIR=str(tmp_path / "empty"))
    assert failed.code == exits.REFUSED
    assert "Restore that folder from its backup" in failed.err
    assert not [*(tmp_path / "empty").iterdir()]


def test_a_broken_key_file_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "pepper.1.key").write_text("not hex")
    failed = run("migrate", KEYS_DIR=str(tmp_path / "broken"))
    assert failed.code == exits.REFUSED
    assert "pepper.1.key" in failed.err


@pytest.mark.parametrize("command", ["web", "worker", "relay"])
def test_who_does_a_part_of_the_work_needs_a_broker(run: Run, command: str) -> None:
    failed = run(command)
    assert failed.code == exits.USAGE
    assert "ONBOARDING_BROKER_URL is empty" in failed.err
    # It is not while the program loads, and must be again however that ends.
    assert gc.isenabled()


def test_a_walk_without_a_server_says_how_to_start_one(run: Run) -> None:
    failed = run("walk", "--type", "plugin", PUBLIC_URL="http://127.0.0.1:1")
    assert failed.code == exits.UNAVAILABLE
    assert "http://127.0.0.1:1 does not answer" in failed.err
    assert "onboarding serve" in failed.err
    with reading() as session:
        assert session.query(ApiKey).one().revoked_at is not None


@pytest.mark.parametrize("command", ["show", "retry", "fire cancel", "note text"])
def test_an_unknown_onboarding_is_not_found(run: Run, command: str) -> None:
    name, *more = command.split()
    why = ["--reason", "mended"] if name in {"retry", "fire"} else []
    failed = run(name, "ONB-00000-00000", *more, *why)
    assert failed.code == exits.NOT_FOUND
    assert "There is no such onboarding." in failed.err


@pytest.mark.parametrize(
    ("command", "thing", "advice"),
    [
        ("ls --view nope", "view", "onboarding views ls"),
        ("inbound show 1", "event", "onboarding inbound ls"),
        ("causes show send_email nothing", "cause", "onboarding causes ls"),
        ("source rm https://nobody.example", "source", "onboarding source ls"),
        ("show ONB-00000-00000", "onboarding", "onboarding ls"),
    ],
)
def test_what_is_not_found_is_named(run: Run, command: str, thing: str, advice: str) -> None:
    failed = run(*command.split())
    assert failed.code == exits.NOT_FOUND
    assert f"There is no such {thing}." in failed.err
    assert f"`{advice}` shows those" in failed.err


def test_an_event_that_there_is_not_is_told_where_they_are_listed(run: Run) -> None:
    failed = run("fire", "ONB-00000-00000", "dance", "--reason", "INC-442")
    assert failed.code == exits.USAGE
    assert "`onboarding show ONB-…` lists" in failed.err


def test_no_color_is_respected(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[31m" not in run("show", "nothing").err
    monkeypatch.delenv("NO_COLOR")
    assert "\x1b[1;31m" in run("show", "nothing").err


@pytest.mark.parametrize("error", [OutcomeUnknown(), DatabaseBusy(), StateUnknown("of another")])
def test_whatever_does_not_answer_has_one_exit_code(error: Unavailable) -> None:
    failure = failures.explain(error)
    assert failure is not None
    assert failure.code == exits.UNAVAILABLE
    assert failure.sentence.startswith(error.sentence)


def test_a_busy_database_is_not_said_to_be_away(run: Run, sqlite: Engine) -> None:
    busy = OperationalError("SELECT 1", {}, Exception("database is locked"))
    assert isinstance(busy.orig, Exception)
    busy.orig.sqlite_errorcode = sqlite3.SQLITE_BUSY  # type: ignore[attr-defined]
    failure = failures.explain(busy)
    assert failure is not None
    assert failure.code == exits.UNAVAILABLE
    assert failure.sentence == DatabaseBusy().sentence


def test_a_mistake_of_ours_is_not_taken_for_an_outage() -> None:
    mistake = IntegrityError("INSERT", {}, Exception("UNIQUE constraint failed"))
    assert failures.explain(mistake) is None


def test_names_that_are_too_long_are_refused_on_both(run_on_both: Run) -> None:
    for arguments in (
        ("keys", "create", "x" * 81, "--scope", "onboardings:read"),
        ("aggregators", "set", "x" * 121),
    ):
        failed = run_on_both(*arguments)
        assert failed.code == exits.USAGE
        assert "characters" in failed.err
