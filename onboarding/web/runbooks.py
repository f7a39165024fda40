"""What an alert or a cause means and what to do about it, served by the program that it is about.

Alerts come when other things are away, so these pages need neither a database nor anybody else.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from markdown_it import MarkdownIt
from markupsafe import Markup
from starlette.responses import Response

from onboarding.errors import NotFound
from onboarding.web import pages

router = APIRouter(include_in_schema=False)

PATH: Final = "/help/runbooks"
FOLDER: Final = Path(__file__).parents[1] / "help" / "runbooks"


def of_cause(code: str) -> str:
    """The address of the runbook of a cause."""
    return f"{PATH}/{code.replace('_', '-')}"


@router.get(PATH)
def index(request: Request) -> Response:
    """Every runbook by its heading."""
    body = _html("\n".join(_entries()))
    return pages.page(request, "help/runbook.html", title="Runbooks", body=body)


@router.get(f"{PATH}/{{name}}")
def runbook(request: Request, name: str) -> Response:
    """One of them. Raises NotFound."""
    text = _texts().get(name)
    if text is None:
        raise NotFound
    title, _, rest = text.partition("\n")
    return pages.page(
        request, "help/runbook.html", title=_plain(title), body=_html(rest), back=PATH
    )


def _entries() -> Iterator[str]:
    for name, text in sorted(_texts().items()):
        yield f"- [{_plain(text.partition(chr(10))[0])}]({PATH}/{name})"


def _texts() -> dict[str, str]:
    """Read anew each time: hardly anybody asks, and no name from outside becomes part of a path."""
    return {path.stem: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}


def _plain(heading: str) -> str:
    return heading.removeprefix("# ")


def _html(text: str) -> Markup:
    """HTML inside Markdown stays text."""
    return Markup(MarkdownIt("commonmark", {"html": False}).render(text))  # noqa: S704 - our own
