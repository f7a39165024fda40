"""What holds the house together, read from the source: who may write what, and who may import whom."""

import ast
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from onboarding.models import Base

ROOT = Path(__file__).parents[2]
LONGEST = 300
SHORT = 0.05

# Columns whose name says that something is worth stealing → how their value is protected.
REVIEWED = {
    "announced_clients.key_id": "a name",
    "announced_clients.token": "sealed with HPKE, bound to its client ID",
    "api_keys.hash": "SHA-256 of 256 random bits",
    "browser_sessions.token_hash": "SHA-256 of 256 random bits",
    "operator_sessions.token_hash": "SHA-256 of 256 random bits",
    "key_checks.key_id": "a name",
    "onboardings.contact_hash": "HMAC under a pepper that is not in the database; opens nothing",
    "clients.secret_asked_at": "an instant",
    "onboardings.start_key": "tells a form that was sent twice; opens nothing",
    "sealed_secrets.key_id": "a name",
    "source_keys.key_id": "a name",
    "source_keys.public_key": "the public half; the other is its owner's",
    "unproved_letters.address_hash": "SHA-256 of an address; it keeps no secret",
    "webhooks.key_id": "a name",
    "webhooks.key_number": "a number",
    "webhooks.previous_key_id": "a name",
    "secrets.hash": "HMAC-SHA-256 under a pepper that is not in the database",
}
# Tells the settings, which every thread asks, which port it has got.
ENVIRONMENT = {"workers/serving.py"}


def sources(*folders: str) -> dict[str, ast.Module]:
    """Every Python file of these folders, by its path."""
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text())
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*.py"))
    }


PRODUCT = sources("onboarding", "workers")
EVERYTHING = PRODUCT | sources("tests", "tools", "benchmarks")


def found(
    where: dict[str, ast.Module], wanted: Callable[[ast.AST], bool], but_in: set[str] | None = None
) -> list[str]:
    """Where something stands that should not, as file:line."""
    return [
        f"{path}:{getattr(node, 'lineno', 0)}"
        for path, tree in where.items()
        if path not in (but_in or set())
        for node in ast.walk(tree)
        if wanted(node)
    ]


def test_only_the_lifecycle_writes_a_state() -> None:
    writers = {
        "onboarding/recording.py",
        "onboarding/recording_statements.py",
        "onboarding/ways_statement.py",
    }
    assert found(PRODUCT, writes_a_state, writers) == []
    assert found(PRODUCT, writes_a_state) != []
    assert found(PRODUCT, records, {"onboarding/lifecycle.py", "onboarding/alone.py"}) == []
    assert found(PRODUCT, records) != []


def records(node: ast.AST) -> bool:
    """`recording.move(…)`, `recording.begin(…)`, and either with a way to execute it."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="recording"), attr=verb)):
            return verb in {"move", "begin", "move_with", "begin_with"}
    return False


def writes_a_state(node: ast.AST) -> bool:
    """`x.state = …` (an error's own aside), `setattr(x, "state", …)`, `.values(state=…)`, and in SQL."""
    match node:
        case ast.Constant(value=str(text)):
            return "UPDATE onboardings" in text and "state =" in text
        case ast.Attribute(value=ast.Name(id=owner), attr="state", ctx=ast.Store()):
            return owner != "self"
        case ast.Attribute(attr="state", ctx=ast.Store()):
            return True
        case ast.Call(func=ast.Name(id="setattr"), args=[_, ast.Constant(value="state"), _]):
            return True
        case ast.Call(func=ast.Attribute(attr="values"), keywords=keywords):
            dumped = ast.dump(node).casefold()
            return any(keyword.arg == "state" for keyword in keywords) and "onboarding" in dumped
    return False


def test_only_the_transaction_commits() -> None:
    def commits(node: ast.AST) -> bool:
        match node:
            case ast.Call(func=ast.Attribute(attr="commit")):
                return True
            case ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr="begin")):
                return owner in {"session", "engine", "connection"}
            case ast.Attribute(value=ast.Name(id="driver" | "sqlite_driver"), attr="alone"):
                return True
        return False

    allowed = {
        "onboarding/db.py",
        "onboarding/migrations/__init__.py",
        # Each a statement that is a transaction of its own.
        "onboarding/alone.py",
        "onboarding/mailed.py",
        "onboarding/outbox.py",
    }
    assert found(PRODUCT, commits, allowed) == []


