"""An identity provider as we know it: its endpoints, its keys, and our client there."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from joserfc.jwk import KeySet

from onboarding.sellers import SignInRefused, SignInUnavailable
from onboarding.sellers.bounded_json import get_json
from onboarding.sellers.id_token import usable_keys

BELIEVED_FOR: Final = 3600.0  # seconds that metadata and keys are kept
ASKED_AGAIN_AFTER: Final = 60.0  # seconds between two looks for a key that we do not know


@dataclass(frozen=True)
class Metadata:
    """What the provider says about itself, checked."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str
    end_session_endpoint: str
    announces_issuer: bool
    basic_auth: bool


class Provider:
    """One identity provider and our client there. Keep one: it remembers metadata and keys.

    Making one asks nothing yet, so a program may make it for a provider that it serves itself.
    `timeout` is in seconds and counts for each exchange as a whole.
    """

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str,
        http: httpx.Client,
        *,
        scope: str = "openid profile",
        accounts_claim: str = "seller_accounts",
        timeout: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.issuer, self.client_id, self.client_secret = issuer, client_id, client_secret
        self.http, self.timeout = http, timeout
        self.scope, self.accounts_claim = scope, accounts_claim
        self._clock, self._lock = clock, threading.Lock()
        self._metadata: tuple[float, Metadata] | None = None
        self._keys: tuple[float, KeySet] | None = None

    def metadata(self) -> Metadata:
        """Where the endpoints are. Raises SignInRefused, SignInUnavailable."""
        with self._one_at_a_time():
            if self._metadata is None or self._age(self._metadata) > BELIEVED_FOR:
                self._metadata = (self._clock(), self._fetch_metadata())
            return self._metadata[1]

    def keys(self, kid: str | None) -> KeySet:
        """The signing keys, fetched again for an unknown one, but once a minute at most."""
        jwks_uri = self.metadata().jwks_uri
        with self._one_at_a_time():
            if self._keys is None or self._age(self._keys) > _kept_for(self._keys[1], kid):
                self._keys = (self._clock(), self._fetch_keys(jwks_uri))
            return self._keys[1]

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        # Bounded, or sellers would queue one time-out after the other behind a silent provider.
        if not self._lock.acquire(timeout=self.timeout):
            raise SignInUnavailable("timeout")
        try:
            yield
        finally:
            self._lock.release()

    def _age(self, cached: tuple[float, object]) -> float:
        return self._clock() - cached[0]

    def _fetch_metadata(self) -> Metadata:
        # The path goes behind the issuer's own path: OpenID Connect's rule, not that of RFC 8414.
        url = self.issuer.rstrip("/") + "/.well-known/openid-configuration"
        return _checked(self._fetch(url), self.issuer)

    def _fetch_keys(self, jwks_uri: str) -> KeySet:
        return usable_keys(self._fetch(jwks_uri))

    def _fetch(self, url: str) -> dict[str, Any]:
        status, body = get_json(self.http, url, self.timeout)
        if status != httpx.codes.OK:
            raise SignInUnavailable(f"http_{status}")
        return body


def discover(issuer: str, client_id: str, client_secret: str, http: httpx.Client) -> Provider:
    """The provider, once it has shown who it is. Raises SignInRefused, SignInUnavailable."""
    provider = Provider(issuer, client_id, client_secret, http)
    provider.metadata()
    return provider


def _kept_for(keys: KeySet, kid: str | None) -> float:
    known = kid is None or any(key.kid == kid for key in keys)
    return BELIEVED_FOR if known else ASKED_AGAIN_AFTER


def _checked(metadata: dict[str, Any], issuer: str) -> Metadata:
    """Raises SignInRefused for metadata that we cannot sign in by."""
    if metadata.get("issuer") != issuer:
        raise SignInRefused("metadata_issuer")
    if "S256" not in _listed(metadata, "code_challenge_methods_supported", "S256"):
        raise SignInRefused("metadata_pkce")
    basic, post = "client_secret_basic", "client_secret_post"
    methods = _listed(metadata, "token_endpoint_auth_methods_supported", basic)
    if basic not in methods and post not in methods:
        raise SignInRefused("metadata_client_authentication")
    has_userinfo = "userinfo_endpoint" in metadata
    return Metadata(
        authorization_endpoint=_endpoint(metadata, "authorization_endpoint", issuer),
        token_endpoint=_endpoint(metadata, "token_endpoint", issuer),
        jwks_uri=_endpoint(metadata, "jwks_uri", issuer),
        userinfo_endpoint=_endpoint(metadata, "userinfo_endpoint", issuer) if has_userinfo else "",
        end_session_endpoint=_way_out(metadata, issuer),
        announces_issuer=(
            metadata.get("authorization_response_iss_parameter_supported", False) is True
        ),
        basic_auth=basic in methods,
    )


def _listed(metadata: dict[str, Any], name: str, default: str) -> list[Any]:
    listed = metadata.get(name, [default])
    return listed if isinstance(listed, list) else []


def _way_out(metadata: dict[str, Any], issuer: str) -> str:
    """Where to sign out; an address that will not do is none, and no reason not to sign in."""
    try:
        return _endpoint(metadata, "end_session_endpoint", issuer)
    except SignInRefused:
        return ""


def _endpoint(metadata: dict[str, Any], name: str, issuer: str) -> str:
    """An address that is no less private than the issuer's own."""
    address = metadata.get(name)
    try:
        url = urlsplit(address if isinstance(address, str) else "")
    except ValueError:
        raise SignInRefused(f"metadata_{name}") from None
    if url.scheme not in {"https", urlsplit(issuer).scheme} or not url.netloc:
        raise SignInRefused(f"metadata_{name}")
    return url.geturl()
