"""Wakes a worker that has just worked without sending it a message: it listens for a moment before it goes.

A message costs the broker, Celery and its pool several times what it announces. So a call of a worker
that has nothing left to do waits at a list in Redis for a moment. Whoever publishes puts an item there,
and sees in the same round trip whether somebody took it; if nobody did, a message goes out. Like a
message, an item says nothing but "look": what is lost comes due.
"""

from typing import Final

import redis

LOOK: Final = "onboarding.look"
# Milliseconds that an item stays which nobody took: for somebody who is just about to listen.
FORGOTTEN_AFTER: Final = 500


class Bell:
    """A list in Redis where those listen who have just worked."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=2)

    def ring(self, messages: str) -> bool:
        """Have somebody look. False: nobody listened, and in this list of messages none waits that will.

        Raises redis.RedisError.
        """
        # No transaction: Redis hands an item over between two commands, but after all of those.
        asked = self._redis.pipeline(transaction=False)
        asked.lpush(LOOK, "")
        asked.llen(LOOK)
        asked.ltrim(LOOK, 0, 0)
        asked.pexpire(LOOK, FORGOTTEN_AFTER)
        asked.llen(messages)
        _, unheard, *_, waiting = asked.execute()
        return not unheard or waiting > 0

    def hear(self, seconds: float) -> bool:
        """Wait for so long at most; whether there is more to do. Raises redis.RedisError."""
        return seconds > 0 and self._redis.blpop([LOOK], seconds) is not None

    def close(self) -> None:
        self._redis.close()


def bell_of(url: str) -> Bell | None:
    """The bell of this broker; None where it is not Redis, or not at an address that its client takes."""
    return Bell(url) if url.startswith(("redis://", "rediss://")) else None
