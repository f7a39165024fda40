"""Whether a caller has the latest already: ETags of what is shown (RFC 9110, 8.8.3 and 13.1.2)."""

import hashlib
from typing import Annotated

from fastapi import Header
from pydantic import BaseModel
from starlette.requests import Request

IfNoneMatch = Annotated[
    str | None, Header(description="ETags of what you have; with one of them the answer is 304.")
]


def tag_of(shown: BaseModel | str) -> str:
    """A strong ETag: another one once anything of it is different."""
    text = shown if isinstance(shown, str) else shown.model_dump_json()
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:16]}"'


def has(request: Request, tag: str) -> bool:
    """Whether If-None-Match names this ETag, weakly or strongly."""
    sent = ",".join(request.headers.getlist("if-none-match"))
    named = {each.strip().removeprefix("W/") for each in sent.split(",")}
    return tag in named or "*" in named
