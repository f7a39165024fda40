"""The pages of the sandbox Seller Portal, in English and French, without a script."""

from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from fastapi.responses import HTMLResponse
from jinja2 import Environment

from onboarding import words

_TEMPLATES: Final = Path(__file__).parent / "templates"
STYLE: Final = (_TEMPLATES / "sandbox.css").read_text(encoding="utf-8")


def page(name: str, locale: str, status: int = 200, **facts: Any) -> HTMLResponse:
    """One of the templates, in this language."""
    template = _environment(locale).get_template(f"sandbox_{name}.html")
    return HTMLResponse(template.render(facts, locale=locale), status)


def page_headers(redirect_uris: Collection[str]) -> dict[str, str]:
    """For every answer to a browser: nothing is stored, framed or loaded from elsewhere."""
    # A browser holds the redirect that follows a form against form-action too.
    origins = sorted({"{0.scheme}://{0.netloc}".format(urlsplit(uri)) for uri in redirect_uris})
    return {
        "Cache-Control": "no-store",
        "Content-Security-Policy": (
            "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none';"
            f" frame-ancestors 'none'; form-action 'self' {' '.join(origins)}"
        ),
        # Not no-referrer: with that, a browser hides the origin of our own form from us.
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
    }


def best_locale(wanted: str, accept_language: str | None) -> str:
    """The first language of ours in `ui_locales`, else the one that the browser prefers."""
    languages = [tag.partition("-")[0].lower() for tag in wanted.split()]
    ours = [language for language in languages if language in words.LOCALES]
    return ours[0] if ours else words.negotiate(accept_language)


@cache
def _environment(locale: str) -> Environment:
    return words.environment(_TEMPLATES, locale)
