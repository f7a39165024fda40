"""`walk`: a sample journey, with a key that lives no longer than it does."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

import httpx

from onboarding import access
from onboarding.commands import elsewhere, opening, printing
from onboarding.commands.exits import Failure
from onboarding.db import transaction
from onboarding.settings import Settings
from onboarding.walking import SCOPES, Moment, WalkFailed, timeline, walk

# Seconds for one answer.
PATIENCE: Final = 10


def run(
    chosen: Settings, connection_type: str, url: str | None, key_file: str | None, *, as_json: bool
) -> None:
    """Walk one journey and print it; without a key, borrow one from the database."""
    key = elsewhere.key(chosen, key_file)
    # Between this machine and itself stands no proxy.
    with ExitStack() as stack:
        http = stack.enter_context(httpx.Client(timeout=PATIENCE, trust_env=url is not None))
        if key is None:
            opening.open_database(chosen)
            key = stack.enter_context(borrowed_key())
        _run(http, url or chosen.base_url, key, connection_type, as_json=as_json)


@contextmanager
def borrowed_key() -> Iterator[str]:
    """An API key for the length of the block."""
    with transaction() as session:
        key, text = access.create_api_key(session, "sample journey", SCOPES)
    try:
        yield text
    finally:
        with transaction() as session:
            access.revoke_api_key(session, key.id)


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
