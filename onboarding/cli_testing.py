"""The commands that tell why credentials do not work. As in `cli`, bodies import what they need."""
# ruff: noqa: PLC0415 - see above

from typing import Annotated

import typer

from onboarding.cli_options import AsJson, chosen_settings


def credentials(
    *,
    client_id: Annotated[str, typer.Option(help="The client ID.")],
    seller_id: Annotated[
        str | None, typer.Option(help="The seller that the credentials are to act for.")
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="The system to ask; else this one, and who gives its tokens."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Try a client ID and its secret, and say what is wrong and what to do.

    The secret is asked for, or read from stdin; no option takes it, as others would read it there:
    onboarding test-credentials --client-id cid_… < secret.txt
    """
    from onboarding.commands import testing

    testing.credentials(chosen_settings(), url, client_id, seller_id, as_json=as_json)


def explain_error(context: typer.Context, *, as_json: AsJson = False) -> None:
    """Say what an error means that a program has shown: paste it, or send its file to stdin."""
    from onboarding.commands import testing

    testing.explain(context.args, as_json=as_json)
