"""The settings as variables of the environment: what they are now, and the pages made from them."""

import shlex
from collections.abc import Iterator
from typing import Final, NamedTuple

from annotated_types import Ge, Le
from pydantic.fields import FieldInfo

from onboarding.commands import printing
from onboarding.settings import PREFIX, Settings, masked

# How settings are named whose values nobody may read over a shoulder; URLs lose their password besides.
_HIDDEN: Final = ("_secret", "api_key")


class Variable(NamedTuple):
    """One variable: its name, what it holds, what it holds by default, and what it is for."""

    name: str
    value: str
    default: str
    may_hold: str
    description: str


def variables(chosen: Settings | None = None) -> list[Variable]:
    """Every variable; without settings, with its default as its value."""
    return [
        Variable(
            PREFIX + name.upper(),
            _shown(name, getattr(chosen, name) if chosen else field.default),
            _plain(field.default),
            _may_hold(field),
            field.description or "",
        )
        for name, field in Settings.model_fields.items()
    ]


def show(chosen: Settings, *, as_json: bool) -> None:
    """What is in force."""
    found = variables(chosen)
    if as_json:
        printing.line({each.name: each.value for each in found})
        return
    marks = ("" if each.value == each.default else "set" for each in found)
    rows = ((each.name, each.value, mark) for each, mark in zip(found, marks, strict=True))
    printing.table(("Variable", "Value", ""), rows)


def markdown() -> str:
    """`docs/settings.md`."""
    rows = "\n".join(
        f"| `{each.name}` | {f'`{each.default}`' if each.default else 'empty'} |"
        f" {each.description}{f' May hold: {each.may_hold}.' if each.may_hold else ''} |"
        for each in variables()
    )
    return f"""<!-- Made by `onboarding settings --format md`; change onboarding/settings.py instead. -->

# Settings

Every setting is a variable of the environment, has a safe default, and is checked when a program
starts: a wrong one stops it with exit code 2 and one line that says what it holds and what it may
hold. `onboarding settings` prints what is in force, `onboarding doctor` whether it works.
`.env.example` has the same variables to start from.

| variable | default | what it is |
| --- | --- | --- |
{rows}
"""


def env_example() -> str:
    """`.env.example`."""
    head = (
        "# Made by `onboarding settings --format env`; change onboarding/settings.py instead.\n"
        "# Copy it to .env, and take the # off the lines that you change. Docker Compose's env_file\n"
        "# and systemd's EnvironmentFile read it as it is; a shell with: set -a; . ./.env; set +a\n"
    )
    return head + "".join(f"\n{entry}" for entry in _env_entries())


def _env_entries() -> Iterator[str]:
    for each in variables():
        may_hold = f" May hold: {each.may_hold}." if each.may_hold else ""
        value = shlex.quote(each.default) if each.default else ""
        yield f"# {each.description}{may_hold}\n#{each.name}={value}\n"


def _shown(name: str, value: object) -> str:
    text = _plain(value)
    if name.endswith(_HIDDEN) and text:
        return "***"
    return masked(text) if "://" in text else text


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _may_hold(field: FieldInfo) -> str:
    """In words, where the type says more than "a text"."""
    if field.annotation is bool:
        return "true or false"
    bounds = [each for each in field.metadata if isinstance(each, (Ge, Le))]
    if bounds:
        lowest = next(each.ge for each in bounds if isinstance(each, Ge))
        highest = next(each.le for each in bounds if isinstance(each, Le))
        return f"{lowest} to {highest}"
    pattern = next((each.pattern for each in field.metadata if hasattr(each, "pattern")), "")
    if pattern.startswith("^(") and pattern.endswith(")$"):
        return ", ".join(pattern[2:-2].split("|"))
    return f"what matches {pattern}" if pattern else ""
