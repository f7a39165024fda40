"""What of Keycloak's REST API is spoken to, as its documentation and its source have it.

It needs what cannot be had here from a package index, so this stands in its place: the token endpoint of
a realm, and the clients of its Admin API. It answers as `ClientsResource` and `ClientResource` do: 201
with a Location, 204, 404, 409 with an `errorMessage`, and 400 for a field that it does not know.
"""

import base64
import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4

REALM: Final = "/realms/sellers"
ADMIN: Final = f"/admin{REALM}/clients"
TOKEN: Final = f"{REALM}/protocol/openid-connect/token"
OUR_ID: Final = "onboarding"
OUR_SECRET: Final = "secret-of-the-onboarding"
# Of ClientRepresentation, what there is to send.
FIELDS: Final = frozenset(
    [
        "id",
        "clientId",
        "name",
        "description",
        "enabled",
        "secret",
        "protocol",
        "publicClient",
        "bearerOnly",
        "redirectUris",
        "clientAuthenticatorType",
        "serviceAccountsEnabled",
        "standardFlowEnabled",
        "implicitFlowEnabled",
        "directAccessGrantsEnabled",
        "fullScopeAllowed",
        "attributes",
        "webOrigins",
        "consentRequired",
    ]
)

Reply = tuple[int, dict[str, str], Any]
Request = tuple[str, str]


@dataclass
class Keycloak:
    """A realm: its clients by the IDs that it gave them, and how it answers what a test spoils."""

    # With one it speaks TLS.
    certificate: Path | None = None
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[Request] = field(default_factory=list)
    # For a method and a path's beginning: what is replied instead, once.
    instead: dict[Request, Reply] = field(default_factory=dict)
    # What happens before a request is answered.
    before: Callable[[Request], object] = lambda _: None
    tokens: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate, self.certificate.with_name("key.pem"))
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, args=[0.02], daemon=True).start()

    @property
    def url(self) -> str:
        scheme = "https" if self.certificate else "http"
        return f"{scheme}://127.0.0.1:{self._server.server_port}{REALM}"

    @property
    def settings(self) -> dict[str, str]:
        """What tells us to make clients there."""
        return {
            "ONBOARDING_AUTHORIZATION_SERVER": "keycloak",
            "ONBOARDING_AUTHORIZATION_SERVER_URL": self.url,
            "ONBOARDING_AUTHORIZATION_SERVER_CLIENT_ID": OUR_ID,
            "ONBOARDING_AUTHORIZATION_SERVER_SECRET": OUR_SECRET,
        }

    def clients(self) -> dict[str, str]:
        """The secrets of the clients that it has, by their client IDs."""
        return {each["clientId"]: each["secret"] for each in self.kept.values()}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def reply(self, method: str, target: str, headers: dict[str, str], body: bytes) -> Reply:
        parts = urlsplit(target)
        asked = method, parts.path
        self.asked.append(asked)
        self.before(asked)
        for (verb, path), spoiled in list(self.instead.items()):
            if verb == method and parts.path.startswith(path):
                del self.instead[verb, path]
                return spoiled
        if asked == ("POST", TOKEN):
            return self._token(headers, parse_qs(body.decode()))
        if headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return 401, {}, {"error": "HTTP 401 Unauthorized"}
        return self._admin(method, parts.path, parse_qs(parts.query), body)

    def _token(self, headers: dict[str, str], form: dict[str, list[str]]) -> Reply:
        """For ourselves, and for the clients that we have made."""
        if form.get("grant_type") != ["client_credentials"]:
            return 400, {}, {"error": "unsupported_grant_type"}
        client_id, secret = _basic(headers)
        known = {
            each["clientId"]: each["secret"]
            for each in self.kept.values()
            if each.get("enabled") and each.get("serviceAccountsEnabled")
        } | {OUR_ID: OUR_SECRET}
        if known.get(client_id) != secret:
            told = "Invalid client or Invalid client credentials"
            return 401, {}, {"error": "unauthorized_client", "error_description": told}
        token = uuid4().hex
        if client_id == OUR_ID:
            self.tokens.add(token)
        return 200, {}, {"access_token": token, "expires_in": 300, "token_type": "Bearer"}

    def _admin(self, method: str, path: str, query: dict[str, list[str]], body: bytes) -> Reply:
        sent = json.loads(body) if body else {}
        if unknown := set(sent) - FIELDS:
            return 400, {}, {"error": f"Unrecognized field {min(unknown)!r}"}
        if path == ADMIN:
            return self._list(query) if method == "GET" else self._create(sent)
        its = unquote(path.removeprefix(f"{ADMIN}/"))
        if its not in self.kept:
            return 404, {}, {"error": "Could not find client"}
        if method == "DELETE":
            del self.kept[its]
        elif method == "PUT":
            self.kept[its] |= {name: value for name, value in sent.items() if value is not None}
        else:
            return 200, {}, self.kept[its]
        return 204, {}, None

    def _list(self, query: dict[str, list[str]]) -> Reply:
        """`clientId` is looked for as it is: `search` is not asked for."""
        wanted = query.get("clientId", [""])[0]
        return 200, {}, [each for each in self.kept.values() if each["clientId"] == wanted]

    def _create(self, sent: dict[str, Any]) -> Reply:
        if any(each["clientId"] == sent["clientId"] for each in self.kept.values()):
            return 409, {}, {"errorMessage": f"Client {sent['clientId']} already exists"}
        its = str(uuid4())
        self.kept[its] = {"secret": uuid4().hex, "enabled": True, **sent, "id": its}
        return 201, {"location": f"{self.url}/clients/{its}"}, None


@contextmanager
def keycloak_server(certificate: Path | None = None) -> Iterator[Keycloak]:
    """The realm, until the block ends."""
    made = Keycloak(certificate)
    try:
        yield made
    finally:
        made.close()


def _basic(headers: dict[str, str]) -> tuple[str, str]:
    sent = headers.get("authorization", "").removeprefix("Basic ")
    client_id, _, secret = base64.b64decode(sent).decode().partition(":")
    return client_id, secret


def _handler(keycloak: Keycloak) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            status, more, told = keycloak.reply(self.command, self.path, headers, body)
            content = told if isinstance(told, bytes) else json.dumps(told).encode()
            content = b"" if told is None else content
            self.send_response_only(status)
            for name, value in {**more, "content-length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - so they are looked for

        def log_message(self, *_: Any) -> None:
            """It says nothing."""

    return Handler
