"""What the commands are called."""

from typing import Any

import typer
from typer.main import get_command


def command_names(app: typer.Typer) -> list[str]:
    """Every command that does something, those of a group with the group's name before."""
    return _below(get_command(app), "")


def _below(command: Any, path: str) -> list[str]:
    deeper: dict[str, Any] = getattr(command, "commands", {})
    if not deeper:
        return [path.strip()]
    return [found for name, each in deeper.items() for found in _below(each, f"{path} {name}")]
