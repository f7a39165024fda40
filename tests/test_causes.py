"""Each cause code that the program can write is registered, and none that it cannot."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import onboarding
from onboarding import errors
from onboarding.causes import CAUSES, OTHER, known, runbook
from onboarding.errors import Unavailable

ROOT = Path(onboarding.__file__).parents[1]
# The functions and errors that take a code, and which of their arguments it is.
TAKES = {
    "fail": (2,),
    "Refused": (0,),
    "GivenUp": (0,),
    "Unavailable": (0,),
    "_failure": (-2, -1),
    "Verdict": (1,),
}


def test_what_the_code_writes_is_registered_and_nothing_else() -> None:
    assert set(written()) | of_outages() == CAUSES.keys()


def written() -> Iterator[str]:
    for folder in ("onboarding", "workers"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                yield from codes_in(node)


def codes_in(node: ast.AST) -> Iterator[str]:
    """The literal codes of a call, of `CAUSE = …`, and those that `_cause` and `why_not` fall back on."""
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=arguments):
            given = [
                arguments[n] for n in TAKES.get(name, ()) if -len(arguments) <= n < len(arguments)
            ]
            yield from literals(*given)
        case ast.AnnAssign(target=ast.Name(id="CAUSE"), value=ast.Constant(value=str(code))):
            yield code
        case ast.FunctionDef(name="_cause" | "why_not"):
            ends = [each for each in ast.walk(node) if isinstance(each, ast.Return)]
            yield from literals(*(each for end in ends for each in ast.walk(end)))


def literals(*nodes: ast.AST) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def of_outages() -> set[str]:
    """A task that meets one of these has failed of it."""
    kinds = (kind for kind in vars(errors).values() if isinstance(kind, type))
    return {kind.code for kind in kinds if issubclass(kind, Unavailable)}


@pytest.mark.parametrize("code", CAUSES)
def test_a_cause_is_one_sentence_and_somebody_s_move(code: str) -> None:
    cause = CAUSES[code]
    assert cause.means.endswith(".")
    assert cause.means.count(".") == 1
    assert cause.acts in {"operator", "seller", "aggregator"}
    assert runbook(code).replace("-", "_") == code
    assert known(code) == code


def test_what_is_not_registered_is_told_as_one() -> None:
    assert {known(code) for code in ("smtp_down", "", None)} == {OTHER}
    assert OTHER not in CAUSES
