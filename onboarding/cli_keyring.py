"""The commands about the keyring: `keyring …`. As in `cli`, bodies import what they need."""
# ruff: noqa: PLC0415 - see above

from typing import Annotated, Literal

import typer

from onboarding.cli_options import AsJson, chosen_settings

keyring = typer.Typer(no_args_is_help=True, help="The keys that seal, hash and derive.")

Purpose = Literal["seal", "pepper", "derive"]


@keyring.command("ls")
def list_keys(*, as_json: AsJson = False) -> None:
    """List every key by its ID, and what still needs it; never the key."""
    from onboarding.commands import keyring as keys

    keys.ls(chosen_settings(), as_json=as_json)


@keyring.command("rotate")
def rotate(
    purpose: Annotated[Purpose, typer.Argument(metavar="PURPOSE", help="seal, pepper or derive.")],
    *,
    as_json: AsJson = False,
) -> None:
    """Make the next key; what was made under those before goes on.

    seal keys turn by themselves, unless ONBOARDING_SEAL_KEY_DAYS is 0; this makes a pair now.

    pepper: each client secret moves with its next use.

    derive ends one-time codes and links that are on their way.
    """
    from onboarding.commands import keyring as keys

    keys.rotate(chosen_settings(), purpose, as_json=as_json)


@keyring.command("retire")
def retire(*, as_json: AsJson = False) -> None:
    """Destroy every key that has a successor and that nothing needs any more.

    What was sealed with it can then be opened by nobody, in backups and copies as well.
    """
    from onboarding.commands import keyring as keys

    keys.retire(chosen_settings(), as_json=as_json)
