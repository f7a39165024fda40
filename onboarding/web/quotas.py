"""How much a caller may ask for, and how it is told (draft-ietf-httpapi-ratelimit-headers-10).

Each process counts by itself, so with several a caller may have as many times the quota: it keeps
one from taking all threads, and is no bill.
"""

import ipaddress
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from starlette.requests import HTTPConnection

from onboarding.settings import Settings
from onboarding.web.announcing import announce
from onboarding.web.refusals import QuotaExceeded

T = TypeVar("T")

Clock = Callable[[], float]
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Seconds in which all of a quota comes back.
WINDOW: Final = 60
# Guesses from one network in that time. Who presents a key that works is not held up by them.
BAD_KEYS: Final = 30
# Sign-ins that are begun from one network in that time: an office, all at once. Each is a row for an hour.
SIGN_INS: Final = 60
# Requests that are started from one network in that time, likewise. Each is a row until it is archived.
STARTS: Final = 60
# Callers that a process remembers; beyond them, whoever was silent longest is taken for new.
_REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Left:
    """What a caller may still ask for, and after how many seconds it may ask for everything again."""

    requests: int
    seconds: int


class Quota:
    """So many requests in a window, for each caller; they come back one by one."""

    def __init__(self, name: str, most: int, clock: Clock = time.monotonic) -> None:
        self.name, self.most = name, most
        self._clock = clock
        self._guard = threading.Lock()
        # By caller: what was left, and when that was.
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        # By the name of what was counted: how often it may come again uncounted, and until when.
        self._free: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def take(self, request: HTTPConnection, caller: str) -> None:
        """Count a request, and announce what is left. Raises QuotaExceeded."""
        with self._guard:
            left, had = self._take(caller, self._clock())
        self._tell(request, left, had=had)

    def take_once(self, request: HTTPConnection, caller: str, name: str, again: int) -> None:
        """The same for what may be sent `again` so often, for a while, before it is known to be there."""
        with self._guard:
            now = self._clock()
            free, until = self._free.get(name, (0, now))
            if free and now < until:
                self._free[name] = (free - 1, until)
                return
            left, had = self._take(caller, now)
            if had:
                _put(self._free, name, (again, now + WINDOW))
        self._tell(request, left, had=had)

    def _tell(self, request: HTTPConnection, left: Left, *, had: bool) -> None:
        announce(
            request,
            {
                "RateLimit-Policy": f'"{self.name}";q={self.most};w={WINDOW}',
                "RateLimit": f'"{self.name}";r={left.requests};t={left.seconds}',
            },
        )
        if not had:
            raise QuotaExceeded(max(1, math.ceil(WINDOW / self.most)), self.name)

    def _take(self, caller: str, now: float) -> tuple[Left, bool]:
        held, since = self._left.get(caller, (self.most, now))
        held = min(self.most, held + (now - since) * self.most / WINDOW)
        had = held >= 1
        _put(self._left, caller, (held - had, now))
        missing = self.most - held + had
        return Left(int(held - had), math.ceil(missing * WINDOW / self.most)), had


def _put(kept: OrderedDict[str, T], name: str, value: T) -> None:
    """As the latest; whoever was silent longest is forgotten."""
    kept[name] = value
    kept.move_to_end(name)
    if len(kept) > _REMEMBERED:
        kept.popitem(last=False)


class Quotas:
    """Those of one process: for each key and client, for whoever sends what does not work, and for what strangers begin.

    Guesses are counted by network and, because several networks may guess at one client, by client.
    Neither holds up who presents what works.
    """

    def __init__(self, settings: Settings, clock: Clock = time.monotonic) -> None:
        self.of_keys = Quota("default", settings.api_requests_per_minute, clock)
        self.of_guesses = Quota("bad-keys", BAD_KEYS, clock)
        self.of_forgeries = Quota("bad-signatures", BAD_KEYS, clock)
        self.of_tokens = Quota("tokens", settings.tokens_per_minute, clock)
        self.of_bad_secrets = Quota("bad-secrets", BAD_KEYS, clock)
        self.of_guessed_clients = Quota("guessed-client", BAD_KEYS, clock)
        self.of_sign_ins = Quota("sign-ins", SIGN_INS, clock)
        self.of_starts = Quota("starts", STARTS, clock)


def network(request: HTTPConnection) -> str:
    """Whom a guess, or what is begun, is counted against: a /24 or /64, as more than one address is easily had."""
    try:
        address = _plain(ipaddress.ip_address(request.client.host if request.client else ""))
    except ValueError:
        return ""
    prefix = 24 if address.version == 4 else 64  # noqa: PLR2004 - IPv4
    return str(ipaddress.ip_network((address, prefix), strict=False))


def _plain(address: _Address) -> _Address:
    """A socket for both versions, ours or a proxy's, says IPv4 in IPv6: all of it would be one /64."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
