"""Parts of the application whose addresses have something in common: asked for no other."""

import re
from typing import Any

from fastapi import APIRouter
from starlette.routing import Match
from starlette.types import Scope


class Part(APIRouter):
    """Routes that are passed by with one look where an address is not `within` it, a regular expression.

    The framework asks each of them, and those of a router that it has chosen once more: of what a
    page took, two fifths were that.
    """

    def __init__(self, within: str, **given: Any) -> None:
        super().__init__(**given)
        self.within = re.compile(within)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        return super().matches(scope) if self.within.match(path) else (Match.NONE, {})
