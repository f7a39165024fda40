"""The commands about others: `aggregators …` and `keys …`. As in `cli`, bodies import what they need."""
# ruff: noqa: PLC0415 - see above

from typing import Annotated, Literal, get_args

import typer

from onboarding.cli_options import AsJson, ReasonIfAny, open_database, opened_keyring

aggregators = typer.Typer(no_args_is_help=True, help="The registry of aggregators.")
keys = typer.Typer(no_args_is_help=True, help="The API keys of calling systems.")

Status = Literal["registered", "suspended", "unregistered"]
AsksFor = Literal["delegated", "full"]
Name = Annotated[str, typer.Argument(metavar="NAME", show_default=False)]
Key = Annotated[
    str,
    typer.Argument(
        metavar="KEY",
        help="Its ID as `ls` shows it, the beginning of that, its name, or its last six characters.",
        show_default=False,
    ),
]


@aggregators.command("ls")
def list_aggregators(*, as_json: AsJson = False) -> None:
    """List every aggregator, by name."""
    from onboarding.commands import aggregators as registry

    open_database()
    registry.ls(as_json=as_json)


@aggregators.command("set")
def set_aggregator(
    name: Name,
    *,
    status: Annotated[
        Status | None,
        typer.Option(metavar="STATUS", help=f"One of {', '.join(get_args(Status))}."),
    ] = None,
    uses_rest: Annotated[
        bool | None, typer.Option("--rest/--soap", help="Which API it uses.")
    ] = None,
    asks_for: Annotated[
        AsksFor | None,
        typer.Option(metavar="MODE", help="delegated: the Seller ID; full: all three values."),
    ] = None,
    reason: ReasonIfAny = "",
    as_json: AsJson = False,
) -> None:
    """Add or change an aggregator; what is not given stays as it is.

    A new one is registered, on REST, and asks for the Seller ID only.
    """
    from onboarding.commands import aggregators as registry

    ring = opened_keyring()
    registry.change(ring, name, status, asks_for, reason, uses_rest=uses_rest, as_json=as_json)


@keys.command("create")
def create_key(
    name: Name,
    *,
    scopes: Annotated[
        list[str],
        typer.Option(
            "--scope",
            help="What it may do: onboardings:read, onboardings:write, secrets:reveal,"
            " contacts:vouch, aggregators:write, operations:read, audit:read, webhooks:write,"
            " tokens:introspect. Give it once for each.",
            show_default=False,
        ),
    ],
    system: Annotated[
        str | None,
        typer.Option(
            metavar="SYSTEM",
            help="The name or ID of the system that it is for. By default a new one.",
            show_default=False,
        ),
    ] = None,
    reason: ReasonIfAny = "",
    as_json: AsJson = False,
) -> None:
    """Make a key and print it, for the only time.

    All keys of a system see the same onboardings.
    """
    from onboarding.commands import keys as api_keys

    api_keys.create(opened_keyring(), name, scopes, system, reason, as_json=as_json)


@keys.command("ls")
def list_keys(*, as_json: AsJson = False) -> None:
    """List every key, newest first, without its text."""
    from onboarding.commands import keys as api_keys

    open_database()
    api_keys.ls(as_json=as_json)


@keys.command("rotate")
def rotate_key(
    key_id: Key,
    *,
    overlap: Annotated[
        str, typer.Option(metavar="TIME", help="How long the old one goes on working.")
    ] = "24h",
    reason: ReasonIfAny = "",
    as_json: AsJson = False,
) -> None:
    """Make a key that takes another's place, and print it, for the only time."""
    from onboarding.commands import keys as api_keys

    api_keys.rotate(opened_keyring(), key_id, overlap, reason, as_json=as_json)


@keys.command("revoke")
def revoke_key(
    key_id: Key,
    *,
    reason: ReasonIfAny = "",
    as_json: AsJson = False,
) -> None:
    """End a key at once."""
    from onboarding.commands import keys as api_keys

    api_keys.revoke(opened_keyring(), key_id, reason, as_json=as_json)
