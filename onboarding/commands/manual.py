"""`man`: all commands as one manual page, made from what each says of itself (groff_man(7))."""

import sys
from collections.abc import Iterator
from typing import Any

from onboarding import __version__
from onboarding.commands.exits import MEANINGS


def show(command: Any) -> None:
    """The page on stdout, for `man -l -` or a folder of MANPATH."""
    sys.stdout.write(page(command))


def page(command: Any) -> str:
    """The page of a command and of all below it. It has no date, so that it only changes with them."""
    return "\n".join(_lines(command)) + "\n"


def _lines(command: Any) -> Iterator[str]:
    yield '.\\" Made by `onboarding man`; change the commands instead.'
    yield f'.TH ONBOARDING 1 "" "onboarding {__version__}" "User Commands"'
    yield ".SH NAME"
    yield f"onboarding \\- {_plain(_paragraphs(command)[0])}"
    yield ".SH SYNOPSIS"
    yield ".B onboarding\n.I command\n[options]"
    yield ".SH DESCRIPTION"
    for paragraph in _paragraphs(command)[1:]:
        yield f".PP\n{_plain(paragraph)}"
    yield ".SH COMMANDS"
    for name, each in _below(command, ""):
        yield from _command(name, each)
    yield ".SH EXIT STATUS"
    for code, meaning in MEANINGS.items():
        yield f".TP\n.B {code}\n{_plain(meaning)}"
    yield ".SH ENVIRONMENT"
    yield _plain("`onboarding settings --format md` lists every variable. NO_COLOR is respected.")


def _below(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, each in command.commands.items():
        full = f"{path} {name}".strip()
        if hasattr(each, "commands"):
            yield from _below(each, full)
        else:
            yield full, each


def _command(name: str, command: Any) -> Iterator[str]:
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option"]
    words = " ".join([name, *(p.metavar or p.name.upper() for p in arguments)])
    yield f".SS {_plain(words)}"
    for paragraph in _paragraphs(command):
        yield f".PP\n{_plain(paragraph)}"
    for parameter in (*arguments, *options):
        yield from _parameter(parameter)


def _parameter(parameter: Any) -> Iterator[str]:
    is_option = parameter.param_type_name == "option"
    shown = ", ".join(parameter.opts) if is_option else parameter.metavar or parameter.name.upper()
    if is_option and not parameter.is_flag:
        shown += " " + (parameter.metavar or "VALUE")
    yield f".TP\n.B {_plain(shown)}\n{_plain(parameter.help or '')}".rstrip()


def _paragraphs(command: Any) -> list[str]:
    return [" ".join(each.split()) for each in (command.help or "").split("\n\n")]


def _plain(text: str) -> str:
    """As roff shows it to the letter: a hyphen that can be copied, and no line that is a request."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("…", "...")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped
