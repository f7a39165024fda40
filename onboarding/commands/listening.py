"""`webhook listen`: events as they happen, on a machine that nobody reaches from outside."""

import hashlib
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from onboarding import endpoints, event_bodies, posting, signing
from onboarding.commands import printing
from onboarding.commands.exits import UNAVAILABLE, USAGE, Failure
from onboarding.endpoints import Rules, Unfit
from onboarding.posting import Failed
from onboarding.settings import settings
from onboarding.signing import Key

# Seconds: for one answer, and between two questions.
PATIENCE: Final = 10
_PAUSE: Final = 2.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose events, which, from where on; and where they are posted to."""

    url: str | None
    key: str
    types: Sequence[str]
    after: str
    forward_to: str | None
    signature: str


def listen(wanted: Wanted, *, once: bool, as_json: bool) -> None:
    """Until it is interrupted, or `once` the log has ended. Raises Failure."""
    api_key = sys.stdin.readline().strip() if wanted.key == "-" else wanted.key
    _check(wanted.forward_to)
    signer = _signer(api_key, wanted.signature)
    printing.say(f"Signed by {signer.shown}")
    url = wanted.url or settings().base_url
    headers = {"authorization": f"Bearer {api_key}"}
    # Between this machine and itself stands no proxy.
    with httpx.Client(
        base_url=url, headers=headers, timeout=PATIENCE, trust_env=wanted.url is not None
    ) as http:
        for event in _events(http, wanted, once=once):
            _show(event, signer, wanted.forward_to, as_json=as_json)


def _events(http: httpx.Client, wanted: Wanted, *, once: bool) -> Iterator[dict[str, Any]]:
    """One after the other; a system that is away for a while is asked again."""
    after = wanted.after
    while True:
        page = _page(http, after, wanted.types)
        yield from page["items"]
        after = page["next"]
        if once and not page["more"]:
            return
        if not page["more"]:
            time.sleep(_PAUSE)


def _page(http: httpx.Client, after: str, types: Sequence[str]) -> dict[str, Any]:
    try:
        answer = http.get("/v1/events", params={"after": after, "type": [*types]})
        said: dict[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError):
        raise Failure(
            f"{http.base_url} does not answer.", "Is it running there?", UNAVAILABLE
        ) from None
    if answer.status_code != httpx.codes.OK:
        raise Failure(str(said.get("title", answer.status_code)), str(said.get("detail", "")))
    return said


def _show(event: dict[str, Any], signer: Key, forward_to: str | None, *, as_json: bool) -> None:
    """Signed as a delivery is, verified as a receiver does, posted where that was asked for."""
    body = event_bodies.encoded(event).encode()
    headers = signing.headers([signer], event["id"], body, int(time.time()))
    verified = signing.is_signed([signer.shown], headers, body)
    answered = _forward(forward_to, headers, body) if forward_to else None
    if as_json:
        printing.line({"event": event, "verified": verified, "answered": answered})
        return
    data = event["data"]
    way = f"{data['from'] or '·'} → {data['to']}"
    told = f"{event['time']}  {event['type']}  {data['reference']}  {way}"
    printing.text(told + (f"  {answered}" if answered is not None else ""))
    if not verified:
        printing.say("Its signature does not fit: this is a bug, please report it.")


def _forward(url: str, headers: dict[str, str], body: bytes) -> int | str:
    """The status, or why there is none."""
    headers = headers | {"content-type": event_bodies.MEDIA_TYPE}
    try:
        return posting.postman(Rules(this_machine=True)).post(url, headers, body)
    except Failed as error:
        return error.cause


def _check(forward_to: str | None) -> None:
    """Others' machines get what is theirs from the system itself. Raises Failure."""
    try:
        host = endpoints.target(forward_to, Rules(this_machine=True)).host if forward_to else None
    except Unfit:
        host = ""
    if host is not None and host not in endpoints.NAMES_OF_THIS_MACHINE:
        raise Failure("It forwards to this machine: http://127.0.0.1:PORT/…", code=USAGE)


def _signer(api_key: str, signature: str) -> Key:
    """The same for an API key at each start, so that a receiver under test can be told it once."""
    return Key(signature, hashlib.sha256(f"webhook listen\0{api_key}".encode()).digest())
