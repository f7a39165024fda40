"""How often an answer hands something over to a thread and waits for it."""

from collections.abc import Callable
from typing import Any

import pytest
from anyio import to_thread


def handed_over(monkeypatch: pytest.MonkeyPatch) -> list[Callable[..., object]]:
    """What threads are given from now on. There and back takes a tenth of a millisecond, however little it is."""
    given: list[Callable[..., object]] = []
    run_sync = to_thread.run_sync

    def noting(what: Callable[..., object], *args: object, **how: Any) -> Any:
        given.append(what)
        return run_sync(what, *args, **how)

    monkeypatch.setattr(to_thread, "run_sync", noting)
    return given
