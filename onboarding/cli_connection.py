"""The commands about a connection that works: `connection …`. As in `cli`, bodies import what they need."""
# ruff: noqa: PLC0415 - see above

from typing import Annotated

import typer

from onboarding.cli_options import AsJson, Reason, Reference, open_database, with_publisher
from onboarding.names import CONNECTION_AT_MOST

connection = typer.Typer(no_args_is_help=True, help="Connections that are done, and in use.")


@connection.command("rename")
def rename(
    reference: Reference,
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME", help=f"1 to {CONNECTION_AT_MOST} characters.", show_default=False
        ),
    ],
    *,
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Give it another name, which its owner sees."""
    from onboarding.commands import connections, opening
    from onboarding.settings import settings

    connections.rename(opening.prepare(settings()), reference, name, reason, as_json=as_json)


@connection.command("sellers")
def sellers(reference: Reference, *, as_json: AsJson = False) -> None:
    """Whom its client may act for besides its own seller, and which links for sellers are open."""
    from onboarding.commands import connections

    open_database()
    connections.sellers(reference, as_json=as_json)


@connection.command("invite")
def invite(reference: Reference, *, reason: Reason, as_json: AsJson = False) -> None:
    """Print a link for one more seller to let its client act for them. They sign in there and decide."""
    from onboarding.commands import connections, opening
    from onboarding.settings import settings

    connections.invite(opening.prepare(settings()), reference, reason, as_json=as_json)


@connection.command("unlink")
def unlink(
    context: typer.Context,
    reference: Reference,
    *,
    reason: Reason,
    link: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Of another seller: as `sellers` lists it."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """End its link with the seller account, for good; a client ID stays as it is, and all other links."""
    from onboarding.commands import connections, opening
    from onboarding.settings import settings

    ring = opening.prepare(settings())
    with with_publisher(context):
        connections.unlink(ring, reference, link, reason, as_json=as_json)


@connection.command("revoke")
def revoke(
    context: typer.Context, reference: Reference, *, reason: Reason, as_json: AsJson = False
) -> None:
    """Revoke its client ID, for good: client secret and link end with it."""
    from onboarding.commands import connections, opening
    from onboarding.settings import settings

    ring = opening.prepare(settings())
    with with_publisher(context):
        connections.revoke(ring, reference, reason, as_json=as_json)
