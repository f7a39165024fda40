"""Dynamic registration: RFC 7591 to make a client, RFC 7592 to look at it and to delete it.

By these standards the server chooses a client's ID and its secret, and nobody can look a client up
whose registration access token was lost. So a server is needed that takes the `client_id` and the
`client_secret` of the request; many can be told to. Then registering again overwrites the client of
before, or is refused. A server that chooses by itself loses what it has just made.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from onboarding import checksums
from onboarding.authorization import Refused, Registered, Registration, Standing, Unavailable
from onboarding.authorization.speaking import Answer, Line, unreadable

# What servers answer that make no second client with an ID.
_TAKEN: Final = 409
_GONE: Final = 404
# The client is not there, or its token is none (RFC 7592 §2): which of them is not told.
_NO_ENTRY: Final = 401


@dataclass(frozen=True, slots=True)
class DynamicRegistration:
    """A registration endpoint, and the initial access token that it takes."""

    line: Line
    endpoint: str
    initial_token: SecretStr

    def register(self, client: Registered, secret: SecretStr) -> Registration | None:
        """Register it, again if need be; where the server makes no second one, in place of the first."""
        return self._made(client, secret)

    def replace_secret(self, client: Registered, secret: SecretStr) -> Registration | None:
        """Register it anew: by RFC 7592 §2.2 nobody chooses the next secret of a client that is there."""
        return self._made(client, secret)

    def revoke(self, client: Registered) -> None:
        """Delete it. One whose token is lost or good for nothing is made once more, and then deleted."""
        if client.registration is None or not self._is_deleted(client.registration):
            secret = SecretStr(checksums.random_base62(43))
            self._is_deleted(self._made(client, secret))

    def standing(self, client: Registered) -> Standing:
        """Read it with its own token."""
        if client.registration is None:
            return Standing.MISSING
        held = client.registration
        answer = self.line.ask("GET", self._theirs(held.uri), held.token, {_NO_ENTRY, _GONE})
        return Standing.MISSING if answer.status in {_NO_ENTRY, _GONE} else Standing.WORKS

    def _made(self, client: Registered, secret: SecretStr) -> Registration:
        answer = self._post(client, secret)
        if answer.status == _TAKEN:
            if client.registration is None or not self._is_deleted(client.registration):
                raise Refused("client_id_taken", "the client is there, and its token is lost")
            answer = self._post(client, secret)
        return self._as_wanted(answer, client, secret)

    def _post(self, client: Registered, secret: SecretStr) -> Answer:
        wanted = {
            "client_id": client.client_id,
            "client_secret": secret.get_secret_value(),
            "client_name": client.name,
            "grant_types": ["client_credentials"],
            "response_types": [],
            "redirect_uris": [],
            "token_endpoint_auth_method": "client_secret_basic",
        }
        return self.line.ask("POST", self.endpoint, self.initial_token, {_TAKEN}, json=wanted)

    def _is_deleted(self, held: Registration) -> bool:
        """False: nobody can say, because the token is none."""
        answer = self.line.ask("DELETE", self._theirs(held.uri), held.token, {_NO_ENTRY, _GONE})
        return answer.status != _NO_ENTRY

    def _as_wanted(self, answer: Answer, client: Registered, secret: SecretStr) -> Registration:
        """What the server has made, if it is the client that was asked for."""
        made = answer.json if answer.status != _TAKEN else {}
        held = _registration(made)
        if _is(made, client.client_id, secret):
            self._theirs(held.uri)
            return held
        left = "and it is still there"
        with suppress(Refused, Unavailable):
            if self._is_deleted(held):
                left = "which is deleted again"
        raise Refused("client_id_not_taken", f"the server has made a client of its own, {left}")

    def _theirs(self, uri: str) -> str:
        """A token goes to no other server than the one that it is from. Raises Unavailable."""
        if urlsplit(uri)[:2] != urlsplit(self.endpoint)[:2]:
            raise unreadable("it sends us to another server")
        return uri


def _registration(made: Any) -> Registration:
    """Where what was made is managed. Raises Unavailable for what is no answer of RFC 7592 §3."""
    found = made if isinstance(made, dict) else {}
    uri, token = found.get("registration_client_uri"), found.get("registration_access_token")
    if not isinstance(uri, str) or not isinstance(token, str):
        raise unreadable("no registration access token")
    return Registration(uri, SecretStr(token))


def _is(made: dict[str, Any], client_id: str, secret: SecretStr) -> bool:
    told = made.get("client_id"), made.get("client_secret")
    return told == (client_id, secret.get_secret_value())
