"""What each kind of problem means, what to do, and whether to try again: the pages that `type` names.

They need neither a database nor anybody else.
"""

from collections.abc import Iterator
from functools import cache
from typing import Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from onboarding.errors import NotFound, Refusal
from onboarding.web import pages
from onboarding.web.problems import PATH
from onboarding.web.wizard_frame import our_language

router = APIRouter(include_in_schema=False, dependencies=[Depends(our_language)])

_IN_A_LANGUAGE: Final = "/{locale}" + PATH


@router.get(PATH)
@router.get(_IN_A_LANGUAGE)
def index(request: Request) -> Response:
    """Every kind of problem."""
    _ = pages.translator_of(request)
    listed = [(code, each.status, _(_sentence(each))) for code, each in kinds().items()]
    return _spoken(pages.page(request, "help/problems.html", kinds=listed))


@router.get(PATH + "/{code}")
@router.get(_IN_A_LANGUAGE + "/{code}")
def kind(request: Request, code: str) -> Response:
    """One of them. Raises NotFound."""
    found = kinds().get(code)
    if found is None:
        raise NotFound
    _ = pages.translator_of(request)
    page = pages.page(
        request,
        "help/problem.html",
        kind=found,
        sentence=_(_sentence(found)),
        advice=_(found.advice),
        back=pages.path_for(request, PATH),
    )
    return _spoken(page)


@cache
def kinds() -> dict[str, type[Refusal]]:
    """By code; of those that share one, what they have in common."""
    found: dict[str, type[Refusal]] = {}
    for each in _and_narrower(Refusal):
        found.setdefault(each.code, each)
    return dict(sorted(found.items()))


def _and_narrower(kind: type[Refusal]) -> Iterator[type[Refusal]]:
    """Words of other places, such as a command's, are not told here."""
    if kind.__module__.startswith(("onboarding.errors", "onboarding.web.")):
        yield kind
    for narrower in kind.__subclasses__():
        yield from _and_narrower(narrower)


def _sentence(kind: type[Refusal]) -> str:
    return (kind.__doc__ or "").strip()


def _spoken(page: Response) -> Response:
    page.headers["Vary"] = "Accept-Language"
    return page