def test_a_flush_says_why() -> None:
    for path in PRODUCT:
        lines = (ROOT / path).read_text().splitlines()
        for number, line in enumerate(lines):
            if "session.flush(" in line:
                said = "#" in line or lines[number - 1].strip().startswith("#")
                assert said, f"{path}:{number + 1}"


def test_a_file_has_one_subject_and_fits_on_a_few_screens() -> None:
    long = {
        path: lines
        for path in EVERYTHING
        if "/versions/" not in path
        and (lines := len((ROOT / path).read_text().splitlines())) > LONGEST
    }
    assert long == {}


def test_nothing_of_ours_is_mocked() -> None:
    def mocks(node: ast.AST) -> bool:
        match node:
            case ast.Import(names=names):
                return any("mock" in name.name for name in names)
            case ast.ImportFrom(module=str(module), names=names):
                return "mock" in module or any(name.name == "mock" for name in names)
        return False

    assert found(EVERYTHING, mocks) == []


def test_tests_wait_for_a_condition_and_not_for_a_time() -> None:
    """A sleep stands in a loop that looks again, or is too short to hope for anything."""
    tests = {path: tree for path, tree in EVERYTHING.items() if path.startswith("tests/")}
    for path, tree in tests.items():
        polling = {
            id(node)
            for loop in ast.walk(tree)
            if isinstance(loop, ast.While | ast.For)
            for node in ast.walk(loop)
        }
        lonely = [n for n in ast.walk(tree) if sleeps(n) and id(n) not in polling]
        assert [f"{path}:{getattr(n, 'lineno', 0)}" for n in lonely] == []


def sleeps(node: ast.AST) -> bool:
    match node:
        case ast.Call(
            func=ast.Attribute(value=ast.Name(id="time"), attr="sleep") | ast.Name(id="sleep"),
            args=[length],
        ):
            return not (isinstance(length, ast.Constant) and float(str(length.value)) <= SHORT)
    return False


def test_the_outbox_is_the_only_retry_policy() -> None:
    behind = {path: tree for path, tree in PRODUCT.items() if path.startswith("workers/")}
    options = {"autoretry_for", "retry_backoff", "max_retries", "retry_policy", "countdown", "eta"}

    def retries(node: ast.AST) -> bool:
        match node:
            case ast.Call(func=ast.Attribute(attr="retry" | "apply_async")):
                return True
            case ast.keyword(arg=str(name)):
                return name in options
        return False

    assert found(behind, retries) == []


def test_every_column_that_could_hold_a_secret_was_looked_at() -> None:
    suspicious = re.compile(r"secret|token|hash|key|password|pepper$|cleartext")
    columns = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.sorted_tables
        for column in table.columns
        if suspicious.search(column.name)
    }
    assert columns == set(REVIEWED)


def test_chance_that_matters_comes_from_secrets() -> None:
    """`random` is for jitter, and says so where it is used."""
    for path, tree in PRODUCT.items():
        lines = (ROOT / path).read_text().splitlines()
        for node in ast.walk(tree):
            match node:
                case ast.Attribute(value=ast.Name(id="random")):
                    assert re.search(r"# noqa: S311 - \w+", lines[node.lineno - 1]), path
                case ast.ImportFrom(module="random"):
                    pytest.fail(f"{path} hides where chance comes from")


def test_only_the_settings_read_the_environment() -> None:
    def reads(node: ast.AST) -> bool:
        match node:
            case ast.Attribute(value=ast.Name(id="os"), attr="environ" | "getenv"):
                return True
        return False

    assert found(PRODUCT, reads, ENVIRONMENT) == []


def test_the_product_takes_no_serialised_objects() -> None:
    def unpickles(node: ast.AST) -> bool:
        match node:
            case ast.Import(names=names):
                return any(name.name in {"pickle", "marshal", "shelve", "dill"} for name in names)
            case ast.ImportFrom(module="pickle" | "marshal" | "shelve"):
                return True
            case ast.Attribute(attr="PickleType"):
                return True
        return False

    assert found(PRODUCT, unpickles) == []


def test_imports_go_one_way() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    said = subprocess.run(
        [linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stdout + said.stderr
