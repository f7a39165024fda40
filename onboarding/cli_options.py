"""Options and arguments that several commands take."""

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON lines, for programs.")]
Limit = Annotated[int, typer.Option(min=1, help="How many at most.")]
Reference = Annotated[
    str, typer.Argument(metavar="REF", help="A reference (ONB-…) or an ID.", show_default=False)
]
