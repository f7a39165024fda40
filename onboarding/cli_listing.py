"""`ls`: every list of onboardings. As in `cli`, bodies import what they need."""
# ruff: noqa: PLC0415 - see above

from typing import Annotated, Literal

import typer

from onboarding.cli_options import AsJson, KeyFile, Url, open_database

views = typer.Typer(no_args_is_help=True, help="Lists of onboardings that have a name.")


def ls(
    *,
    state: Annotated[str | None, typer.Option(help="Only those in this state.")] = None,
    connection_type: Annotated[
        str | None, typer.Option("--type", help="Only those of this connection type.")
    ] = None,
    waiting_on: Annotated[
        str | None,
        typer.Option(help="Whose turn it is: platform, seller, aggregator or developer."),
    ] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only those that are late.")] = False,
    failing: Annotated[
        bool, typer.Option("--failing", help="Only those with a task that failed for good.")
    ] = False,
    cause: Annotated[str | None, typer.Option(help="Only those that failed with this.")] = None,
    aggregator: Annotated[str | None, typer.Option(help="Only those with this one.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Only those begun since: 12h, 7d or 2026-11-27.")
    ] = None,
    owner: Annotated[str | None, typer.Option(help="An operator's ID: who took it on.")] = None,
    run: Annotated[str | None, typer.Option(help="Only those of this run.")] = None,
    email: Annotated[
        str | None, typer.Option(help="Only those of an address, as the console's link has it.")
    ] = None,
    q: Annotated[
        str | None,
        typer.Option(
            "--q",
            help="A client ID or its last four characters, Seller ID, address, aggregator,"
            " or part of an error.",
        ),
    ] = None,
    view: Annotated[
        str | None, typer.Option(help="Those of a view, as `views ls` names it.")
    ] = None,
    after: Annotated[
        str | None, typer.Option(help="Where the page before ended, as the console says it.")
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=1, help="How many at most: else 20, and of a file all."),
    ] = None,
    form: Annotated[
        Literal["table", "csv", "ndjson"],
        typer.Option("--format", help="csv and ndjson: as the console exports it."),
    ] = "table",
    mark: Annotated[
        bool, typer.Option("--bom", help="Begin CSV with what spreadsheets know UTF-8 by.")
    ] = False,
    url: Url = None,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """List onboardings, newest first; overdue ones longest first."""
    from onboarding.commands import elsewhere, looking
    from onboarding.filters import YES
    from onboarding.settings import settings

    given = {
        "state": state,
        "type": connection_type,
        "waiting_on": waiting_on,
        "overdue": YES if overdue else None,
        "failing": YES if failing else None,
        "cause": cause,
        "aggregator": aggregator,
        "since": since,
        "owner": owner,
        "run": run,
        "email": email,
        "q": q,
    }
    said = {name: value for name, value in given.items() if value}
    if url:
        with elsewhere.client(settings(), url, key_file) as there:
            elsewhere.ls(there, said, limit or 20, as_json=as_json)
        return
    open_database()
    if form == "table":
        looking.ls(said, limit or 20, after, view=view, as_json=as_json)
    else:
        looking.export(said, form, limit, view=view, mark=mark)


@views.command("ls")
def list_views(*, as_json: AsJson = False) -> None:
    """List the views that have a name, and how many onboardings are in each."""
    from onboarding.commands import viewing

    open_database()
    viewing.ls(as_json=as_json)
