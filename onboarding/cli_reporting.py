"""`report`: how far onboardings get, and how long it takes. As in `cli`, bodies import what they need."""
# ruff: noqa: PLC0415 - see above

from typing import Annotated, Literal

import typer

from onboarding.cli_options import AsJson, open_database

report = typer.Typer(
    no_args_is_help=True, help="How far those started lately get, and how long it takes them."
)

Days = Annotated[int, typer.Option(min=1, max=92, help="Started in so many last days.")]
Split = Literal["type", "aggregator", "language", "week"]
Form = Annotated[Literal["table", "csv"], typer.Option("--format")]


@report.command("funnel")
def funnel(
    *,
    by: Annotated[Split, typer.Option(help="What tells the groups apart.")] = "type",
    days: Days = 28,
    form: Form = "table",
    as_json: AsJson = False,
) -> None:
    """Count how many have taken each step."""
    from onboarding.commands import reporting

    open_database()
    reporting.funnel(by, days, form, as_json=as_json)


@report.command("times")
def times(
    *,
    by: Annotated[
        Split | None, typer.Option(help="What tells groups apart.", show_default="all are one")
    ] = None,
    days: Days = 28,
    form: Form = "table",
    as_json: AsJson = False,
) -> None:
    """Say how long each state took those who have left it: half, 90 and 99 of a hundred at most."""
    from onboarding.commands import reporting

    open_database()
    reporting.times(by, days, form, as_json=as_json)


@report.command("standing")
def standing(*, as_json: AsJson = False) -> None:
    """Count those who stand in each state now, and say how long half and 95 of a hundred are there."""
    from onboarding.commands import reporting

    open_database()
    reporting.standing(as_json=as_json)
