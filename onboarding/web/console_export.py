"""A view as a file to take away. Whoever takes one is in the trail, so it is a form and never a link."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from typing import BinaryIO, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from onboarding import audit, exports, filters
from onboarding.db import snapshot, transaction
from onboarding.errors import NotFound
from onboarding.filters import Filter
from onboarding.web import console_frame
from onboarding.web.fields import Text
from onboarding.web.retried_route import RetriedRoute

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)

ACTION: Final = "export"
# What the form's buttons give: the format, and whether the mark for spreadsheets goes before it.
CHOICES: Final = {"csv": ("csv", False), "csv-marked": ("csv", True), "ndjson": ("ndjson", False)}
TYPES: Final = {"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson"}
_PIECE: Final = 64 * 1024


@router.post("/{locale}/console/export")
def export(request: Request, locale: str, view: Text = "", form: Text = "csv") -> Response:
    """All of a view. It is made whole on disk first: whoever reads slowly holds no snapshot open."""
    wanted = filters.parse(view)
    if form not in CHOICES:
        raise NotFound
    name, mark = CHOICES[form]
    with ExitStack() as unless_sent:
        # It has no name, and lives until it is sent.
        file = unless_sent.enter_context(tempfile.TemporaryFile())
        with snapshot() as session:
            console_frame.who(session, request)
            rows = exports.write(session, wanted, name, file, most=exports.AT_MOST, mark=mark)
        _write_down(request, wanted, name, rows)
        unless_sent.pop_all()
        return _sent(file, f"onboardings.{name}", TYPES[name])


def _write_down(request: Request, wanted: Filter, form: str, rows: int) -> None:
    """Who has taken what away: before the first byte leaves. What was searched for may be somebody."""
    masked = wanted.masked()
    with transaction() as session:
        who = console_frame.who(session, request)
        details = {"view": masked.given(), "format": form, "rows": rows}
        why = masked.query() or "all"
        audit.append(
            session,
            request.app.state.ring,
            audit.Attempt(who.id, who.role, ACTION, why, details=details),
        )


def _sent(file: BinaryIO, name: str, media_type: str) -> Response:
    headers = {
        "Content-Length": str(file.tell()),
        "Content-Disposition": f'attachment; filename="{name}"',
        "Cache-Control": "no-store",
    }
    return StreamingResponse(_pieces(file), headers=headers, media_type=media_type)


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while piece := file.read(_PIECE):
            yield piece
