"""Ends a worker that takes no work although its broker answers, so that its supervisor replaces it.

A consumer that has lost Redis may come back deaf: it is connected, nothing raises, and messages stay
where they are. Celery and Kombu have had that fault several times (celery issues 8030, 8091 and 10205,
kombu issue 2629), and nothing within can notice. The canary does: it goes before all that waits.
"""

import os
import signal
import time
from collections.abc import Callable
from typing import Final

from onboarding import canaries, logs, redelivery
from onboarding.db import reading
from workers.clock import Swept

log = logs.get(__name__)

# Seconds between two looks.
EVERY: Final = 5.0


class Watchdog:
    """Looks whether work is left lying, for so many seconds in a row that no worker can be merely busy."""

    def __init__(
        self, ask_broker: Callable[[], object], after: float = canaries.SILENT_AFTER
    ) -> None:
        """`ask_broker` raises where it does not answer."""
        self._ask_broker, self._after = ask_broker, after
        self._since: float | None = None

    def look(self) -> Swept:
        """Does not return from the look that finds it so for too long: the process is killed.

        An order to end in order would wait for a consumer that hears nothing.
        """
        if not self._is_left_lying():
            self._since = None
        elif self._since is None:
            self._since = time.monotonic()
        elif time.monotonic() - self._since >= self._after:
            log.error("takes_no_work")
            os.kill(os.getpid(), signal.SIGKILL)
        return Swept(0, more=False)

    def _is_left_lying(self) -> bool:
        """Whoever has a turn is at work: the canary's first copy may be lost, and a later one comes in line."""
        with reading() as session:
            if not canaries.is_waiting(session) or redelivery.owners(session):
                return False
        try:
            self._ask_broker()
        except Exception:  # noqa: BLE001 - whatever it is, nobody can take anything, and sweeps say so
            return False
        return True
