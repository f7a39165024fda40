"""Wakes a worker that has just worked without sending it a message: it listens for a moment before it goes.

A message costs the broker, Celery and its pool several times what it announces. So a call of a worker
that has nothing left to do waits at a list in Redis for a moment. Whoever publishes puts an item there,
and sees in the same round trip whether somebody took it; if nobody did, a message goes out. Like a
message, an item says nothing but "look": what is lost comes due.
"""

from functools import cache
from typing import Any, Final

import redis
from redis.connection import Connection

LOOK: Final = "onboarding.look"
# Milliseconds that an item stays which nobody took: for somebody who is just about to listen.
FORGOTTEN_AFTER: Final = 500
_COMMANDS: Final = (
    ("LPUSH", LOOK, ""),
    ("LLEN", LOOK),
    ("LTRIM", LOOK, 0, 0),
    ("PEXPIRE", LOOK, FORGOTTEN_AFTER),
)


class Bell:
    """A list in Redis where those listen who have just worked."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=2)
        # Of the one thread that rings: it takes part in nothing else, so nothing is looked after for it.
        self._ringing: Any = self._redis.connection_pool.make_connection()
        # Whether somebody has taken the last item.
        self.heard = True

    def ring(self, messages: str) -> bool:
        """Have somebody look. False: nobody listened, and in this list of messages none waits that will.

        One thread rings. Raises redis.RedisError.
        """
        line = self._ringing
        _, unheard, *_, waiting = line.retry.call_with_retry(
            lambda: _asked(line, messages), lambda _: line.disconnect()
        )
        self.heard = not unheard
        return self.heard or waiting > 0

    def hear(self, seconds: float) -> bool:
        """Wait for so long at most; whether there is more to do. Raises redis.RedisError."""
        return seconds > 0 and self._redis.blpop([LOOK], seconds) is not None

    def close(self) -> None:
        self._ringing.disconnect()
        self._redis.close()


def bell_of(url: str) -> Bell | None:
    """The bell of this broker; None where it is not Redis, or not at an address that its client takes."""
    return Bell(url) if url.startswith(("redis://", "rediss://")) else None


def _asked(line: Any, messages: str) -> list[Any]:
    """A third of what a pipeline of redis-py takes, which sees to much that is the same each time."""
    line.send_packed_command(_packed(messages))
    try:
        return [line.read_response() for _ in range(len(_COMMANDS) + 1)]
    except redis.RedisError:
        # What was not read of these answers would be taken for those of the next question.
        line.disconnect()
        raise


@cache
def _packed(messages: str) -> list[bytes]:
    """No transaction: Redis hands an item over between two commands, but after all of those."""
    line: Any = Connection
    packed: list[bytes] = line().pack_commands([*_COMMANDS, ("LLEN", messages)])
    return packed
