"""A page of somebody else's to look at: it shows all that they see, and nothing on it does anything.

It is made of the finished page, so that whatever a template holds, now or later, is inert too.
"""

from collections.abc import Sequence
from html import escape
from html.parser import HTMLParser
from typing import Final

from starlette.responses import HTMLResponse

# Nothing runs, nothing is sent, whatever has been overlooked.
POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'none';"
    " frame-ancestors 'none'; base-uri 'none'"
)
_CONTROLS: Final = frozenset({"button", "input", "select", "textarea"})
# What would act by itself, or lead where a form would.
_DROPPED: Final = frozenset({"script", "base", "iframe", "object", "embed"})
_ACTS: Final = frozenset({"action", "formaction", "formmethod", "form", "ping", "download"})
_WITHOUT_END: Final = frozenset({"base", "embed"})

_Attributes = Sequence[tuple[str, str | None]]


def page(html: str, status: int, *, head: str, banner: str) -> HTMLResponse:
    """The page without its effects; `head` and `banner` are markup of ours that says what this is."""
    reader = _Inert(head, banner)
    reader.feed(html)
    reader.close()
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": POLICY}
    return HTMLResponse("".join(reader.kept), status, headers)


class _Inert(HTMLParser):
    """Copies a page, and leaves out what acts."""

    def __init__(self, head: str, banner: str) -> None:
        super().__init__(convert_charrefs=False)
        self.kept: list[str] = []
        self._head, self._banner = head, banner
        self._within_dropped = 0

    def handle_starttag(self, tag: str, attrs: _Attributes) -> None:
        if tag in _DROPPED or _refreshes(tag, attrs):
            self._within_dropped += tag in _DROPPED - _WITHOUT_END
            return
        if tag == "header":
            # Behind the link that skips to the content: it has to come first.
            self._keep(self._banner)
        self._keep(_start(tag, attrs) or self.get_starttag_text() or "")

    def handle_startendtag(self, tag: str, attrs: _Attributes) -> None:
        if tag not in _DROPPED and not _refreshes(tag, attrs):
            self._keep(_start(tag, attrs) or self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        if tag in _DROPPED:
            self._within_dropped -= 1
            return
        if tag == "head":
            self._keep(self._head)
        self._keep("</div>" if tag == "form" else f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self._keep(data)

    def handle_entityref(self, name: str) -> None:
        self._keep(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._keep(f"&#{name};")

    def handle_decl(self, decl: str) -> None:
        self._keep(f"<!{decl}>")

    def _keep(self, markup: str) -> None:
        if not self._within_dropped:
            self.kept.append(markup)


def _start(tag: str, attrs: _Attributes) -> str | None:
    """The tag as it may stand here; None: as it is."""
    if tag == "form":
        return '<div class="inert">'
    if tag in _CONTROLS:
        kept = [(name, value) for name, value in attrs if name not in _ACTS | {"disabled"}]
        return _written(tag, [*kept, ("disabled", None)])
    if tag in {"a", "area"}:
        kept = [(name, value) for name, value in attrs if name not in _ACTS]
        return _written(tag, [(n, v) for n, v in kept if n != "href" or (v or "").startswith("#")])
    return None


def _refreshes(tag: str, attrs: _Attributes) -> bool:
    return tag == "meta" and any(name == "http-equiv" for name, _ in attrs)


def _written(tag: str, attrs: _Attributes) -> str:
    said = "".join(
        f" {name}" if value is None else f' {name}="{escape(value)}"' for name, value in attrs
    )
    return f"<{tag}{said}>"
