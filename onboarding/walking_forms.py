"""The forms of a page as a browser without JavaScript sees them: enough to fill in and submit one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser

# What a browser sends without being asked to.
_SENT = frozenset({"hidden", "text", "email", "search", "tel", "url", "number"})
_CHOSEN = frozenset({"radio", "checkbox"})


@dataclass(slots=True)
class Form:
    """Where a form goes, what it sends as it stands, and what may be chosen in it."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)
    # Of its buttons that have a name, the first: what Enter would press.
    button: tuple[str, str] | None = None

    def filled(self, **values: str) -> dict[str, str]:
        """What is sent once these values are entered, by pressing the first button."""
        pressed = dict([self.button]) if self.button else {}
        return self.fields | pressed | values


def forms(html: str) -> Sequence[Form]:
    """Every form of a page, in order."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.found


def leads_to(html: str) -> str | None:
    """Where a page leads on to by itself, if it does: the address of its refresh."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.leads_to


class _Reader(HTMLParser):
    """Keeps what stands between <form> and </form>, and where the page leads on to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []
        self.leads_to: str | None = None
        self._open: Form | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        held = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(held.get("action", ""), held.get("method", "get").lower())
            self.found.append(self._open)
        elif tag == "meta" and held.get("http-equiv", "").lower() == "refresh":
            self.leads_to = held.get("content", "").partition("url=")[2] or None
        elif self._open is not None and tag in {"input", "button"}:
            _take(self._open, tag, held)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None


def _take(form: Form, tag: str, held: dict[str, str]) -> None:
    name, value = held.get("name", ""), held.get("value", "")
    kind = held.get("type", "submit" if tag == "button" else "text")
    if not name:
        return
    if kind == "submit":
        form.button = form.button or (name, value)
    elif kind in _CHOSEN:
        form.choices.setdefault(name, []).append(value)
        form.fields |= {name: value} if "checked" in held else {}
    elif kind in _SENT:
        form.fields[name] = value
