"""Tries again at once what is known to have been rolled back: a deadlock, a lost connection.

The outbox retries work; this retries a request, whose caller waits. It is bounded and jittered, and
it never repeats what may have happened: neither after a COMMIT without an answer, nor where an
earlier transaction of the same call has been committed.
"""

import random
import time
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from onboarding import db, logs, outages

log = logs.get(__name__)

# Seconds before the second, third and fourth try, each give or take half. Whoever deadlocked needs a
# few milliseconds to get out of the way; more tries would only pile up callers.
PAUSES: Final = (0.02, 0.06, 0.18)

P = ParamSpec("P")
R = TypeVar("R")


def retried(call: Callable[P, R]) -> Callable[P, R]:
    """A function that opens its own transaction, made to begin anew where that is safe."""

    @wraps(call)
    def trying(*args: P.args, **kwargs: P.kwargs) -> R:
        before = db.commits()
        for pause in _pauses():
            try:
                return call(*args, **kwargs)
            except Exception as error:
                if db.commits() != before or not outages.is_rolled_back(error):
                    raise
                log.info("tried_again", call=call.__name__, error=type(error).__name__)
            time.sleep(pause)
        return call(*args, **kwargs)

    return trying


def _pauses() -> Iterator[float]:
    for pause in PAUSES:
        yield pause * random.uniform(0.5, 1.5)  # noqa: S311 - jitter, not a secret
