"""What goes wrong in samples: causes that our own tasks give, as incidents or at rest."""

from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple
from uuid import UUID

from onboarding import outbox, outbox_statements
from onboarding.ids import new_id
from onboarding.population.chance import Chance

_RESTS: Final = timedelta(minutes=10), timedelta(minutes=50)


class Cause(NamedTuple):
    """Why an attempt failed: the code, the line for a person, and the attempts until now."""

    code: str
    error: str
    attempts: int


_BUSY: Final = Cause("busy", "DatabaseBusy:", outbox.MAX_ATTEMPTS)
_DIED: Final = Cause("worker_died", "every attempt ended without a result", outbox.MAX_ATTEMPTS + 1)
_HANGS: Final = Cause("task_hangs", "its turn has ended, and it has not", outbox.MAX_ATTEMPTS)
_NO_KEY: Final = Cause(
    "unavailable", "Unavailable: the keyring has no pepper key", outbox.MAX_ATTEMPTS
)
# What ends each task for good.
CAUSES: Final[dict[str, tuple[Cause, ...]]] = {
    "check_aggregator": (_BUSY, _DIED, _HANGS),
    "generate_secret": (_NO_KEY, _NO_KEY, _DIED),
    "verify_connection": (_HANGS, _DIED, _BUSY),
    "revoke_client": (_DIED, _BUSY),
    "send_email": (
        Cause("address_refused", "Refused: the mail server answered 550 5.1.1", 1),
        Cause("address_refused", "Refused: the mail server answered 550 5.2.1", 1),
        Cause("mail_server_refused", "Refused: the mail server answered 554 5.7.1", 1),
    ),
}
# The mail server knows our password no more: nothing that is tried again helps, so nothing is.
OUTAGE: Final = Cause("mail_login_refused", "Refused: the mail server answered 535 5.7.8", 1)
# A greylisted address, after some hours. It is about one address: no other letter ends its rest.
DEFERRED: Final = Cause("address_deferred", "Unavailable: the mail server answered 450 4.7.1", 13)


def incident(chance: Chance, promise: dict[str, Any], cause: Cause, at: datetime) -> dict[str, Any]:
    """A message that failed for good: at once where that was the last word, else after minutes."""
    once = cause.attempts == 1
    took = timedelta(seconds=chance.number(1, 4) if once else chance.number(130, 190))
    due = at + timedelta(seconds=outbox_statements.REPUBLISH_AFTER)
    return _message(promise, cause, at) | {"due_at": due, "failed_at": at + took}


def resting(
    chance: Chance, promise: dict[str, Any], cause: Cause, at: datetime, now: datetime
) -> dict[str, Any]:
    """A message that is tried again within the hour."""
    until = now + chance.between(*_RESTS)
    return _message(promise, cause, at) | {"due_at": until, "leased_until": until}


def promise(
    onboarding_id: UUID, sequence: int, task: str, about: dict[str, Any] | None = None
) -> dict[str, Any]:
    """What a transition has promised."""
    return {
        "onboarding_id": onboarding_id,
        "sequence": sequence,
        "task": task,
        "about": about or {},
    }


def _message(promised: dict[str, Any], cause: Cause, at: datetime) -> dict[str, Any]:
    most = outbox.ATTEMPTS.get(promised["task"], outbox.MAX_ATTEMPTS)
    return promised | {
        "id": new_id(at=at),
        "created_at": at,
        "attempts": cause.attempts,
        "max_attempts": most,
        "leased_until": None,
        "cause": cause.code,
        "last_error": cause.error,
        "failed_at": None,
    }
