"""`doctor` finds what is broken, says what to do, and touches nothing."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, delete, event, update

from onboarding import db
from onboarding.commands import exits
from onboarding.db import transaction
from onboarding.invariants import FIFTEEN, RULES
from onboarding.invariants.running import NAMED_AT_MOST
from onboarding.models import Message, Onboarding, SealedSecret, Transition
from tests import builders
from tests.commands.conftest import Outcome, Run
from tests.commands.incidents import an_incident, reference
from tests.servers.valkey import Valkey


def check(outcome: Outcome, name: str) -> dict[str, Any]:
    """One line of doctor."""
    return next(line for line in outcome.lines if line["name"] == name)


def test_doctor_finds_nothing_where_all_is_well(run_on_both: Run) -> None:
    for state in ("started", "secret_ready", "confirmed"):
        builders.an_onboarding(state)
    shown = run_on_both("doctor", "--json")
    assert (shown.code, shown.err) == (0, "\nAll is well.\n")
    assert [line["name"] for line in shown.lines if not line["ok"]] == []
    assert run_on_both("doctor").code == 0


def test_doctor_sees_a_gap_in_history(run_on_both: Run) -> None:
    onboarding_id = builders.an_onboarding("type_chosen")
    with transaction() as session:
        session.execute(delete(Transition).where(Transition.sequence == 1))
    shown = run_on_both("doctor", "--deep", "--json")
    assert shown.code == exits.FINDINGS
    gap = check(shown, "I4 steps_follow_each_other")
    assert (gap["ok"], gap["count"]) == (False, 1)
    assert reference(onboarding_id) in shown.out


def test_doctor_sees_an_onboarding_ahead_of_its_history(run_on_both: Run) -> None:
    builders.an_onboarding("type_chosen")
    with transaction() as session:
        session.execute(update(Onboarding).values(sequence=7))
    shown = run_on_both("doctor", "--deep", "--json")
    assert not check(shown, "I4 row_is_what_history_says")["ok"]


def test_only_a_deep_look_reads_every_history(run: Run, sqlite: Engine) -> None:
    builders.an_onboarding("type_chosen")
    looked = statements_of(run, "doctor")
    assert looked
    assert not any("transitions" in statement for statement in looked)


def statements_of(run: Run, command: str) -> list[str]:
    """What a command asks the database, whichever engine it opens."""
    sent: list[str] = []

    def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
        sent.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    run(command)
    event.remove(Engine, "before_cursor_execute", note)
    return sent


def test_doctor_may_take_longer_than_a_request(
    postgresql: Engine, run_anywhere: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgresql.url.render_as_string(hide_password=False)
    monkeypatch.setenv("ONBOARDING_DATABASE_URL", url)
    allowed: dict[str, str] = {}

    def note(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        driver: Any = connection.connection.driver_connection
        allowed[statement] = driver.execute("SHOW statement_timeout").fetchone()[0]

    event.listen(Engine, "before_cursor_execute", note)
    run_anywhere("doctor")
    event.remove(Engine, "before_cursor_execute", note)
    counting = [it for it in allowed if "FROM onboardings" in it]
    assert counting
    assert {allowed[it] for it in counting} == {"0"}


def test_doctor_sees_a_task_that_no_worker_knows(run: Run) -> None:
    builders.a_message("tell_fortune")
    assert check(run("doctor", "--json"), "tasks")["found"] == "no worker knows: tell_fortune"


def test_doctor_sees_work_that_nobody_does(run_on_both: Run) -> None:
    late = builders.an_onboarding("issuing_secret")
    builders.age(late, timedelta(minutes=2))
    with transaction() as session:
        session.execute(update(Message).values(created_at=db.in_seconds(-700)))
    shown = run_on_both("doctor", "--json")
    assert check(shown, "messages")["found"] == "1 wait, for up to 11 min"
    assert check(shown, "overdue")["found"] == "1, of these 1 wait for us"


def test_doctor_counts_incidents(run: Run) -> None:
    an_incident()
    shown = run("doctor")
    assert shown.code == exits.FINDINGS
    assert "FIND  incidents   1\n" in shown.out
    assert "onboarding retry" in shown.out


def test_people_who_take_their_time_are_no_finding(run: Run) -> None:
    slow = builders.an_onboarding("type_chosen")
    builders.age(slow, timedelta(days=20))
    assert check(run("doctor", "--json"), "overdue")["ok"]


def test_a_deep_look_finds_nothing_where_all_is_well(run_on_both: Run) -> None:
    """The keyring of these secrets is one that the database was used with: `migrate` has seen it."""
    for state in ("secret_ready", "confirmed"):
        builders.an_onboarding(state)
    shown = run_on_both("doctor", "--deep", "--json")
    assert (shown.code, shown.err) == (0, "\nAll is well.\n")
    names = {line["name"] for line in shown.lines}
    assert {str(rule) for rule in RULES} <= names
    listed = run_on_both("doctor", "--deep").out.splitlines()[-15:]
    assert [line.split()[1] for line in listed] == [each.number for each in FIFTEEN]
    assert listed[13].startswith("–     I14")


def test_a_deep_look_names_the_onboarding_and_what_to_do(run_on_both: Run) -> None:
    onboarding_id = builders.an_onboarding("secret_ready")
    with transaction() as session:
        session.execute(delete(SealedSecret))
    shown = run_on_both("doctor", "--deep", "--json")
    assert shown.code == exits.FINDINGS
    rule, finding = [line for line in shown.lines if line["name"].startswith("I15 sealed")]
    assert (rule["ok"], rule["count"]) == (False, 1)
    assert finding["onboarding"] == reference(onboarding_id)
    assert finding["found"] == "is in secret_ready, and has no sealed secret"
    assert f"onboarding fire {reference(onboarding_id)} start_over" in finding["do"]
    people = run_on_both("doctor", "--deep")
    assert people.code == exits.FINDINGS
    assert f"{reference(onboarding_id)}: is in secret_ready" in people.out
    assert people.err.endswith("need you.\n")


def test_a_deep_look_counts_what_it_does_not_name(run: Run) -> None:
    for _ in range(NAMED_AT_MOST + 2):
        builders.an_onboarding("started")
    with transaction() as session:
        session.execute(update(Onboarding).values(wakes_at=None))
    assert "… and 2 more of I5 people_have_deadlines" in run("doctor", "--deep").out


def test_a_deep_look_wants_a_database(run: Run) -> None:
    shown = run("doctor", "--deep", "--json", DATABASE_URL="sqlite:///elsewhere.db")
    assert shown.code == exits.FINDINGS
    assert not [line for line in shown.lines if line["name"].startswith("I")]


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("broker", {"BROKER_URL": "redis://127.0.0.1:1/0"}),
        ("broker", {"BROKER_URL": "amqp://127.0.0.1:1//"}),
        ("address", {"HOST": "0.0.0.0"}),
        ("address", {"LIVE": "true", "OIDC_ISSUER": "https://login.example"}),
        ("e-mail", {"LIVE": "true", "OIDC_ISSUER": "https://login.example"}),
        ("database", {"DATABASE_URL": "sqlite:///elsewhere.db"}),
        ("keyring", {"KEYS_DIR": "elsewhere"}),
    ],
)
def test_doctor_says_what_to_do_about_settings(
    run: Run, name: str, settings: dict[str, str]
) -> None:
    shown = run("doctor", "--json", **settings)
    assert shown.code == exits.FINDINGS
    assert check(shown, name)["do"]


def test_doctor_asks_a_broker_that_answers(run: Run, valkey: Valkey) -> None:
    shown = run("doctor", "--json", BROKER_URL=valkey.url)
    assert check(shown, "broker")["found"] == f"{valkey.url} answers"


def test_doctor_changes_nothing(run_anywhere: Run, tmp_path: Path) -> None:
    assert run_anywhere("doctor").code == exits.FINDINGS
    assert not [*tmp_path.iterdir()]
