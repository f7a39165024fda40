"""What operators did, and whether the trail of it is as it was written."""

import shlex
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from onboarding import audit, care, queries
from onboarding.db import reading, snapshot
from onboarding.web import console_frame
from onboarding.web.fields import trimmed
from onboarding.web.retried_route import RetriedRoute

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)

_PAGE = 50
# As many as a row's number may have.
_DIGITS = 18


@router.get("/{locale}/console/audit")
def trail(request: Request, locale: str, before: str = "", q: str = "") -> Response:
    """A page of it, newest first; `q` is a part of why."""
    # What no reason can hold finds nothing: PostgreSQL would refuse it.
    wanted = trimmed(q).replace("\0", "\N{REPLACEMENT CHARACTER}")
    with reading() as session:
        who = console_frame.who(session, request, "audit")
        upto = int(before) if before.isdecimal() and len(before) <= _DIGITS else None
        entries = audit.latest(session, _PAGE, before=upto, q=wanted)
        ids = [entry.onboarding_id for entry in entries if entry.onboarding_id]
        return console_frame.page(
            request,
            who,
            "audit.html",
            entries=entries,
            wanted=wanted,
            subject=audit.subject,
            same_as=_same(wanted),
            named=queries.references(session, ids),
            names=care.names(session),
            older=entries[-1].number if len(entries) == _PAGE else None,
            findings=None,
        )


@router.post("/{locale}/console/audit/verify")
def verify(request: Request, locale: str) -> Response:
    """Look through all of it."""
    with snapshot() as session:
        who = console_frame.who(session, request, "audit")
        findings = list(audit.verify(session, request.app.state.ring))
        last = audit.head(session)
    return console_frame.page(request, who, "verified.html", findings=findings, last=last)


def _same(wanted: str) -> tuple[str, str]:
    """The same at a terminal and for a program."""
    if not wanted:
        return "onboarding audit ls", "/v1/operations/audit"
    query = urlencode({"q": wanted})
    return f"onboarding audit ls --q {shlex.quote(wanted)}", f"/v1/operations/audit?{query}"
