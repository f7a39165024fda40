"""What is said about one onboarding, and what moves it. As in `cli`, bodies import what they need."""
# ruff: noqa: PLC0415 - see above

from typing import Annotated

import typer

from onboarding.cli_options import (
    AsJson,
    KeyFile,
    Reason,
    Reference,
    Unmask,
    Url,
    open_database,
    with_publisher,
)


def show(
    reference: Reference,
    *,
    unmask: Unmask = None,
    reason: Annotated[str, typer.Option(help="Why it must be seen in full. It is kept.")] = "",
    url: Url = None,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Show all about one onboarding, and what would move it."""
    from onboarding.commands import elsewhere, opening, showing
    from onboarding.settings import settings

    if url:
        with elsewhere.client(settings(), url, key_file) as there:
            elsewhere.show(there, reference, as_json=as_json)
    elif unmask is None:
        open_database()
        showing.show(reference, as_json=as_json)
    else:
        showing.unmask(opening.prepare(settings()), reference, unmask, reason, as_json=as_json)


def history(
    reference: Reference,
    *,
    url: Url = None,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Show every step of an onboarding, from the first."""
    from onboarding.commands import elsewhere, showing
    from onboarding.settings import settings

    if url:
        with elsewhere.client(settings(), url, key_file) as there:
            elsewhere.history(there, reference, as_json=as_json)
    else:
        open_database()
        showing.history(reference, as_json=as_json)


def fire(
    context: typer.Context,
    reference: Reference,
    event: Annotated[str, typer.Argument(metavar="EVENT", help="As `show` lists them.")],
    *,
    reason: Annotated[
        str | None, typer.Option(help="Why, as an operator. It is kept.", show_default=False)
    ] = None,
    data: Annotated[
        str | None, typer.Option(metavar="JSON", help="With --url: what the event takes.")
    ] = None,
    wait: Annotated[
        int, typer.Option(min=0, max=30, help="With --url: seconds for the platform's move.")
    ] = 0,
    url: Url = None,
    key_file: KeyFile = None,
    as_json: AsJson = False,
) -> None:
    """Move an onboarding by an event, as an operator; with --url, as a calling system."""
    from onboarding.commands import elsewhere, moving, opening
    from onboarding.settings import settings

    if url:
        with elsewhere.client(settings(), url, key_file) as there:
            elsewhere.fire(there, reference, event, data, wait, as_json=as_json)
        return
    if reason is None:
        raise typer.BadParameter("Missing option '--reason': an operator says why.")
    if data or wait:
        raise typer.BadParameter("--data and --wait go with --url.")
    ring = opening.prepare(settings())
    with with_publisher(context):
        moving.fire(ring, reference, event, reason, as_json=as_json)


def retry(
    context: typer.Context,
    wanted: Annotated[
        str, typer.Argument(metavar="REF|MESSAGE-ID", help="All of an onboarding's, or one.")
    ],
    *,
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Try again what has failed for good, once its cause is gone."""
    from onboarding.commands import moving, opening
    from onboarding.settings import settings

    ring = opening.prepare(settings())
    with with_publisher(context):
        moving.retry(ring, wanted, reason, as_json=as_json)


def act(
    context: typer.Context,
    reference: Reference,
    action: Annotated[str, typer.Argument(metavar="ACTION", help="As the console names them.")],
    *,
    reason: Reason,
    choice: Annotated[
        str, typer.Option(help="What extend (days) or assign (an operator's ID) asks for.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Do any action of the console: resend, nudge, extend, assign, let_go, …, or an event."""
    from onboarding.commands import moving, opening
    from onboarding.settings import settings

    ring = opening.prepare(settings())
    with with_publisher(context):
        moving.act(ring, reference, action, choice, reason, as_json=as_json)


def note(
    reference: Reference,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="For whoever looks next.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Write something down about an onboarding."""
    from onboarding.commands import moving, opening
    from onboarding.settings import settings

    moving.note(opening.prepare(settings()), reference, text, as_json=as_json)
