"""The commands that explain: `route` and `chart`. As in `cli`, bodies import what they need."""
# ruff: noqa: PLC0415 - see above

from typing import Annotated, Literal

import typer

from onboarding.cli_options import AsJson, open_database


def route(
    labels: Annotated[
        list[str], typer.Argument(metavar="LABEL…", help="What a tool asks for, a label each.")
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Say which connection type fits what a tool asks for."""
    from onboarding.commands import explaining

    explaining.route(labels, as_json=as_json)


def chart(
    *,
    form: Annotated[Literal["mermaid", "svg", "md"], typer.Option("--format")] = "mermaid",
    reference: Annotated[
        str | None,
        typer.Option("--onboarding", metavar="REF", help="Light the state that it is in."),
    ] = None,
) -> None:
    """Print the life of an onboarding: its states and events."""
    from onboarding.commands import explaining

    if reference is not None:
        open_database()
    explaining.chart(form, reference)


def man(context: typer.Context) -> None:
    """Print the manual page of all commands.

    Read it at once: onboarding man | man -l -
    """
    from onboarding.commands import manual

    manual.show(context.find_root().command)
