"""Redis as a broker that survives what does not belong on the queue.

Whoever reaches Redis can put anything there, by mistake too. As it stands, an item that the
transport cannot read ends the worker, and one that Celery cannot read goes back on the queue when
the worker ends, so that the next one ends as well. Here either is logged and thrown away: nothing
is lost, since what was promised is in the database.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from kombu.transport import TRANSPORT_ALIASES, redis

from onboarding import logs

log = logs.get(__name__)

# What reading nonsense raises, in the transport and in Celery. An outage of Redis is none of these.
_NONSENSE: Final = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


class Channel(redis.Channel):
    """A channel that goes on with the next message."""

    def basic_consume(self, queue: Any, *args: Any, **more: Any) -> Any:
        """Have the worker called with each message, and throw away what it stumbles over."""
        more["callback"] = partial(_hand_over, more["callback"])
        return super().basic_consume(queue, *args, **more)  # type: ignore[no-untyped-call]

    def _brpop_read(self, **options: Any) -> Any:
        """What is no JSON is off the queue by now."""
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except (ValueError, RecursionError) as error:
            _tell(error)
            return True


class Transport(redis.Transport):
    """Kombu's own, with our channel."""

    Channel = Channel

    def _deliver(self, message: Any, queue: str) -> None:
        """What is JSON and no message is off the queue by now."""
        try:
            super()._deliver(message, queue)  # type: ignore[no-untyped-call]
        except _NONSENSE as error:
            _tell(error)


def install() -> None:
    """Have every redis:// and rediss:// address of this process use it."""
    for scheme in ("redis", "rediss"):
        TRANSPORT_ALIASES[scheme] = f"{__name__}:{Transport.__name__}"


def _hand_over(callback: Callable[[Any], object], message: Any) -> None:
    try:
        callback(message)
    except _NONSENSE as error:
        _tell(error)
        if not message.acknowledged:
            message.reject()


def _tell(error: Exception) -> None:
    log.warning("garbage_on_the_queue", error=type(error).__name__)
