"""A line of the log has its declared fields and nothing else, and shows nobody and no secret."""

import ast
import io
import json
import logging
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pydantic import SecretStr
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from onboarding import db, driver, log_lines, logs
from onboarding.log_lines import ALWAYS, FIELDS, LINES
from onboarding.masking import Personal
from onboarding.sealing import Keyring
from onboarding.sellers import SellerAccount, SellerIdentity
from tests.builders import an_onboarding, promised
from workers import turns

ROOT = Path(__file__).parents[1]
EMAIL, SECRET = "ada@shop.example", "mps_live_0123456789"
MASKED = "ad***@sh***.example"
LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}
SAY = """
import sys
from onboarding import logs
from onboarding.settings import Settings
logs.configure(Settings(log_format="json"))
log = logs.get("onboarding.test")
log.info("lease_lost", attempt=2, email="ada@shop.example", shop="Ada")
log.info("somebody_wrote", attempt=2)
"""


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What is written from now on, as in production."""
    root, said = logging.getLogger(), io.StringIO()
    handler = logging.StreamHandler(said)
    handler.setFormatter(root.handlers[0].formatter)
    root.addHandler(handler)
    yield said
    root.removeHandler(handler)


def test_a_declared_line_is_written_with_its_fields(written: io.StringIO) -> None:
    with logs.bound(task="send_email", message="1", onboarding="2"):
        logs.get("onboarding.test").warning("task_failed", attempt=2, cause="x", incident=False)
    line = json.loads(written.getvalue())
    assert line.keys() - {"timestamp", "trace_id"} == {"event", "level", "logger"} | {
        *("task", "message", "onboarding", "attempt", "cause", "incident")
    }


def test_what_is_bound_is_on_the_lines_of_its_block_and_no_others(written: io.StringIO) -> None:
    def say() -> None:
        logs.get("onboarding.test").info("lease_lost", attempt=1)

    with logs.bound(request_id="r", task="one"):
        with logs.bound(task="two", message=2):
            say()
            assert logs.request_id() == "r"
        say()
        with ThreadPoolExecutor(1) as elsewhere:
            elsewhere.submit(say).result()
    say()
    assert logs.request_id() is None
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    told = [[line.get(name) for name in ("request_id", "task", "message")] for line in lines]
    nothing = [None, None, None]
    assert told == [["r", "two", "2"], ["r", "one", None], nothing, nothing]


@pytest.mark.parametrize(
    ("event", "fields"), [("lease_lost", {"email": EMAIL}), ("somebody_wrote", {"attempt": 1})]
)
def test_in_tests_what_nobody_declared_is_an_error(event: str, fields: dict[str, Any]) -> None:
    with pytest.raises(logs.Undeclared, match=f"{event}: {next(iter(fields))}"):
        logs.get("onboarding.test").info(event, **fields)


def test_in_production_it_is_left_out_and_the_line_says_so() -> None:
    command = [sys.executable, "-c", SAY]
    said = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stderr
    known, unknown = map(json.loads, said.splitlines())
    assert (known["event"], known["attempt"]) == ("lease_lost", 2)
    assert known["left_out"] == ["email", "shop"]
    assert (unknown["event"], unknown["left_out"]) == ("somebody_wrote", ["attempt"])
    assert "ada@" not in said
    assert '"Ada"' not in said


@pytest.mark.parametrize("value", [Personal(EMAIL), SecretStr(SECRET)])
def test_neither_a_person_nor_a_secret_is_shown_by_accident(
    value: object, written: io.StringIO
) -> None:
    logs.get("onboarding.test").info("obsolete", why=value)
    logs.get("onboarding.test").info("obsolete", why=[{"deep": value}])
    logging.getLogger("a.library").warning("%s %r", value, value)
    shown = [repr(value), str(value), f"{value} {value!r}", json.dumps([value], default=str)]
    for text in (*shown, written.getvalue()):
        assert "ada@" not in text
        assert "mps_" not in text
        assert (MASKED if isinstance(value, Personal) else "*****") in text
    with pytest.raises(TypeError):
        json.dumps(value)


def by_a_session(statement: str) -> None:
    with db.transaction() as session:
        session.connection().exec_driver_sql(statement)


def by_the_driver_in_a_session(statement: str) -> None:
    with db.transaction() as session:
        driver.within(session, statement, {})


def by_the_driver_alone(statement: str) -> None:
    driver.alone(statement, {})


@pytest.mark.parametrize("way", [by_a_session, by_the_driver_in_a_session, by_the_driver_alone])
def test_what_the_database_refuses_is_named_without_the_values_of_its_row(
    postgresql: Engine, written: io.StringIO, way: Callable[[str], None]
) -> None:
    an_onboarding("type_chosen", email=EMAIL)
    with pytest.raises(IntegrityError) as refused:
        way("UPDATE onboardings SET state = NULL")
    logs.get("onboarding.test").warning("relay_failed", error="x", exc_info=refused.value)
    assert 'null value in column \\"state\\"' in written.getvalue()
    assert EMAIL not in written.getvalue()
    # What machines ask is there all the same.
    assert isinstance(refused.value.orig, psycopg.Error)
    assert refused.value.orig.sqlstate == "23502"
    assert refused.value.orig.diag.column_name == "state"


def test_a_task_that_the_database_refuses_names_nobody(
    postgres_database: str, ring: Keyring, written: io.StringIO
) -> None:
    own_database = db.connect(postgres_database)
    an_onboarding("issuing_secret", email=EMAIL)
    rule = "ALTER TABLE onboardings ADD CONSTRAINT none_ready CHECK (state <> 'secret_ready')"
    with own_database.begin() as connection:
        connection.exec_driver_sql(rule)
    turns.run(str(promised("generate_secret")[0].id))
    own_database.dispose()
    assert "none_ready" in written.getvalue()
    assert EMAIL not in written.getvalue()


def test_a_personal_value_is_itself_whatever_it_shows() -> None:
    assert Personal(EMAIL).clear == EMAIL
    assert Personal(EMAIL) == Personal(EMAIL)
    assert hash(Personal(EMAIL)) == hash(Personal(EMAIL))
    assert Personal(EMAIL) != Personal("adele@shops.example")
    assert str(Personal("1024-77")) == "10***"


def test_who_signs_in_is_not_printed_with_a_shop_s_name_or_number() -> None:
    account = SellerAccount("1024-77", "Corner shop")
    shown = repr(SellerIdentity("https://id.example", "s-1", "Ada", datetime.now(UTC), (account,)))
    for each in ("1024-77", "Corner shop", "Ada"):
        assert each not in shown


def test_every_line_that_is_logged_is_declared_and_every_declared_one_logged() -> None:
    said = logged_lines()
    assert said.keys() == LINES.keys()
    for name, calls in said.items():
        line = LINES[name]
        assert {level.replace("exception", "error") for level, _ in calls} == {line.level}, name
        fields = {field for _, given in calls for field in given}
        assert fields - ALWAYS.keys() - {"exc_info"} == line.fields, name
        has_traceback = "exc_info" in fields or any(level == "exception" for level, _ in calls)
        assert has_traceback == line.has_traceback, name


def test_every_field_is_described_once_and_belongs_to_a_line() -> None:
    assert set().union(*(line.fields for line in LINES.values())) == FIELDS.keys()
    assert not FIELDS.keys() & ALWAYS.keys()
    assert all(line.tells.endswith(".") for line in LINES.values())


def test_the_page_about_logs_is_what_the_code_makes_today() -> None:
    page = (ROOT / "docs" / "logs.md").read_text(encoding="utf-8")
    assert page == log_lines.markdown(), "Make it again: python -m tools.logs > docs/logs.md"


def logged_lines() -> dict[str, list[tuple[str, set[str]]]]:
    """Each line's calls in our code: the level, and the names of what is told."""
    found: dict[str, list[tuple[str, set[str]]]] = defaultdict(list)
    for folder in ("onboarding", "workers"):
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                match node:
                    case ast.Call(ast.Attribute(ast.Name("log"), level), [first], keywords) if (
                        level in LEVELS
                    ):
                        assert isinstance(first, ast.Constant), f"{path}: {ast.unparse(node)}"
                        names = {keyword.arg for keyword in keywords}
                        assert None not in names, f"{path}: {ast.unparse(node)}"
                        found[str(first.value)].append((level, {str(name) for name in names}))
    return found
