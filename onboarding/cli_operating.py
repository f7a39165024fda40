"""The commands about operating: `audit …`, `causes …`, `operators …`, `archive` and `erase`. As in `cli`, bodies import what they need."""
# ruff: noqa: PLC0415 - see above

from pathlib import Path
from typing import Annotated, Literal

import typer

from onboarding.cli_options import AsJson, Limit, Reason, ReasonIfAny, open_database

Task = Annotated[str, typer.Argument(metavar="TASK", help="As `causes ls` lists it.")]
Code = Annotated[str, typer.Argument(metavar="CODE", help="As `causes ls` lists it.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]
State = Annotated[str, typer.Option(help="Only where onboardings stand in this state.")]
Event = Annotated[str, typer.Option(help="Only where this event has asked for the task.")]

trail = typer.Typer(no_args_is_help=True, help="What operators did, and tried to do.")
causes = typer.Typer(no_args_is_help=True, help="Why something fails, and what is said about it.")
operators = typer.Typer(no_args_is_help=True, help="Who may use the console.")


@trail.command("ls")
def list_entries(
    *,
    limit: Limit = 20,
    q: Annotated[str, typer.Option("--q", help="Only rows with this as a part of why.")] = "",
    as_json: AsJson = False,
) -> None:
    """List what operators did, newest first."""
    from onboarding.commands import auditing

    open_database()
    auditing.ls(limit, q, as_json=as_json)


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


@causes.command("ls")
def list_causes(*, as_json: AsJson = False) -> None:
    """List why something fails; those first that nobody has marked."""
    from onboarding.commands import causing

    open_database()
    causing.ls(as_json=as_json)


@causes.command("show")
def show_cause(
    task: Task, code: Code, *, state: State = "", event: Event = "", as_json: AsJson = False
) -> None:
    """Show where a cause is met, and what was said about it."""
    from onboarding.commands import causing
    from onboarding.stuck import CauseName

    open_database()
    causing.show(CauseName(task, code, state, event), as_json=as_json)


@causes.command("mark")
def mark_cause(
    task: Task,
    code: Code,
    *,
    status: Annotated[
        Literal["open", "acknowledged", "fixed", "ignored"],
        typer.Option(metavar="STATUS", help="open, acknowledged, fixed or ignored."),
    ],
    reason: Reason,
    release: Annotated[str, typer.Option(help="In which it is fixed.")] = "",
    until: Annotated[str, typer.Option(help="The day until which it is ignored.")] = "",
    owner: Annotated[
        str | None, typer.Option(help="Who looks after it: an operator's ID, or nobody.")
    ] = None,
    state: State = "",
    event: Event = "",
    as_json: AsJson = False,
) -> None:
    """Say how a cause stands, wherever it is met or in one place.

    What is fixed and is seen again is open again.
    """
    from onboarding.commands import causing, opening
    from onboarding.marks import Said
    from onboarding.settings import settings
    from onboarding.stuck import CauseName

    ring, name = opening.prepare(settings()), CauseName(task, code, state, event)
    said = Said(status, release, until)
    causing.mark(ring, name, said, owner, reason, as_json=as_json)


@causes.command("note")
def note_cause(
    task: Task,
    code: Code,
    text: Annotated[str, typer.Argument(metavar="TEXT", show_default=False)],
    *,
    state: State = "",
    event: Event = "",
    as_json: AsJson = False,
) -> None:
    """Write something down about a cause, for whoever looks next."""
    from onboarding.commands import causing, opening
    from onboarding.settings import settings
    from onboarding.stuck import CauseName

    ring, name = opening.prepare(settings()), CauseName(task, code, state, event)
    causing.note(ring, name, text, as_json=as_json)


@operators.command("link")
def link(
    role: Annotated[
        Literal["viewer", "auditor", "operator", "lead", "admin"],
        typer.Option(metavar="ROLE", help="viewer, auditor, operator, lead or admin."),
    ] = "lead",
    *,
    reason: ReasonIfAny = "",
) -> None:
    """Print a link that opens the console for twelve hours; in the sandbox only."""
    from onboarding.commands import entering, opening
    from onboarding.settings import settings

    entering.link(settings(), opening.prepare(settings()), role, reason)


@operators.command("ls")
def list_operators(*, as_json: AsJson = False) -> None:
    """List whoever has signed in to the console, by name."""
    from onboarding.commands import operating

    open_database()
    operating.ls(as_json=as_json)


@operators.command("remove")
def remove_operator(
    operator: Annotated[
        str,
        typer.Argument(
            metavar="OPERATOR", help="The ID as `ls` shows it, its beginning, or a name."
        ),
    ],
    *,
    reason: Reason,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Remove an operator who has left: name, address, account, sessions and views.

    The trail goes on naming them by their ID, which then leads to nobody.

    It keeps nobody out: end the account at your identity provider first.
    """
    from onboarding.commands import opening, operating
    from onboarding.settings import settings

    ring = opening.prepare(settings())
    operating.remove(ring, operator, reason, sure=yes, as_json=as_json)


def erase(
    *,
    contact: Annotated[
        str,
        typer.Option(metavar="ADDRESS", help="Whose: an e-mail address, - for stdin."),
    ],
    reason: ReasonIfAny = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would go, and what would stay.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Erase what is known of one person, and say what stays and why.

    Their onboardings that are over go whole, into no file; wherever else the
    address stands it is masked. What goes on stays, and so does the trail.
    """
    from onboarding.commands import erasing, opening
    from onboarding.settings import settings

    ring = opening.prepare(settings())
    if dry_run:
        erasing.look(contact, as_json=as_json)
    else:
        erasing.erase(ring, contact, reason, sure=yes, as_json=as_json)


def archive(
    *,
    days: Annotated[
        int, typer.Option("--older-than", metavar="DAYS", min=1, help="Ended so many days ago.")
    ],
    folder: Annotated[
        Path, typer.Option("--to", metavar="FOLDER", help="Where the file goes.")
    ] = Path("var/archive"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many could go.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take onboardings out that are over, into a file, without whom they were about.

    Those go that have ended, and of which no client, link or message is alive. Nobody waits for it;
    whoever stops it loses nothing, and the next call goes on.
    """
    from onboarding.commands import archiving, opening
    from onboarding.settings import settings

    ring = opening.prepare(settings())
    if dry_run:
        archiving.look(days, as_json=as_json)
    else:
        archiving.archive(ring, days, folder, as_json=as_json)
