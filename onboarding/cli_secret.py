"""The commands about a client secret that is in use: `secret …`. As in `cli`, bodies import what they need."""
# ruff: noqa: PLC0415 - see above

from typing import Annotated

import typer

from onboarding.cli_options import AsJson, Reason, Reference, with_publisher

secret = typer.Typer(no_args_is_help=True, help="Client secrets that are in use.")


@secret.command("replace")
def replace(
    context: typer.Context,
    reference: Reference,
    *,
    reason: Reason,
    overlap_days: Annotated[
        int, typer.Option(help="Days for which the old one works too: 0 to 7.")
    ] = 3,
    as_json: AsJson = False,
) -> None:
    """Have a new secret made, which its owner is shown; the old one goes on meanwhile."""
    from onboarding.commands import opening, secrets
    from onboarding.settings import settings

    ring = opening.prepare(settings())
    with with_publisher(context):
        secrets.replace(ring, reference, overlap_days, reason, as_json=as_json)


@secret.command("end")
def end(
    reference: Reference,
    *,
    version: Annotated[int, typer.Option(help="Of the old one.", show_default=False)],
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """End a secret that was replaced before its time."""
    from onboarding.commands import opening, secrets
    from onboarding.settings import settings

    secrets.end(opening.prepare(settings()), reference, version, reason, as_json=as_json)
