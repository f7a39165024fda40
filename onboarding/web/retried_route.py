"""A route whose handler is run again where the database is known to have rolled it back."""

from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import Any

from fastapi.routing import APIRoute

from onboarding.retrying import retried


class RetriedRoute(APIRoute):
    """Every handler that opens a transaction; its form or body was read before and stays as it was."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        handler = endpoint if iscoroutinefunction(endpoint) else retried(endpoint)
        super().__init__(path, handler, **options)
