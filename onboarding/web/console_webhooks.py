"""Endpoints of other systems at the console: how they take what is sent, and each delivery."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from onboarding import queries, reception, resending
from onboarding.db import reading
from onboarding.errors import Invalid, NotFound
from onboarding.models import Delivery
from onboarding.operators import least_role
from onboarding.web import console_frame
from onboarding.web.retried_route import RetriedRoute
from onboarding.webhooks import read_id

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)

_PAGE: Final = 50
# What had failed for good comes first: where a page begins, as an address says it.
_FAILED, _REST = "failed-", "rest-"


@router.get("/{locale}/console/webhooks")
def webhooks(request: Request, locale: str) -> Response:
    """Every endpoint, those first that take nothing."""
    with reading() as session:
        who = console_frame.who(session, request)
        found = reception.every(session)
    return console_frame.page(request, who, "webhooks.html", found=found)


@router.get("/{locale}/console/webhooks/{webhook_id}")
def one(request: Request, locale: str, webhook_id: str, after: str = "") -> Response:
    """One of them, and a page of what was sent there."""
    return page(request, webhook_id, _read(after))


def page(
    request: Request,
    webhook_id: str,
    after: tuple[bool, UUID] | None = None,
    wrong: Invalid | None = None,
    typed: Mapping[str, Any] | None = None,
) -> Response:
    """The page of an endpoint; with what is wrong with the time that was asked for."""
    with reading() as session:
        who = console_frame.who(session, request)
        found = reception.one(session, webhook_id)
        sent = reception.listed(session, found.webhook.id, _PAGE + 1, after)
        named = queries.references(session, [d.onboarding_id for d in sent if d.onboarding_id])
    return console_frame.page(
        request,
        who,
        "webhook.html",
        422 if wrong else 200,
        found=found,
        sent=sent[:_PAGE],
        older=_place(sent[_PAGE - 1]) if len(sent) > _PAGE else None,
        named=named,
        may=who.may(resending.PERMISSION),
        needs=least_role(resending.PERMISSION),
        errors=console_frame.wrong(request, wrong) if wrong else {},
        typed=typed or {},
    )


def _place(delivery: Delivery) -> str:
    return f"{_FAILED if delivery.failed_at else _REST}{delivery.id}"


def _read(after: str) -> tuple[bool, UUID] | None:
    """Raises NotFound for what no page of ours says."""
    for prefix in (_FAILED, _REST):
        if after.startswith(prefix):
            return prefix == _FAILED, read_id(after.removeprefix(prefix))
    if after:
        raise NotFound
    return None
