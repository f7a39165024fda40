"""The commands about what other systems are told: `webhook …`. As in `cli`, bodies import what they need."""
# ruff: noqa: PLC0415 - see above

from datetime import datetime
from typing import Annotated, Literal

import typer

from onboarding.cli_options import AsJson, Limit, Reason, ReasonIfAny, open_database, opened_keyring

webhook = typer.Typer(no_args_is_help=True, help="What other systems are told, and where.")

Id = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help="Its ID as `ls` shows it, the beginning of that, its URL, the host in it, or its"
        " description.",
        show_default=False,
    ),
]
Types = Annotated[
    list[str] | None,
    typer.Option("--type", help="Only events of this type; give it once for each."),
]


@webhook.command("ls")
def list_webhooks(*, as_json: AsJson = False) -> None:
    """List every system's endpoints, and how they stand."""
    from onboarding.commands import webhooks

    open_database()
    webhooks.ls(as_json=as_json)


@webhook.command("add")
def add_webhook(
    url: Annotated[str, typer.Argument(metavar="URL", show_default=False)],
    *,
    system: Annotated[
        str, typer.Option(metavar="SYSTEM", help="Its name or ID, as `keys ls` shows it.")
    ],
    types: Types = None,
    description: Annotated[str, typer.Option(help="For whoever looks next.")] = "",
    signature: Annotated[
        Literal["ed25519", "hmac"], typer.Option(metavar="KIND", help="ed25519 or hmac.")
    ] = "ed25519",
    reason: ReasonIfAny = "",
    as_json: AsJson = False,
) -> None:
    """Have a system's events sent to an endpoint, from now on; prints what they are signed by."""
    from onboarding.commands import webhooks

    said = {"url": url, "types": types or [], "description": description, "signature": signature}
    webhooks.add(opened_keyring(), system, said, reason, as_json=as_json)


@webhook.command("rm")
def remove_webhook(webhook_id: Id, *, reason: ReasonIfAny = "", as_json: AsJson = False) -> None:
    """Send nothing to an endpoint any more, and forget what was sent."""
    from onboarding.commands import webhooks

    webhooks.rm(opened_keyring(), webhook_id, reason, as_json=as_json)


@webhook.command("deliveries")
def list_deliveries(
    webhook_id: Id,
    *,
    failed: Annotated[
        bool, typer.Option("--failed", help="Only those that failed for good.")
    ] = False,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List what was sent to an endpoint, and what came of it, newest first."""
    from onboarding.commands import webhooks

    open_database()
    webhooks.sent(webhook_id, limit, failed=failed, as_json=as_json)


@webhook.command("redeliver")
def redeliver(
    webhook_id: Id,
    *,
    delivery: Annotated[
        str | None, typer.Option(metavar="ID", help="One, as `deliveries` shows it.")
    ] = None,
    since: Annotated[
        datetime | None, typer.Option(help="All that was noted down since then, in UTC.")
    ] = None,
    until: Annotated[datetime | None, typer.Option(help="And before that.")] = None,
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Send again what failed for good, one delivery, or all of a time."""
    from onboarding.commands import webhooks

    said = {"delivery": delivery, "since": since, "until": until}
    query = {name: str(value) for name, value in said.items() if value}
    webhooks.redeliver(opened_keyring(), webhook_id, query, reason, as_json=as_json)


@webhook.command("enable")
def enable(webhook_id: Id, *, reason: Reason, as_json: AsJson = False) -> None:
    """Send to an endpoint again that was disabled, from where it was."""
    from onboarding.commands import webhooks

    webhooks.enable(opened_keyring(), webhook_id, reason, as_json=as_json)


@webhook.command("listen")
def listen(
    *,
    key: Annotated[str, typer.Option(help="An API key with onboardings:read, - for stdin.")],
    url: Annotated[
        str | None, typer.Option(help="Where the system runs; else as the settings say.")
    ] = None,
    types: Types = None,
    after: Annotated[str, typer.Option(help="A cursor of /v1/events; else from now on.")] = "now",
    forward_to: Annotated[
        str | None, typer.Option(metavar="URL", help="Post each to this machine, signed.")
    ] = None,
    signature: Annotated[
        Literal["ed25519", "hmac"], typer.Option(metavar="KIND", help="ed25519 or hmac.")
    ] = "ed25519",
    once: Annotated[bool, typer.Option("--once", help="End where the log ends.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show events as they happen, where no webhook arrives: it asks, and needs no tunnel.

    Each is signed as a delivery is, and verified. The key is printed first.
    """
    from onboarding.commands import listening

    wanted = listening.Wanted(url, key, types or [], after, forward_to, signature)
    listening.listen(wanted, once=once, as_json=as_json)
