"""Keycloak, by its Admin REST API: a client of ours is a client representation in its realm.

The realm takes our `clientId` and our `secret`, has one client of an ID, and finds it by that. So
each step looks first, and doing it twice is doing it once.
"""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from onboarding.authorization import Refused, Registered, Standing
from onboarding.authorization.speaking import Line, unreadable

_TAKEN: Final = 409
_GONE: Final = 404
# A confidential client that may ask for tokens for itself, and for nothing else.
_KIND: Final = {
    "protocol": "openid-connect",
    "enabled": True,
    "publicClient": False,
    "clientAuthenticatorType": "client-secret",
    "serviceAccountsEnabled": True,
    "standardFlowEnabled": False,
    "implicitFlowEnabled": False,
    "directAccessGrantsEnabled": False,
    "fullScopeAllowed": False,
}


@dataclass(frozen=True, slots=True)
class Keycloak:
    """A realm, and our own client there: one with a service account that has `manage-clients`."""

    line: Line
    # As in https://login.example/realms/sellers.
    realm: str
    client_id: str
    secret: SecretStr

    def register(self, client: Registered, secret: SecretStr) -> None:
        """Make it, or give the one that is there this secret."""
        token = self._token()
        if not self._gave(token, client, secret):
            made = {"clientId": client.client_id, "name": client.name, **_KIND}
            wanted = made | {"secret": secret.get_secret_value()}
            answer = self.line.ask("POST", self._clients, token, {_TAKEN}, json=wanted)
            # Somebody was faster; that was us, an attempt before.
            if answer.status == _TAKEN and not self._gave(token, client, secret):
                raise Refused("client_id_taken", "the client is there, and is not to be found")

    def replace_secret(self, client: Registered, secret: SecretStr) -> None:
        """The same: one that somebody has deleted there is made again."""
        self.register(client, secret)

    def revoke(self, client: Registered) -> None:
        """Delete it, with its service account."""
        token = self._token()
        if found := self._found(token, client):
            self.line.ask("DELETE", self._one(found), token, {_GONE})

    def standing(self, client: Registered) -> Standing:
        """Whether it is there, and enabled."""
        found = self._found(self._token(), client)
        if found is None:
            return Standing.MISSING
        return Standing.WORKS if found.get("enabled", True) else Standing.DISABLED

    def _gave(self, token: SecretStr, client: Registered, secret: SecretStr) -> bool:
        """Whether there was one to give a secret to. What its administrators have set besides stays."""
        found = self._found(token, client)
        if found is None:
            return False
        wanted = {"clientId": client.client_id, "secret": secret.get_secret_value()}
        return self.line.ask("PUT", self._one(found), token, {_GONE}, json=wanted).status != _GONE

    def _found(self, token: SecretStr, client: Registered) -> dict[str, Any] | None:
        asked = {"clientId": client.client_id}
        listed = self.line.ask("GET", self._clients, token, params=asked).json
        if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
            raise unreadable("no list of clients")
        return next((each for each in listed if each.get("clientId") == client.client_id), None)

    def _token(self) -> SecretStr:
        """For the Admin API, by our own client credentials."""
        url = f"{self.realm}/protocol/openid-connect/token"
        basic = (self.client_id, self.secret.get_secret_value())
        answer = self.line.ask("POST", url, data={"grant_type": "client_credentials"}, auth=basic)
        found = answer.json.get("access_token") if isinstance(answer.json, dict) else None
        if not isinstance(found, str):
            raise unreadable("no access token")
        return SecretStr(found)

    @property
    def _clients(self) -> str:
        """Of https://login.example/realms/sellers: https://login.example/admin/realms/sellers/clients."""
        base, _, name = self.realm.rpartition("/realms/")
        return f"{base}/admin/realms/{name}/clients"

    def _one(self, found: dict[str, Any]) -> str:
        """By the ID that Keycloak gave it."""
        its = found.get("id")
        if not isinstance(its, str) or not its or urlsplit(its).path != its or "/" in its:
            raise unreadable("a client without an ID")
        return f"{self._clients}/{its}"
