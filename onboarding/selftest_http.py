"""The way of a test through the network: metadata first, then a token, then a call, as any program would."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx
from pydantic import SecretStr

from onboarding.authorization.speaking import is_tls
from onboarding.judging import Answer
from onboarding.selftest import Unreached

# Seconds for each answer, and bytes of it that are read at most.
PATIENCE: Final = 10.0
READS: Final = 64 * 1024
_METADATA: Final = "/.well-known/oauth-authorization-server"


class Elsewhere:
    """A system at an URL. Redirects are not followed: a secret goes where it was meant to go."""

    def __init__(self, url: str, http: httpx.Client) -> None:
        self._url, self._http = url.rstrip("/"), http

    def token(self, client_id: str, secret: SecretStr) -> Answer:
        """Ask its token endpoint, with ID and secret in the form."""
        form = {
            "grant_type": "client_credentials",
            "client_id": client_id,
            "client_secret": secret.get_secret_value(),
        }
        return self._ask("POST", self._token_endpoint(), data=form)

    def call(self, token: str, seller_id: str | None) -> Answer:
        """Ask its API who calls."""
        headers = {"authorization": f"Bearer {token}"}
        if seller_id is not None:
            # As bytes: what cannot be a Seller ID is the API's to refuse.
            headers["sellerid"] = seller_id.encode("ascii", "replace").decode()
        return self._ask("GET", f"{self._url}/v1/whoami", headers=headers)

    def _token_endpoint(self) -> str:
        """As its metadata has it, if that is about this very system (RFC 8414 §3.3)."""
        usual = f"{self._url}/oauth2/token"
        found = self._ask("GET", self._url + _METADATA).json or {}
        named = found.get("token_endpoint")
        return named if found.get("issuer") == self._url and isinstance(named, str) else usual

    def _ask(self, method: str, url: str, **content: object) -> Answer:
        return asked(self._http, method, url, **content)


def asked(http: httpx.Client, method: str, url: str, **content: object) -> Answer:
    """What somebody answers. Raises Unreached."""
    with (
        _in_our_words(),
        http.stream(method, url, timeout=PATIENCE, **content) as answer,  # type: ignore[arg-type]
    ):
        body = bytearray()
        for chunk in answer.iter_bytes():
            body += chunk
            if len(body) > READS:
                break
        return Answer(answer.status_code, bytes(body[:READS]))


@contextmanager
def elsewhere(url: str) -> Iterator[Elsewhere]:
    """The system at this URL, while somebody asks it."""
    with httpx.Client(follow_redirects=False) as http:
        yield Elsewhere(url, http)


@contextmanager
def _in_our_words() -> Iterator[None]:
    try:
        yield
    except httpx.TimeoutException:
        raise Unreached("try_again") from None
    except (httpx.InvalidURL, httpx.UnsupportedProtocol):
        raise Unreached("name_unknown") from None
    except httpx.ConnectError as error:
        raise Unreached("tls_failed" if is_tls(error) else "name_unknown") from None
    except httpx.HTTPError:
        raise Unreached("try_again") from None
