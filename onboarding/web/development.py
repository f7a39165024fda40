"""The e-mails of a program without a mail server, to be read in a browser.

They hold codes and links that open onboardings, so they are shown on the machine itself and to
nobody else.
"""

from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from onboarding import mail
from onboarding.errors import NotFound
from onboarding.settings import Settings
from onboarding.web import pages

router = APIRouter(include_in_schema=False)

PATH: Final = "/development/mail"
# A letter brings its own styles and nothing else. Its links leave it as any page's do.
LETTER_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'none';"
    " frame-ancestors 'none'; base-uri 'none'"
)
_THIS_MACHINE: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@router.get(PATH)
def letters(request: Request) -> Response:
    """Every e-mail, newest first."""
    stored = mail.stored(_settings(request))
    return pages.page(request, "development/letters.html", letters=stored, path=PATH)


@router.get(f"{PATH}/{{name}}")
def letter(request: Request, name: str) -> Response:
    """One e-mail: who gets it, and its text with links to follow."""
    stored = mail.read_stored(_settings(request), name)
    return pages.page(request, "development/letter.html", letter=stored, path=PATH, back=PATH)


@router.get(f"{PATH}/{{name}}/html")
def as_html(request: Request, name: str) -> Response:
    """The same as most people see it, on a page of its own."""
    stored = mail.read_stored(_settings(request), name)
    headers = {"Content-Security-Policy": LETTER_POLICY, "Cache-Control": "no-store"}
    return HTMLResponse(stored.html, headers=headers)


def mail_page(request: Request) -> str | None:
    """Where this visitor can read the e-mails, if there is such a page."""
    settings: Settings = request.app.state.settings
    # The address says who asks, and the names that it is us that they mean: a page elsewhere may
    # have made its own name lead here.
    caller = request.client.host if request.client else ""
    named = {urlsplit(settings.base_url).hostname, request.url.hostname}
    is_here = named <= _THIS_MACHINE and _is_loopback(caller)
    return PATH if is_here and not settings.smtp_url else None


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _settings(request: Request) -> Settings:
    """Raises NotFound for whoever comes from elsewhere."""
    if mail_page(request) is None:
        raise NotFound
    settings: Settings = request.app.state.settings
    return settings
