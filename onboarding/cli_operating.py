"""The commands about operators: `audit …` and `operators …`. As in `cli`, bodies import what they need."""
# ruff: noqa: PLC0415 - see above

from typing import Annotated, Literal

import typer

from onboarding.cli_options import AsJson, Limit, open_database

trail = typer.Typer(no_args_is_help=True, help="What operators did, and tried to do.")
operators = typer.Typer(no_args_is_help=True, help="Who may use the console.")


@trail.command("ls")
def list_entries(*, limit: Limit = 20, as_json: AsJson = False) -> None:
    """List what operators did, newest first."""
    from onboarding.commands import auditing

    open_database()
    auditing.ls(limit, as_json=as_json)


@trail.command("verify")
def verify(*, as_json: AsJson = False) -> None:
    """Find rows that were changed, taken out, added or moved.

    It prints the last row's number: note it elsewhere, to notice an older copy of the whole trail.
    With findings, the exit code is 5.
    """
    from onboarding.commands import auditing, opening
    from onboarding.settings import settings

    ring = opening.prepare(settings())
    raise typer.Exit(auditing.verify(ring, as_json=as_json))


@operators.command("link")
def link(
    role: Annotated[
        Literal["viewer", "auditor", "operator", "lead", "admin"],
        typer.Option(metavar="ROLE", help="viewer, auditor, operator, lead or admin."),
    ] = "lead",
) -> None:
    """Print a link that opens the console for twelve hours; in the sandbox only."""
    from onboarding.commands import entering, opening
    from onboarding.settings import settings

    entering.link(settings(), opening.prepare(settings()), role)
