"""`keyring`: keys by their IDs and what needs them; the next one, and the end of one that nothing needs."""

from pathlib import Path

import pytest
from sqlalchemy import update

from onboarding import db
from onboarding.commands import exits
from onboarding.db import transaction
from onboarding.models import KeyCheck
from onboarding.settings import settings
from tests import builders
from tests.commands.conftest import Outcome, Run


def folder() -> Path:
    return settings().keys_dir


def test_a_key_is_rotated_and_retired(run_on_both: Run, tmp_path: Path) -> None:
    run = run_on_both
    own = {"KEYS_DIR": str(tmp_path / "keys")}
    # The fixture has met the keyring of all tests; this one has its own.
    with transaction() as session:
        session.execute(KeyCheck.__table__.delete())  # type: ignore[attr-defined]
    assert run("migrate", **own).code == exits.DONE
    before = run("keyring", "ls", "--json").lines
    assert [(each["purpose"], each["newest"]) for each in before] == [
        ("seal", True),
        ("pepper", True),
        ("derive", True),
    ]
    (made,) = run("keyring", "rotate", "seal", "--json").lines
    assert (folder() / f"seal.{made['id']}.key").stat().st_mode & 0o777 == 0o600
    early = run("keyring", "retire")
    assert (early.code, early.out) == (exits.DONE, "")
    with transaction() as session:
        session.execute(update(KeyCheck).values(created_at=db.in_seconds(-8 * 86400)))
    gone = run("keyring", "retire")
    assert gone.out == f"seal.{before[0]['id']} destroyed\n"
    assert sorted(path.name for path in folder().glob("*l*.key")) == [
        f"public.{made['id']}.key",
        f"seal.{made['id']}.key",
    ]
    assert run("doctor").code in {exits.DONE, exits.FINDINGS}
    actions = [line["action"] for line in run("audit", "ls", "--json").lines]
    assert actions == ["keyring.retire", "keyring.rotate"]


def test_no_key_is_printed(run: Run) -> None:
    shown = run("keyring", "ls")
    for path in folder().glob("*.key"):
        assert path.read_text().strip()[:16] not in shown.out + shown.err


@pytest.fixture
def own(run_on_both: Run, tmp_path: Path) -> Run:
    """Commands with a keyring of this test's own."""
    with transaction() as session:
        session.execute(KeyCheck.__table__.delete())  # type: ignore[attr-defined]

    def run(*typed: str, **settings: str) -> Outcome:
        return run_on_both(*typed, KEYS_DIR=str(tmp_path / "keys"), **settings)

    assert run("migrate").code == exits.DONE
    return run


def met_ago(days: int) -> None:
    with transaction() as session:
        session.execute(update(KeyCheck).values(created_at=db.in_seconds(-days * 86400)))


def test_seal_keys_that_nobody_renews_are_told(own: Run) -> None:
    assert "0 days old, renewed every 7 days" in own("doctor").out
    assert own("keyring", "ls").err == ""
    met_ago(9)
    for shown in (own("keyring", "ls").err, own("doctor").out):
        assert "9 days old, to be renewed every 7 days" in shown
        assert "ONBOARDING_KEYS_DIR" in shown
    assert own("doctor").code == exits.FINDINGS
    assert own("keyring", "ls", SEAL_KEY_DAYS="0").err == ""
    assert "9 days old, renewed by hand" in own("doctor", SEAL_KEY_DAYS="0").out


def test_a_lost_pair_is_followed_by_the_next(own: Run) -> None:
    """As where the keyring came back from a backup that is older than the newest pair."""
    for path in folder().glob("*l*.key"):
        path.unlink()
    for command in (["keyring", "ls"], ["keyring", "rotate", "pepper"], ["migrate"]):
        failed = own(*command)
        assert failed.code == exits.REFUSED
        assert "onboarding keyring rotate seal" in failed.err
    assert "onboarding keyring rotate seal" in own("doctor").out
    assert own("keyring", "rotate", "seal").code == exits.DONE
    assert own("doctor").code == exits.DONE
    assert own("migrate").code == exits.DONE


def test_no_next_pair_is_made_where_more_is_lost(own: Run) -> None:
    for path in folder().glob("*.key"):
        path.unlink()
    failed = own("keyring", "rotate", "seal")
    assert failed.code == exits.REFUSED
    assert "Restore that folder from its backup" in failed.err
    assert not [*folder().glob("*.key")]


def test_secrets_that_nothing_opens_any_more_are_told(own: Run) -> None:
    builders.an_onboarding("secret_ready")
    lost = [*folder().glob("*l*.key")]
    assert own("keyring", "rotate", "seal").code == exits.DONE
    for path in lost:
        path.unlink()
    shown = own("doctor")
    assert shown.code == exits.FINDINGS
    assert "1 client secrets wait, and the keys that open them are gone" in shown.out
    assert "1 sealed secrets; its files are gone" in own("keyring", "ls").out


def test_a_key_that_somebody_has_put_there_is_in_the_trail(own: Run) -> None:
    (folder() / "pepper.2999-01-01.key").write_text("ab" * 32)
    assert own("keyring", "ls").code == exits.DONE
    (line,) = own("audit", "ls", "--json").lines
    assert (line["actor"], line["action"]) == ("platform", "keyring.meet")
    assert line["reason"] == "pepper.2999-01-01"
