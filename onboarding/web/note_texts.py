"""What is written in a note, as HTML: a small part of Markdown, and nothing that acts or loads.

Paragraphs, line breaks, lists, code, emphasis, and links to the web; a picture is a link. What else
Markdown knows, HTML included, stays the text that it is. A terminal and a program get what was typed.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup

# Beside paragraphs and text, which always are.
_UNDERSTOOD: Final = (
    "autolink",
    "backticks",
    "balance_pairs",
    "emphasis",
    "escape",
    "fence",
    "fragments_join",
    "link",
    "list",
    "newline",
    "text_join",
)
_WEB: Final = re.compile(r"https?://[^/]", re.IGNORECASE)


def html(text: str) -> Markup:
    """Safe to stand in a page, whoever wrote it."""
    return Markup(_markdown().render(text))  # noqa: S704 - it escapes all that it does not make


@cache
def _markdown() -> MarkdownIt:
    made = MarkdownIt("zero", {"html": False, "breaks": True}).enable(_UNDERSTOOD)
    made.validateLink = _leads_to_the_web  # type: ignore[method-assign]
    made.add_render_rule("link_open", _link)
    made.add_render_rule("fence", _code)
    return made


def _leads_to_the_web(url: str) -> bool:
    return bool(_WEB.match(url))


def _link(
    renderer: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, _env: EnvType
) -> str:
    """It tells nobody where it was followed, and vouches for nothing."""
    attributes: dict[str, Any] = {"href": tokens[at].attrs["href"], "rel": "noreferrer nofollow"}
    tokens[at].attrs = attributes
    return renderer.renderToken(tokens, at, options, _env)


def _code(
    renderer: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, _env: EnvType
) -> str:
    """Whatever language it says it is in."""
    return renderer.code_block(tokens, at, options, _env)
