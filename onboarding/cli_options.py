"""What several commands share: options, arguments, and the open database."""

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON lines, for programs.")]
Limit = Annotated[int, typer.Option(min=1, help="How many at most.")]
Reference = Annotated[
    str, typer.Argument(metavar="REF", help="A reference (ONB-…) or an ID.", show_default=False)
]

Reason = Annotated[str, typer.Option(help="Why. It is kept.", show_default=False)]


def open_database() -> None:
    """Open logs and the database that the settings name. Raises Failure."""
    # Its libraries take longer to load than some commands to run.
    from onboarding.commands import opening  # noqa: PLC0415
    from onboarding.settings import settings  # noqa: PLC0415

    opening.open_database(settings())
