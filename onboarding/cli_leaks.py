"""The command that finds secrets where they should not be. As in `cli`, bodies import what they need."""
# ruff: noqa: PLC0415 - see above

from typing import Annotated

import typer

from onboarding.cli_options import AsJson, chosen_settings


def scan(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH…", help="Files and folders; - is stdin.", show_default=False),
    ],
    *,
    prefix: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PREFIX",
            help="Of client secrets, also one of before; else the prefix of the settings.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find our client secrets and API keys in files, by prefix and checksum.

    It prints where they are and their last six characters, never more.

    Exit code 5: there is one. 1: there is none, and something cannot be read.

    What git has kept: git log -p --all | onboarding scan -
    """
    from onboarding.commands import scanning

    scanning.scan(paths, prefix or [chosen_settings().secret_prefix], as_json=as_json)
