"""`walk`: a sample journey, with a key that lives no longer than it does."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

import httpx

from onboarding import access, admissions
from onboarding.commands import elsewhere, opening, printing, terminal
from onboarding.commands.exits import Failure
from onboarding.sealing import Keyring
from onboarding.settings import Settings
from onboarding.walking import SCOPES, Moment, WalkFailed, timeline, walk

# Seconds for one answer.
PATIENCE: Final = 10
# What the key is called, and why there is one.
_NAME: Final = "sample journey"


def run(
    chosen: Settings, connection_type: str, url: str | None, key_file: str | None, *, as_json: bool
) -> None:
    """Walk one journey and print it; without a key, borrow one from the database."""
    key = elsewhere.key(chosen, key_file)
    # Between this machine and itself stands no proxy.
    with ExitStack() as stack:
        http = stack.enter_context(httpx.Client(timeout=PATIENCE, trust_env=url is not None))
        if key is None:
            key = stack.enter_context(borrowed_key(opening.prepare(chosen)))
        _run(http, url or chosen.base_url, key, connection_type, as_json=as_json)


@contextmanager
def borrowed_key(ring: Keyring) -> Iterator[str]:
    """An API key for the length of the block. Like any other it stands in the trail, made and revoked."""
    with admissions.written_down(ring, terminal.change("key.create", _NAME)) as (session, about):
        key, text = access.create_api_key(session, _NAME, SCOPES)
        about.update(key=str(key.id), system=str(key.system_id), scopes=key.scopes)
    try:
        yield text
    finally:
        told = terminal.change("key.revoke", _NAME)
        with admissions.written_down(ring, told) as (session, about):
            if access.revoke_api_key(session, key.id):
                about["key"] = str(key.id)


def told(moments: list[Moment]) -> list[str]:
    """A timeline for people, a line a transition."""
    return [f"{each.milliseconds:>6} ms  {each.event:<20} {each.state}" for each in moments]


def _run(http: httpx.Client, url: str, key: str, connection_type: str, *, as_json: bool) -> None:
    try:
        walked = walk(http, url, key, connection_type)
        moments = timeline(http, url, key, walked["onboarding_id"])
    except WalkFailed as error:
        raise Failure(str(error), "`onboarding doctor` looks for the cause.") from None
    tell = printing.say if as_json else printing.text
    for each in told(moments):
        tell(each)
    if as_json:
        printing.line(walked)
    else:
        printing.text("")
        printing.facts({name: str(value) for name, value in walked.items() if value is not None})
