"""The commands about runs: `bulk …`. As in `cli`, bodies import what they need."""
# ruff: noqa: PLC0415 - see above

from typing import Annotated

import typer

from onboarding.cli_options import AsJson, Limit, Reason, open_database, with_publisher

bulk = typer.Typer(no_args_is_help=True, help="One action on all onboardings of a view.")

Number = Annotated[str, typer.Argument(metavar="RUN", help="Its number, as in B-12.")]
Follow = Annotated[bool, typer.Option("--follow", help="Watch it until it rests or is over.")]


@bulk.command("start")
def start(
    context: typer.Context,
    action: Annotated[str, typer.Argument(metavar="ACTION", help="As the console names them.")],
    *,
    reason: Annotated[str, typer.Option(help="Why. It is kept.")] = "",
    view: Annotated[
        str | None,
        typer.Option(
            help="Of which view: its name, or as in its address: failing=yes&type=plugin."
        ),
    ] = None,
    of_all: Annotated[bool, typer.Option("--all", help="To all that there are.")] = False,
    choice: Annotated[
        str, typer.Option(help="What extend (days) or assign (an operator's ID) asks for.")
    ] = "",
    first: Annotated[int, typer.Option(help="So many, then it waits for you; 0: it does not.")] = 5,
    pace: Annotated[int, typer.Option(help="So many a minute.")] = 600,
    stop_above: Annotated[int, typer.Option(help="It rests above so many percent failures.")] = 20,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say for each what would happen.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Begin without asking.")] = False,
    follow: Follow = False,
    as_json: AsJson = False,
) -> None:
    """Do one thing to all onboardings of a view, after saying what it will do.

    What takes something back waits until somebody else agrees: onboarding bulk agree.
    """
    from onboarding.commands import bulk as runs
    from onboarding.commands import opening
    from onboarding.settings import settings

    if of_all == (view is not None):
        raise typer.BadParameter("say which onboardings: either --view, or --all")
    ring = opening.prepare(settings())
    if dry_run:
        runs.look(action, choice, view, as_json=as_json)
        return
    plan = {"first": first, "pace": pace, "stop_above": stop_above}
    with with_publisher(context):
        number = runs.start(ring, action, choice, view, reason, plan, sure=yes, as_json=as_json)
    if follow:
        runs.follow(number)


@bulk.command("ls")
def list_runs(*, limit: Limit = 20, as_json: AsJson = False) -> None:
    """List runs, newest first."""
    from onboarding.commands import bulk as runs

    open_database()
    runs.ls(limit, as_json=as_json)


@bulk.command("show")
def show(
    number: Number,
    *,
    outcome: Annotated[
        str | None, typer.Option(help="Only items with this: failed, refused, waiting, …")
    ] = None,
    follow: Follow = False,
    as_json: AsJson = False,
) -> None:
    """Show how far a run is, and what came of each onboarding."""
    from onboarding.commands import bulk as runs

    open_database()
    if follow:
        runs.follow(number)
    runs.show(number, outcome, as_json=as_json)


@bulk.command("agree")
def agree(context: typer.Context, number: Number, *, reason: Reason) -> None:
    """Agree to what somebody else has proposed: it begins."""
    _steer(context, "agree", number, reason)


@bulk.command("decline")
def decline(context: typer.Context, number: Number, *, reason: Reason) -> None:
    """Refuse what was proposed, or take your own proposal back."""
    _steer(context, "decline", number, reason)


@bulk.command("pause")
def pause(context: typer.Context, number: Number, *, reason: Reason) -> None:
    """Have a run rest after what is under way."""
    _steer(context, "pause", number, reason)


@bulk.command("resume")
def resume(context: typer.Context, number: Number, *, reason: Reason) -> None:
    """Have a run go on."""
    _steer(context, "resume", number, reason)


@bulk.command("abort")
def abort(context: typer.Context, number: Number, *, reason: Reason) -> None:
    """End a run: what was not begun stays as it is."""
    _steer(context, "abort", number, reason)


def _steer(context: typer.Context, step: str, number: str, reason: str) -> None:
    from onboarding.commands import bulk as runs
    from onboarding.commands import opening
    from onboarding.settings import settings

    ring = opening.prepare(settings())
    with with_publisher(context):
        runs.steer(ring, step, number, reason)
