"""The marketplace's own authorization server, where there is one: a port, and its adapters.

The embedded server needs no telling: it asks our tables (`presented`). Another one is told of each
client, by a task and never inside a request. Client ID and secret are ours, so every step can be
done again: a crash between their answer and our commit leaves what the next attempt finds, or
overwrites.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class Registration:
    """Where a client is managed that was registered dynamically, and the token that it takes (RFC 7592)."""

    uri: str
    token: SecretStr


@dataclass(frozen=True, slots=True)
class Registered:
    """A client as another server knows it."""

    client_id: str
    # What its administrators read: our reference, which names nobody.
    name: str
    # None: it has none, or we have not heard of it before something went wrong.
    registration: Registration | None = None


class Standing(Enum):
    """What the other server says of a client."""

    WORKS = "works"
    MISSING = "missing"
    DISABLED = "disabled"


class AuthorizationServer(Protocol):
    """What another server must let us do. All of it raises Refused or Unavailable."""

    def register(self, client: Registered, secret: SecretStr) -> Registration | None:
        """Have exactly one client with this ID, and this secret; whatever there was before."""

    def replace_secret(self, client: Registered, secret: SecretStr) -> Registration | None:
        """The same for a client that was registered before: the secret of before ends."""

    def revoke(self, client: Registered) -> None:
        """Have no client with this ID any more. One that is not there is none."""

    def standing(self, client: Registered) -> Standing:
        """Whether it would get a token with the right secret."""


class Refused(Exception):
    """The server will not do it, now or later. `cause` is a stable code for operators."""

    def __init__(self, cause: str, why: str) -> None:
        super().__init__(why)
        self.cause = cause


class Unavailable(Exception):
    """Not this time. `cause` is a stable code; `wait` are the seconds that the server asked for."""

    def __init__(self, cause: str, why: str, wait: float = 0.0) -> None:
        super().__init__(why)
        self.cause, self.wait = cause, wait
