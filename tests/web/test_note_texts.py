"""Notes in the console: a small part of Markdown is set off, and nothing that somebody writes acts or loads."""

import pytest
from bs4 import BeautifulSoup, Tag
from fastapi import FastAPI
from sqlalchemy import Engine, select

from onboarding import audit
from onboarding.db import reading
from onboarding.models import Note
from onboarding.sealing import Keyring
from onboarding.web import note_texts
from tests import builders
from tests.web.operating import a_quiet_site, at_console, home
from tests.web.test_console import act
from tests.web.visiting import soup, text

MADE = {"p", "br", "ul", "ol", "li", "code", "pre", "em", "strong", "a"}
TYPED = """They call **us** back, *today*:

- see [the ticket](https://tickets.example/442?a=1&b=2)
- or <https://tickets.example/443>
  1. with `<b>` in it

```sh
echo '<script>'
```
the last line
and one more"""
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "![a picture](https://x.example/pixel.gif)",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](data:text/html,<script>alert(1)</script>)",
    "[x](data:image/png;base64,AAAA)",
    "[x](//evil.example/)",
    "[x](/en/console/sign-out)",
    "[x](file:///etc/passwd)",
    "[x](mailto:a@b.example)",
    "<javascript:alert(1)>",
    "<mailto:a@b.example>",
    "https://plain.example/ is text",
    "[x][1]\n\n[1]: javascript:alert(1)",
    "a | b\n--|--\n1 | 2",
    "# no heading\n\n> no quotation\n\n---",
    "```onmouseover=alert(1)\n</code><script>alert(1)</script>\n```",
    "**[x](<javascript:alert(1)>)**",
    '`"><script>alert(1)</script>`',
    "> " * 200 + "deep",
    "- " * 200 + "deep",
    "[" * 5000 + "x" + "](https://x.example)" * 50,
    "*_" * 5000,
    "\x00<b>\ufeff\u202e",
]


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_quiet_site(ring)


def made(typed: str) -> BeautifulSoup:
    return BeautifulSoup(note_texts.html(typed), "html.parser")


def noted(app: FastAPI, typed: str) -> tuple[Tag, str]:
    """The note on the page of an onboarding, and the page's policy."""
    onboarding_id = builders.an_onboarding("started")
    visitor = at_console(app, "operator")
    assert act(visitor, onboarding_id, "note", typed).status_code == 303
    page = visitor.get(home(onboarding_id))
    note = soup(page).select_one(".timeline .note")
    assert note is not None
    return note, page.headers["content-security-policy"]


def test_what_is_understood_is_set_off(app: FastAPI) -> None:
    note, _ = noted(app, TYPED.replace("\n", "\r\n"))
    assert [each.name for each in note.find_all(True)] == [
        *("p", "strong", "em"),
        *("ul", "li", "a", "li", "a", "ol", "li", "code"),
        *("pre", "code", "p", "br"),
    ]
    links = [(each["href"], each["rel"], each.text) for each in note.select("a")]
    safe = ["noreferrer", "nofollow"]
    assert links == [
        ("https://tickets.example/442?a=1&b=2", safe, "the ticket"),
        ("https://tickets.example/443", safe, "https://tickets.example/443"),
    ]
    assert [each.text for each in note.select("code")] == ["<b>", "echo '<script>'\n"]


def test_it_is_kept_as_it_was_typed_and_the_trail_has_it_in_a_line(app: FastAPI) -> None:
    noted(app, TYPED.replace("\n", "\r\n"))
    with reading() as session:
        assert session.scalars(select(Note.text)).one() == TYPED
        (entry,) = audit.latest(session, 1)
    assert entry.reason == " ".join(TYPED.split())


@pytest.mark.parametrize("typed", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_notes_stay_text(typed: str) -> None:
    for each in made(typed).find_all(True):
        assert each.name in MADE
        assert set(each.attrs) <= ({"href", "rel"} if each.name == "a" else set())
        if each.name == "a":
            assert str(each["href"]).startswith("https://x.example")


@pytest.mark.parametrize("typed", [each for each in HOSTILE if 3 <= len(each) < 300][:10])
def test_a_page_with_a_hostile_note_is_as_strict_as_any(app: FastAPI, typed: str) -> None:
    """T21."""
    note, policy = noted(app, typed)
    assert {each.name for each in note.find_all(True)} <= MADE
    assert "script-src 'self'; style-src 'self'" in policy
    assert "unsafe" not in policy


def test_a_title_and_a_language_are_left_out() -> None:
    assert made('[x](https://x.example "onclick=1")').a == made("[x](https://x.example)").a
    assert made("```sh\nx\n```").find_all(True)[1].attrs == {}


@pytest.mark.parametrize("typed", ["x" * 501, "x\n" * 300, "\n \r\n", "a\n\x07b"])
def test_what_is_no_note_is_given_back(app: FastAPI, typed: str) -> None:
    onboarding_id = builders.an_onboarding("started")
    answer = act(at_console(app, "operator"), onboarding_id, "note", typed)
    assert answer.status_code == 422
    assert "3 to 500 characters" in text(answer)
    with reading() as session:
        assert session.scalars(select(Note)).all() == []


def test_the_form_says_what_is_understood(app: FastAPI) -> None:
    onboarding_id = builders.an_onboarding("started")
    visitor = at_console(app, "operator", "fr")
    page = visitor.get(f"{home(onboarding_id).replace('/en/', '/fr/')}/note")
    assert "<https://…>" in text(page)
    assert soup(page).select_one("textarea[name=reason]") is not None
