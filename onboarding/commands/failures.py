"""Errors that can be foreseen, as one sentence and what to do. Anything else is a bug and shows its trace."""

from collections.abc import Callable
from typing import Any, Final

import httpx
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from onboarding import outages
from onboarding.client import Problem, Unreachable
from onboarding.commands.exits import NOT_FOUND, REFUSED, UNAVAILABLE, USAGE, Failure
from onboarding.errors import (
    DatabaseAway,
    EventNotAllowed,
    EventUnknown,
    Invalid,
    NotEligible,
    NotFound,
    Refusal,
    Unavailable,
)
from onboarding.sealing import KeyringWrong
from onboarding.settings import WrongSettings, masked, settings


def explain(error: Exception) -> Failure | None:
    """What to tell; None for an error that nobody has foreseen."""
    return next((words(error) for kinds, words in _WORDS if isinstance(error, kinds)), None)


def _failure(error: Failure) -> Failure:
    return error


def _settings(error: WrongSettings) -> Failure:
    return Failure(str(error), "`onboarding settings --format md` lists them all.", USAGE)


def _keyring(error: KeyringWrong) -> Failure:
    return Failure(_sentence(error), "Restore the keyring from its backup.")


def _refusal(error: Refusal) -> Failure:
    """The sentence, what this case adds to it, and the advice."""
    details = f" ({error})" if str(error) else ""
    if isinstance(error, NotFound):
        return _not_found(str(error) or "onboarding")
    # What is allowed instead stands among the details already.
    advice = "" if isinstance(error, EventNotAllowed) else error.advice
    advice = next((said for kind, said in _ADVICE.items() if isinstance(error, kind)), advice)
    code = next((code for kind, code in _CODES.items() if isinstance(error, kind)), REFUSED)
    return Failure(error.sentence + details, advice, code)


def _not_found(thing: str) -> Failure:
    """Whoever raised it says what it is, where it is no onboarding."""
    command = _LISTED_BY.get(thing)
    advice = f"`onboarding {command}` shows those that there are." if command else ""
    return Failure(f"There is no such {thing}.", advice, NOT_FOUND)


def _driver(error: ModuleNotFoundError) -> Failure | None:
    """SQLAlchemy's own default driver for postgresql:// is not the one that we bring."""
    return _database_url(error) if error.name == "psycopg2" else None


def _database_url(error: Exception) -> Failure:
    return Failure(
        f"ONBOARDING_DATABASE_URL holds {masked(settings().database_url)!r}, which names no database"
        " that we know.",
        "Write sqlite:///path or postgresql+psycopg://user@host/name.",
        USAGE,
    )


def _database(error: DBAPIError | PoolTimeout) -> Failure | None:
    """What is no outage is a mistake of ours, and shows its trace."""
    outage = outages.outage(error)
    if not isinstance(outage, DatabaseAway):
        return _refusal(outage) if outage else None
    url = masked(settings().database_url)
    why = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
    if url.startswith("sqlite"):
        advice = "Check that its folder can be written and has space, and that it is a database."
    else:
        advice = "Start the database, or set ONBOARDING_DATABASE_URL to one that answers."
    return Failure(f"The database {url} does not answer: {why}", advice, UNAVAILABLE)


def _no_answer(error: httpx.TransportError) -> Failure:
    try:
        where = f"{error.request.url.scheme}://{error.request.url.netloc.decode()}"
    except RuntimeError:
        where = "the server"
    return Failure(
        f"{where} does not answer: {_sentence(error)}",
        "Start it with `onboarding serve`, or name another one with --url.",
        UNAVAILABLE,
    )


def _unreachable(error: Unreachable) -> Failure | None:
    return (
        _no_answer(error.__cause__) if isinstance(error.__cause__, httpx.TransportError) else None
    )


def _problem(error: Problem) -> Failure:
    """What a service elsewhere says of itself; one that is away says so, too."""
    facts = "; ".join(f"{name}: {value}" for name, value in error.facts.items())
    sentence = f"{error.code}: {error.title}" + (f" ({facts})" if facts else "")
    codes = {404: NOT_FOUND, 422: USAGE, 503: UNAVAILABLE}
    advice = _EVENTS if error.code == EventUnknown.code else error.detail
    return Failure(sentence, advice, codes.get(error.status, REFUSED))


def _file(error: OSError) -> Failure | None:
    """A folder that cannot be used; other errors of the system are not ours to explain."""
    if error.filename is None:
        return None
    return Failure(
        f"{error.filename} cannot be used: {error.strerror}.",
        "Make it writable for this user, or set ONBOARDING_DATABASE_URL, ONBOARDING_KEYS_DIR and"
        " ONBOARDING_MAIL_DIR to places that are.",
    )


def _sentence(error: Exception) -> str:
    return str(error) or type(error).__name__


_CODES: Final[dict[type[Refusal], int]] = {
    Unavailable: UNAVAILABLE,
    Invalid: USAGE,
    EventUnknown: USAGE,
}

_EVENTS: Final = (
    "`onboarding show ONB-…` lists those that are possible there, `onboarding chart` all of them."
)
# Where the pages' own advice is none for a terminal: there is nothing to reload.
_ADVICE: Final[dict[type[Refusal], str]] = {
    EventUnknown: _EVENTS,
    NotEligible: "Nothing was done. Show it again to see how it stands now.",
}
_LISTED_BY: Final = {
    "cause": "causes ls",
    "delivery": "webhook deliveries ID",
    "event": "inbound ls",
    "link": "connection sellers ONB-…",
    "onboarding": "ls",
    "run": "bulk ls",
    "source": "source ls",
    "view": "views ls",
    "webhook": "webhook ls",
}

# The first that fits: httpx's and our own errors are no OSErrors, ArgumentError is no DBAPIError.
_WORDS: Final[tuple[tuple[Any, Callable[[Any], Failure | None]], ...]] = (
    (Failure, _failure),
    (WrongSettings, _settings),
    (KeyringWrong, _keyring),
    (Refusal, _refusal),
    ((ArgumentError, NoSuchModuleError), _database_url),
    (ModuleNotFoundError, _driver),
    ((DBAPIError, PoolTimeout), _database),
    (httpx.TransportError, _no_answer),
    (Unreachable, _unreachable),
    (Problem, _problem),
    (OSError, _file),
)
