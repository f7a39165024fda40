"""The `onboarding` commands: what each is called, takes and says of itself. `commands` does the work.

Bodies import what they need: the database's libraries alone take longer to load than `--help`,
`route` and `chart` to run.
"""
# ruff: noqa: PLC0415 - see above

import sys
from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, get_args

import typer
from typer.core import TyperCommand

from onboarding import __version__, cli_explaining, cli_leaks, cli_moving, cli_testing
from onboarding.cli_bulk import bulk
from onboarding.cli_connection import connection
from onboarding.cli_inbound import inbound, source
from onboarding.cli_keyring import keyring
from onboarding.cli_listing import ls, views
from onboarding.cli_operating import Yes, archive, causes, erase, operators, trail
from onboarding.cli_options import (
    AsJson,
    KeyFile,
    Limit,
    Publishing,
    ReasonIfAny,
    Surroundings,
    Url,
    chosen_settings,
    open_database,
    opened_keyring,
    with_publisher,
)
from onboarding.cli_registry import aggregators, keys
from onboarding.cli_reporting import report
from onboarding.cli_samples import demo
from onboarding.cli_secret import secret
from onboarding.cli_webhooks import webhook
from onboarding.commands import roles
from onboarding.commands.exits import MEANINGS, quiet_when_unread

if TYPE_CHECKING:
    from onboarding.sealing import Keyring
    from onboarding.settings import Settings

ConnectionType = Literal[
    "aggregator", "plugin", "own_development", "legacy_soap", "credentials_only"
]

app = typer.Typer(
    no_args_is_help=True,
    # A trace with the values of variables in it would show secrets.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=f"Exit codes: {' · '.join(f'{code} {text}' for code, text in MEANINGS.items())}.",
)
app.add_typer(aggregators, name="aggregators")
app.add_typer(keys, name="keys")
app.add_typer(webhook, name="webhook")
app.add_typer(source, name="source")
app.add_typer(inbound, name="inbound")
app.add_typer(operators, name="operators")
app.add_typer(trail, name="audit")
app.add_typer(bulk, name="bulk")
app.add_typer(report, name="report")
app.add_typer(views, name="views")
app.add_typer(causes, name="causes")
app.add_typer(secret, name="secret")
app.add_typer(keyring, name="keyring")
app.add_typer(connection, name="connection")


def main(
    publishing: Publishing | None = None,
    task_names: Callable[[], Collection[str]] = tuple,
    arguments: Sequence[str] | None = None,
) -> NoReturn:
    """Run one command and exit with its code. A failure that can be foreseen is one sentence."""
    _admit(app)
    try:
        app(args=arguments, prog_name="onboarding", obj=Surroundings(publishing, task_names))
    except Exception as error:
        from onboarding.commands import failures, printing

        failure = failures.explain(error)
        if failure is None:
            raise
        printing.fail(failure)
        sys.exit(failure.code)
    sys.exit()


class Admitted(TyperCommand):
    """A command that this terminal's role has to have."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Options, with what is wrong with one in plain words."""
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            from onboarding.setting_values import plain

            said = plain(error.message)
            error.message = f"{said} is needed" if "Input should" in error.message else said
            raise

    def invoke(self, ctx: typer.Context) -> Any:  # type: ignore[override]  # Typer's own context
        roles.admit(ctx.command_path.partition(" ")[2])
        with quiet_when_unread():
            return super().invoke(ctx)


def _admit(commands: typer.Typer) -> None:
    """Every command below, whoever has added it."""
    for command in commands.registered_commands:
        command.cls = Admitted
    for group in commands.registered_groups:
        if group.typer_instance:
            _admit(group.typer_instance)


def prepare(chosen: "Settings", *, upgrade: bool = False) -> "Keyring":
    """Open what a process of the product needs: logs, database, keyring. Raises Failure."""
    from onboarding.commands import opening

    return opening.prepare(chosen, upgrade=upgrade)


def need_broker(chosen: "Settings") -> None:
    """Refuse to go on without a broker. Raises Failure."""
    from onboarding.commands import opening

    opening.need_broker(chosen)


@app.callback(invoke_without_command=True)
def start(
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Gives sellers, and those who work for them, access to the marketplace's REST API.

    Try it: onboarding serve --demo

    Which one hangs, and why? onboarding ls --overdue, then onboarding show ONB-…
    """
    if version:
        sys.stdout.write(f"onboarding {__version__}\n")
        raise typer.Exit


@app.command()
def migrate(*, as_json: AsJson = False) -> None:
    """Make the database and the keyring, or bring them up to date."""
    from onboarding.commands import opening

    opening.migrate(chosen_settings(), as_json=as_json)


@app.command()
def walk(
    *,
    connection_type: Annotated[
        ConnectionType,
        typer.Option(
            "--type",
            metavar="TYPE",
            help=f"Which journey: {', '.join(get_args(ConnectionType))}.",
            show_default=False,
        ),
    ],
    url: Url = None,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Walk a sample journey: does a running system work?

    It goes through the public API and, as a seller, through the sandbox Seller Portal. Without a key,
    this database lends one.
    """
    from onboarding.commands import journeys

    journeys.run(chosen_settings(), connection_type, url, key_file, as_json=as_json)


app.command()(ls)


for one in (
    cli_moving.show,
    cli_moving.history,
    cli_moving.fire,
    cli_moving.retry,
    cli_moving.act,
    cli_moving.note,
):
    app.command()(one)


@app.command()
def incidents(*, limit: Limit = 20, as_json: AsJson = False) -> None:
    """List what has failed for good, newest first."""
    from onboarding.commands import looking

    open_database()
    looking.incidents(limit, as_json=as_json)


@app.command()
def doctor(
    context: typer.Context,
    *,
    deep: Annotated[
        bool, typer.Option("--deep", help="Check the history of every onboarding as well.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Look for what is wrong, and say what to do about it.

    Nothing is changed. With findings, the exit code is 5.

    A deep look takes minutes for a million; the system may go on meanwhile.
    """
    from onboarding.commands import doctor as looks

    known = context.obj.task_names() if context.obj else ()
    raise typer.Exit(looks.examine(chosen_settings(), known, deep=deep, as_json=as_json))


@app.command()
def restored(
    context: typer.Context, *, reason: ReasonIfAny = "", yes: Yes = False, as_json: AsJson = False
) -> None:
    """After a restored backup: destroy the secrets that wait to be shown."""
    from onboarding.commands import restoring

    ring = opened_keyring()
    with with_publisher(context):
        restoring.restored(ring, reason, sure=yes, as_json=as_json)


app.command()(archive)
app.command()(erase)
app.command()(cli_explaining.route)
app.command()(cli_explaining.chart)
app.command()(cli_explaining.man)
app.command("test-credentials")(cli_testing.credentials)
# It says itself why it takes no arguments.
app.command(context_settings={"allow_extra_args": True})(cli_testing.explain_error)
app.command()(cli_leaks.scan)


@app.command()
def settings(
    *,
    form: Annotated[Literal["table", "md", "env"], typer.Option("--format")] = "table",
    as_json: AsJson = False,
) -> None:
    """Print the settings in force, passwords masked.

    The other formats are the pages about all settings: docs/settings.md and .env.example.
    """
    from onboarding.commands import variables

    pages = {"md": variables.markdown, "env": variables.env_example}
    if form in pages:
        sys.stdout.write(pages[form]())
    else:
        variables.show(chosen_settings(), as_json=as_json)


app.command()(demo)
