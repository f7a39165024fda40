"""Brings the catalogues up to date: `python -m tools.messages [translated.po …]`.

Collects every message of the product, adds the new ones to each catalogue, drops the unused, and
takes over what the given .po files translate. Prints what still lacks a translation, and then
exits with 1.
"""

import ast
import sys
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import IO, Any

from babel.messages import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

from onboarding.words import CATALOGUES, LOCALES

ROOT = Path(__file__).parent.parent
TRANSLATED = LOCALES[1:]
_METHODS = [
    ("errors.py", "tools.messages:refusals"),
    ("web/refusals.py", "tools.messages:refusals"),
    ("call_refusals.py", "tools.messages:refusals"),
    ("**.py", "python"),
    ("**.html", "jinja2"),
    ("**.txt", "jinja2"),
]
_JINJA = {
    "newstyle_gettext": "true",
    "trim_blocks": "true",
    "lstrip_blocks": "true",
    "silent": "false",
}
# translate(locale, "message") carries its message second.
_KEYWORDS = {**DEFAULT_KEYWORDS, "translate": (2,)}

_HEADER = r"""msgid ""
msgstr ""
"Language: {locale}\n"
"Plural-Forms: {plural_forms}\n"
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=utf-8\n"
"Content-Transfer-Encoding: 8bit\n"

"""


def main(arguments: list[str]) -> int:
    """Updates every catalogue in place and reports what is untranslated."""
    missing = 0
    for locale in TRANSLATED:
        catalogue = update(read(locale), (_read(Path(name)) for name in arguments))
        write(locale, catalogue)
        untranslated = [
            message.id for message in catalogue if message.id and not translated(message)
        ]
        print(
            f"{locale}: {len(catalogue)} messages, {len(untranslated)} untranslated",
            file=sys.stderr,
        )
        print(*untranslated, sep="\n", end="\n" if untranslated else "")
        missing += len(untranslated)
    return int(missing > 0)


def update(catalogue: Catalog, others: Iterable[Catalog] = ()) -> Catalog:
    """The catalogue with exactly the product's messages; others fill in what they translate."""
    catalogue.update(collect(), no_fuzzy_matching=True, update_creation_date=False)
    catalogue.obsolete.clear()
    for other in others:
        for message in other:
            if message.id and message.id in catalogue and translated(message):
                catalogue[message.id].string = message.string
    return catalogue


def collect() -> Catalog:
    """Every message of the product, where it stands."""
    found = Catalog()
    options = {"**.html": _JINJA, "**.txt": _JINJA}
    directory = ROOT / "onboarding"
    for name, line, message, comments, context in extract_from_dir(
        directory, _METHODS, options, _KEYWORDS, ("NOTE:",), strip_comment_tags=True
    ):
        place = (f"onboarding/{Path(name).as_posix()}", line)
        found.add(message, None, [place], auto_comments=comments, context=context)
    return found


def refusals(
    source: IO[bytes], keywords: object, comment_tags: object, options: object
) -> Iterator[tuple[int, None, str, list[str]]]:
    """Babel's extractor where refusals are: a docstring is a sentence, and there is advice."""
    for node in ast.walk(ast.parse(source.read())):
        if isinstance(node, ast.ClassDef) and not _is_data(node):
            yield node.lineno, None, ast.get_docstring(node) or "", []
            yield from (
                (item.lineno, None, text, []) for item in node.body if (text := _advice(item))
            )


def read(locale: str) -> Catalog:
    """The catalogue of a language as it is on disk."""
    return _read(path(locale), locale)


def write(locale: str, catalogue: Catalog) -> None:
    """Puts a catalogue on disk, with a header that holds facts only: no dates, no addresses."""
    body = BytesIO()
    write_po(body, catalogue, width=100, omit_header=True, sort_by_file=True, include_lineno=False)
    header = _HEADER.format(locale=locale, plural_forms=catalogue.plural_forms)
    path(locale).write_bytes(header.encode() + body.getvalue())


def path(locale: str) -> Path:
    """Where the catalogue of a language is."""
    return CATALOGUES / locale / "LC_MESSAGES" / "onboarding.po"


def translated(message: Any) -> bool:
    """Whether every form of a message has its translation, and a person has looked at it."""
    forms = message.string if isinstance(message.string, tuple) else (message.string,)
    return all(forms) and not message.fuzzy


def _read(source: Path, locale: str | None = None) -> Catalog:
    with source.open("rb") as file:
        return read_po(file, locale=locale)


def _is_data(node: ast.ClassDef) -> bool:
    """A model describes a body; nobody is told what its docstring says."""
    return any(isinstance(base, ast.Name) and base.id == "BaseModel" for base in node.bases)


def _advice(item: ast.stmt) -> str:
    """The text of `advice = "…"` in a class body, with or without a type."""
    targets = item.targets if isinstance(item, ast.Assign) else [getattr(item, "target", None)]
    named = [t.id for t in targets if isinstance(t, ast.Name)]
    value = getattr(item, "value", None)
    return str(value.value) if named == ["advice"] and isinstance(value, ast.Constant) else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
