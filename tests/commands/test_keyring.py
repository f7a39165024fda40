"""`keyring`: keys by their IDs and what needs them; the next one, and the end of one that nothing needs."""

from pathlib import Path

from sqlalchemy import update

from onboarding import db
from onboarding.commands import exits
from onboarding.db import transaction
from onboarding.models import KeyCheck
from onboarding.settings import settings
from tests.commands.conftest import Run


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
