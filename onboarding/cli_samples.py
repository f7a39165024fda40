"""The command that fills a sandbox with samples. As in `cli`, its body imports what it needs."""
# ruff: noqa: PLC0415 - see above

from typing import Annotated

import typer

from onboarding.cli_options import AsJson, with_publisher


def demo(
    context: typer.Context,
    *,
    population: Annotated[
        int, typer.Option(metavar="N", help="How many onboardings to add.", min=1)
    ] = 200,
    seed: Annotated[int, typer.Option(help="Another one gives another picture.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Add sample onboardings to a sandbox, for operators to look at.

    Every state, several causes, one outage. Refused where sellers are real.

    Ctrl-C ends it; what was added by then is whole.
    """
    from onboarding.commands import samples
    from onboarding.settings import settings

    ring = samples.prepare(settings())
    with with_publisher(context):
        samples.add(settings(), ring, population, seed, as_json=as_json)
