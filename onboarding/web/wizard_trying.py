"""Do these credentials work? And what does this error mean? For sellers and developers, signed in or not.

The answer to the form is the page with the verdict: what was typed is in no address, and the secret
is on no page. Nothing is changed, so sending it again does no harm.
"""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from onboarding import error_texts, selftest
from onboarding.verdicts import CASES
from onboarding.web import pages
from onboarding.web.retried_route import RetriedRoute
from onboarding.web.selftest_there import way_of
from onboarding.web.wizard_answers import Typed

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)


@router.get("/{locale}/test-credentials")
def ask(request: Request, locale: str) -> Response:
    """Both forms, empty."""
    return _page(request)


@router.post("/{locale}/test-credentials")
def try_out(request: Request, locale: str, typed: Typed) -> Response:
    """Try the credentials, and say what came of it. The secret is forgotten at once."""
    kept = {name: typed.get(name, "") for name in ("test_client_id", "test_seller_id")}
    secret = SecretStr(typed.get("test_client_secret", ""))
    if errors := _missing(request, kept["test_client_id"], secret) | _misplaced(request, kept):
        return _page(request, 422, errors=errors, typed=kept)
    # Whoever copies it from a page may have it in groups.
    seller_id = "".join(kept["test_seller_id"].split()) or None
    outcome = selftest.run(way_of(request), kept["test_client_id"], secret, seller_id)
    return _page(request, outcome=outcome, typed=kept)


@router.get("/{locale}/explain-error")
def leave_form(request: Request, locale: str) -> Response:
    """The address of a form that was sent, opened again or in another language."""
    return RedirectResponse(pages.path_for(request, "/test-credentials"), 303)


@router.post("/{locale}/explain-error")
def explain(request: Request, locale: str, typed: Typed) -> Response:
    """What a pasted error means. It may hold a secret after all, so it is not shown again."""
    text = typed.get("error_text", "")
    if not text:
        _ = pages.translator_of(request)
        return _page(request, 422, errors={"error_text": _("Paste the error")})
    return _page(request, explained=CASES[error_texts.explain(text)])


def _missing(request: Request, client_id: str, secret: SecretStr) -> dict[str, str]:
    _ = pages.translator_of(request)
    errors = {
        "test_client_id": "" if client_id else _("Enter the client ID"),
        "test_client_secret": "" if secret.get_secret_value() else _("Enter the client secret"),
    }
    return {name: error for name, error in errors.items() if error}


def _misplaced(request: Request, kept: Mapping[str, str]) -> dict[str, str]:
    """The two are easily swapped. The page does not show the secret again, and nobody is asked about it."""
    _ = pages.translator_of(request)
    errors = {
        "test_client_id": _("This is a client secret: enter the client ID here"),
        "test_seller_id": _("This is a client secret: enter the Seller ID here, or nothing"),
    }
    return {name: error for name, error in errors.items() if pages.is_secret(kept[name])}


def _page(request: Request, status: int = 200, **facts: Any) -> Response:
    frame = {"outcome": None, "explained": None}
    return pages.page(request, "wizard/test_credentials.html", status, **(frame | facts))
