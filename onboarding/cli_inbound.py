"""The commands about what the marketplace tells us: `source …` and `inbound …`. As in `cli`, bodies import what they need."""
# ruff: noqa: PLC0415 - see above

from typing import Annotated

import typer

from onboarding.cli_options import AsJson, Limit, Reason, ReasonIfAny, open_database, opened_keyring

source = typer.Typer(
    no_args_is_help=True, help="The marketplace's own systems that may tell us things."
)
inbound = typer.Typer(no_args_is_help=True, help="What they have told us.")

Name = Annotated[
    str,
    typer.Argument(metavar="NAME", help="`source` in its events, a URI.", show_default=False),
]
PublicKey = Annotated[
    str | None,
    typer.Option(
        metavar="whpk_…", help="Its own ed25519 key, the public half; else a secret is made."
    ),
]


@source.command("ls")
def list_sources(*, as_json: AsJson = False) -> None:
    """List every source, and how many of its keys work."""
    from onboarding.commands import sources

    open_database()
    sources.ls(as_json=as_json)


@source.command("add")
def add_source(
    name: Name,
    *,
    public_key: PublicKey = None,
    reason: ReasonIfAny = "",
    as_json: AsJson = False,
) -> None:
    """Let a system of the marketplace's tell us things; prints the secret that it signs by, once."""
    from onboarding.commands import sources

    sources.add(opened_keyring(), name, public_key, reason, as_json=as_json)


@source.command("rotate")
def rotate_source(
    name: Name,
    *,
    overlap: Annotated[
        str, typer.Option(metavar="TIME", help="How long the ones before work: 24h, 30m, 7d.")
    ] = "24h",
    public_key: PublicKey = None,
    reason: ReasonIfAny = "",
    as_json: AsJson = False,
) -> None:
    """Give a source another key; those before work for a while."""
    from onboarding.commands import sources

    sources.rotate(opened_keyring(), name, overlap, public_key, reason, as_json=as_json)


@source.command("rm")
def remove_source(name: Name, *, reason: ReasonIfAny = "", as_json: AsJson = False) -> None:
    """Hear no more of a source: what it sends is refused at once."""
    from onboarding.commands import sources

    sources.rm(opened_keyring(), name, reason, as_json=as_json)


@inbound.command("ls")
def list_inbound(
    *,
    parked: Annotated[
        bool, typer.Option("--parked", help="Only those that wait for what they are about.")
    ] = False,
    unknown: Annotated[
        bool, typer.Option("--unknown", help="Only those of a type that nobody knows.")
    ] = False,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List what the marketplace's systems have told us, and what became of it, newest first."""
    from onboarding.commands import inbound as told

    if parked and unknown:
        raise typer.BadParameter("--parked or --unknown, not both")
    open_database()
    told.ls("parked" if parked else "unknown" if unknown else None, limit, as_json=as_json)


@inbound.command("show")
def show_inbound(
    event_id: Annotated[
        str, typer.Argument(metavar="ID", help="As `ls` shows it.", show_default=False)
    ],
    *,
    as_json: AsJson = False,
) -> None:
    """Show one of them, and what became of it."""
    from onboarding.commands import inbound as told

    open_database()
    told.show(event_id, as_json=as_json)


@inbound.command("retry")
def retry_inbound(
    event_id: Annotated[
        str | None,
        typer.Argument(metavar="[ID]", help="As `ls` shows it; else all.", show_default=False),
    ] = None,
    *,
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Offer again what is parked or unknown: one, or all of it."""
    from onboarding.commands import inbound as told

    told.retry(opened_keyring(), event_id, reason, as_json=as_json)


@inbound.command("dismiss")
def dismiss_inbound(
    event_id: Annotated[
        str, typer.Argument(metavar="ID", help="As `ls` shows it.", show_default=False)
    ],
    *,
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Have one that is parked or unknown wait no more: it never takes effect. There is no way back."""
    from onboarding.commands import inbound as told

    told.dismiss(opened_keyring(), event_id, reason, as_json=as_json)
