"""`route` and `chart`: which door fits what a tool asks for, and what happens behind it."""

import sys
from collections.abc import Sequence

from onboarding import drawing, drawing_picture, routing
from onboarding.commands import printing
from onboarding.commands.exits import USAGE, Failure


def route(labels: Sequence[str], *, as_json: bool) -> None:
    """The verdict on the labels of a tool's fields."""
    found = routing.route(labels)
    if as_json:
        printing.line(
            {
                "verdict": found.verdict,
                "connection_type": found.connection_type,
                "credential_mode": found.credential_mode,
                "question": found.question,
                "why": found.why,
            }
        )
        return
    printing.text(_headline(found))
    printing.text(found.why)


def chart(form: str, reference: str | None) -> None:
    """The chart in one of its forms; with an onboarding, its state lit."""
    if form == "md":
        if reference is not None:
            raise Failure("The Markdown page lights no state.", "Use mermaid or svg.", USAGE)
        sys.stdout.write(drawing.markdown())
        return
    draw = {"mermaid": drawing.mermaid, "svg": drawing_picture.svg}[form]
    sys.stdout.write(draw(_state_of(reference) if reference else None))


def _headline(found: routing.Verdict) -> str:
    how = f", {found.credential_mode}" if found.credential_mode else ""
    match found.verdict:
        case "type":
            return f"Connection type: {found.connection_type}{how}."
        case "ask":
            return f"Ask first: {found.question}{how}."
        case "stop":
            return "Stop: this tool must not get these values."
    return "Unsupported: this is nothing that we issue."


def _state_of(reference: str) -> str:
    # The chart by itself needs no database.
    from onboarding import queries  # noqa: PLC0415
    from onboarding.db import reading  # noqa: PLC0415

    with reading() as session:
        return queries.by_reference(session, reference).state
