"""What people read, in their language: gettext for sentences, CLDR for dates and durations.

A message is its English sentence, so English needs no catalogue. Placeholders are `%(name)s`; a literal
per cent sign is `%%`. Catalogues are read from their .po files at first use: there is nothing to build.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Any, Final, Self

from babel import dates
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from jinja2 import (
    Environment,
    FileSystemLoader,
    StrictUndefined,
    nodes,
    pass_eval_context,
    select_autoescape,
)
from jinja2.visitor import NodeTransformer
from markupsafe import Markup

LOCALES = ("en", "fr")
LANGUAGES = {"en": "English", "fr": "Français"}
CATALOGUES = Path(__file__).parent / "locale"

# Days before months and 24 hours, as the sellers of one continent write them.
_CLDR = {"en": "en_GB", "fr": "fr_FR"}

# A unit is used from two of it on: 90 minutes must not become "2 hours", nor 36 hours "2 days".
_THRESHOLD = 2


def N_(message: str) -> str:  # noqa: N802  (gettext's own name)
    """Marks a sentence for the catalogues where it stands; it is translated where it is shown."""
    return message


def translate(locale: str, message: str, **values: object) -> str:
    """The sentence in that language, with its placeholders filled in."""
    return translations(locale).gettext(message) % values


# What to say of a value that is none of those that there are.
ONE_OF: Final = N_("Send one of: %(expected)s.")


class Said(str):
    """A sentence with its values, in English: `again` says the same in another language."""

    __slots__ = ("message", "values")

    message: str
    values: dict[str, object]

    def __new__(cls, message: str, **values: object) -> Self:
        said = super().__new__(cls, message % values)
        said.message, said.values = message, values
        return said


def again(locale: str, text: str) -> str:
    """The same in that language; a text that the catalogues do not have stays as it is."""
    if isinstance(text, Said):
        return translate(locale, text.message, **text.values)
    return translations(locale).gettext(text) if text else text


def translator(locale: str) -> Callable[..., str]:
    """`translate` for one language: name it `_`, so that its messages are found."""

    def _(message: str, **values: object) -> str:
        return translate(locale, message, **values)

    return _


def negotiate(accept_language: str | None) -> str:
    """The language that a browser asks for and we have, else English."""
    wanted = [_preference(part) for part in (accept_language or "").split(",")]
    ours = [(weight, language) for weight, language in wanted if weight > 0 and language in LOCALES]
    return max(ours, key=lambda one: one[0])[1] if ours else LOCALES[0]


def format_datetime(locale: str, when: datetime) -> str:
    """For instance "23 November 2026 at 14:05 UTC"."""
    hour = dates.format_time(when.astimezone(UTC), "short", locale=_CLDR[locale])
    day = format_date(locale, when)
    return translate(locale, "%(day)s at %(hour)s UTC", day=day, hour=hour)


def format_date(locale: str, when: datetime) -> str:
    """For instance "23 November 2026"."""
    day = dates.format_date(when.astimezone(UTC), "long", locale=_CLDR[locale])
    # French counts on from the first of a month, but does not count that; CLDR does.
    return f"1er{day[1:]}" if locale == "fr" and day.startswith("1 ") else day


def format_duration(locale: str, length: timedelta) -> str:
    """The length in one unit: "90 minutes", "24 hours", "3 days"."""
    return dates.format_timedelta(length, threshold=_THRESHOLD, locale=_CLDR[locale])


def environment(folder: Path, locale: str) -> Environment:
    """Templates of a folder that speak one language.

    They have `_`, `gettext`, `ngettext`, `{% trans %}`, `moment(when)` and the filters `datetime`,
    `date` and `duration`; an unknown name is an error, and .html is escaped.
    """
    made = _Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        autoescape=select_autoescape(("html",)),
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        # They come with the program: looking after each file for each page takes as long as a small page.
        auto_reload=False,
    )
    made.install_gettext_translations(translations(locale), newstyle=True)  # type: ignore[attr-defined]
    made.locale = locale
    made.globals["_"] = made.globals["gettext"] = _sentences(locale)
    made.globals["moment"] = lambda when: _moment(locale, when)
    made.filters["datetime"] = lambda when: format_datetime(locale, when)
    made.filters["date"] = lambda when: format_date(locale, when)
    made.filters["duration"] = lambda length: format_duration(locale, length)
    return made


class _Environment(Environment):
    """Templates of one language: a sentence without values is part of what is compiled, as in its own language."""

    locale: str

    def _generate(self, source: nodes.Template, *given: Any, **more: Any) -> str:
        return super()._generate(_Translated(self.locale).visit(source), *given, **more)


class _Translated(NodeTransformer):
    """Puts the sentence in the place of `_("…")`; of others it is not known yet which, or with what."""

    def __init__(self, locale: str) -> None:
        self._locale = locale

    def visit_Call(self, call: nodes.Call) -> nodes.Node:  # noqa: N802 - the visitor asks for it so
        match self.generic_visit(call):
            case nodes.Call(
                node=nodes.Name(name="_"), args=[nodes.Const(value=str(message))], kwargs=[]
            ):
                sentence = nodes.Const(translate(self._locale, message), lineno=call.lineno)
                return nodes.MarkSafeIfAutoescape(sentence, lineno=call.lineno)
            case other:
                return other


def _sentences(locale: str) -> Callable[..., str]:
    """`gettext` for templates: Jinja's own asks three functions more each time."""

    @cache
    def markup(message: str) -> Markup:
        return Markup(translations(locale).gettext(message))  # noqa: S704 - ours, from the catalogue

    @pass_eval_context
    def gettext(template: nodes.EvalContext, message: str, /, **values: object) -> str:
        if template.autoescape:
            return markup(message) % values
        return translate(locale, message, **values)

    return gettext


@cache
def translations(locale: str) -> NullTranslations:
    """The catalogue of a language. Raises FileNotFoundError for one that we do not have."""
    if locale == LOCALES[0]:
        return NullTranslations()
    with (CATALOGUES / locale / "LC_MESSAGES" / "onboarding.po").open("rb") as source:
        catalogue = read_po(source, locale=locale)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return GNUTranslations(compiled)


def _preference(part: str) -> tuple[float, str]:
    """The weight and the language of one part of Accept-Language; nonsense weighs nothing."""
    tag, _, parameter = part.strip().partition(";")
    language = tag.strip().lower().partition("-")[0]
    try:
        return float(parameter.strip().removeprefix("q=") or 1), language
    except ValueError:
        return 0.0, language


def _moment(locale: str, when: datetime) -> Markup:
    """An instant that the page's script shows in the reader's own time zone."""
    stamp = when.astimezone(UTC).isoformat(timespec="seconds")
    return Markup('<time datetime="{}">{}</time>').format(stamp, format_datetime(locale, when))
