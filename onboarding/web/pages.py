"""Pages for people: one template, one language, never stored by a cache.

Addresses start with the language, /en/… or /fr/…; elsewhere the browser's preference decides.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from jinja2 import Environment
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from onboarding import scanning, words
from onboarding.errors import (
    NoRole,
    NotEligible,
    NotFound,
    Refusal,
    SignInNeeded,
    TooMany,
    Unavailable,
)
from onboarding.settings import settings
from onboarding.web.assets import static_url
from onboarding.web.refusals import Crashed, MethodNotAllowed
from onboarding.words import LANGUAGES, LOCALES, N_

TEMPLATES = Path(__file__).parent / "templates"

_HEADINGS = {
    401: N_("Sign in first"),
    403: N_("You cannot do this"),
    404: N_("Page not found"),
    409: N_("This has moved on"),
    429: N_("Too many attempts"),
    503: N_("Something does not answer"),
}
_OTHER_HEADING = N_("This did not work")
# The lists of the console, and how many parts of an address name one thing of each.
_LISTED = {"onboardings": 1, "causes": 2, "bulk": 1, "webhooks": 1, "inbound": 1}
# As one stands in a text, and what it becomes there.
_REFERENCE = re.compile(r"ONB-[0-9A-Z]{5}-[0-9A-Z]{5}")
_A_REFERENCE = r'<span class="reference" translate="no">\g<0></span>'


def page(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """A template as a response, in the language of the request.

    `errors` maps a field's name to what is wrong with it ("" for the page as a whole), `typed` holds
    what the person entered; base.html says what else a page may pass.
    """
    locale = locale_of(request)
    frame = {**_FRAME, "languages": _languages(request, locale), **context}
    frame["typed"] = _lists(frame["typed"])
    html = environment(locale).get_template(template).render(frame)
    return HTMLResponse(html, status, {"Cache-Control": "no-store", "Content-Language": locale})


def refusal(
    request: Request, error: Refusal, button: str | None = None, href: str | None = None
) -> HTMLResponse:
    """The page that says no and what to do next; its one button leads to `href` or to the start.

    Where something did not answer, the button asks again.
    """
    _ = translator_of(request)
    if isinstance(error, SignInNeeded | NoRole):
        button, href = _("Sign in"), path_for(request, "/console/sign-in")
    elif isinstance(error, Unavailable):
        button, href = button or _("Try again"), href or _open_page(request)
    elif _is_of_operators(request):
        button, href = button or _("Go back"), href or _above(request, error)
    elif isinstance(error, NotFound) and _is_of_an_onboarding(request):
        button, href = (
            button or _("Your API connections"),
            href or path_for(request, "/connections"),
        )
    response = page(
        request,
        "error.html",
        error.status,
        heading=_(_HEADINGS.get(error.status, _OTHER_HEADING)),
        sentence=_(error.why) if isinstance(error, NotEligible) else _(error.sentence),
        advice=_(_advice(request, error)),
        instance=error.instance if isinstance(error, Crashed) else "",
        button_text=button or _("Go to the start page"),
        button_href=href or path_for(request, "/"),
    )
    if isinstance(error, TooMany | Unavailable):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _advice(request: Request, error: Refusal) -> str:
    """Operators have no e-mail of ours that would lead them anywhere."""
    if isinstance(error, NotFound) and _is_of_operators(request):
        return N_("Search for it from the overview; what was archived is here no more.")
    if isinstance(error, NotFound) and _is_of_an_onboarding(request):
        return N_(
            "Did you begin one elsewhere? Open the link in our latest e-mail, or sign in to the"
            " seller account that it is linked to."
        )
    return error.advice


def locale_of(request: Request) -> str:
    """The language of a request: the first part of its path, else what the browser prefers."""
    first = request.scope["path"].split("/")[1]
    return first if first in LOCALES else words.negotiate(request.headers.get("accept-language"))


def translator_of(request: Request) -> Callable[..., str]:
    """What a handler names `_`, so that the sentences which it says are found and translated."""
    return words.translator(locale_of(request))


def path_for(request: Request, path: str) -> str:
    """A path of ours in the language of the request: "/link" becomes "/fr/link"."""
    return f"/{locale_of(request)}{path}"


@cache
def environment(locale: str) -> Environment:
    """The templates of the pages in one language."""
    made = words.environment(TEMPLATES, locale)
    made.globals |= {
        "locale": locale,
        "path_for": lambda path: f"/{locale}{path}",
        "static_url": static_url,
        "marketplace": settings().marketplace_name,
        "support_contact": settings().support_contact,
        "seller_portal_url": settings().seller_portal_url,
        "documentation_url": settings().documentation_url,
        "sandbox": settings().sandbox,
    }
    made.filters["references"] = _in_one_piece
    made.tests["secret"] = is_secret
    # Once for all pages: to import it in each took a tenth of what a page takes.
    made.globals["ui"] = made.get_template("macros.html").module
    return made


def is_secret(typed: str) -> bool:
    """Whether one of our secrets was typed, whole or cut off: in the wrong field, it is not shown again."""
    return scanning.mentions(typed, _secrets(settings().secret_prefix))


def _in_one_piece(text: str) -> Markup:
    """A line ends before a reference, not within it."""
    return Markup(_REFERENCE.sub(_A_REFERENCE, str(escape(text))))  # noqa: S704 - escaped


@cache
def _secrets(prefix: str) -> Sequence[scanning.Shape]:
    """Asked for each field of a page."""
    return scanning.shapes([prefix])


# What base.html and the macros may ask for on every page.
_FRAME: Mapping[str, Any] = {
    "errors": {},
    "typed": {},
    "step": None,
    "back": None,
    "reference": None,
    "cancel": None,
    "leads_home": True,
    "notice": None,
}


def _languages(request: Request, locale: str) -> list[dict[str, str | bool]]:
    """This page in each language; from an address without a language, the start page."""
    _root, first, *rest = request.scope["path"].split("/")
    same = quote("/".join(rest)) + (f"?{request.url.query}" if request.url.query else "")
    tail = same if first in LOCALES else ""
    return [
        {"code": code, "name": name, "here": code == locale, "href": f"/{code}/{tail}"}
        for code, name in LANGUAGES.items()
    ]


def _lists(typed: Mapping[str, Any]) -> dict[str, list[str]]:
    """What was typed, by field, each a list: a form may send a name more than once."""
    lists: dict[str, list[str]] = {}
    for name, value in typed.items():
        several = value if isinstance(value, (list, tuple)) else [value]
        lists.setdefault(name, []).extend(str(one) for one in several if one is not None)
    return lists


def _is_of_operators(request: Request) -> bool:
    """Whether it is some page within the console."""
    path: str = request.scope["path"]
    return path.startswith(f"/{locale_of(request)}/console/")


def _is_of_an_onboarding(request: Request) -> bool:
    """Whether the address may be that of somebody whose browser has forgotten who they are."""
    path: str = request.scope["path"]
    return path.startswith(f"/{locale_of(request)}/onboardings/")


def _above(request: Request, error: Refusal) -> str:
    """Where operators go back to: from an action to what it was about, else to the list.

    Whoever asks for what is not there, or only takes forms, may have made up all of the address.
    """
    section, *thing = [part for part in request.scope["path"].split("/")[3:] if part] or [""]
    if section not in _LISTED or not thing:
        return path_for(request, "/console")
    parts = _LISTED[section]
    is_there = len(thing) > parts and not isinstance(error, NotFound | MethodNotAllowed)
    return path_for(request, "/".join(["/console", section, *(thing[:parts] if is_there else ())]))


def _open_page(request: Request) -> str:
    """The address of the page that the person had open: this one, or the one whose form was sent."""
    sent = request.method == "POST"
    url = urlsplit(request.headers.get("referer", "") if sent else str(request.url))
    # Whatever was asked for, it is a path of ours: two slashes would begin another site's address, and
    # to a browser a backslash is one.
    path = "/" + url.path.lstrip("/\\")
    return f"{path}?{url.query}" if url.query else path
