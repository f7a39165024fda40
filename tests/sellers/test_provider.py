"""What we believe of a provider: only metadata of its own, and keys that are asked for rarely."""

from collections.abc import Callable

import httpx
import pytest
from fastapi.responses import JSONResponse

from onboarding.sellers import SignInRefused, SignInUnavailable
from onboarding.sellers.oidc import Provider, discover
from tests.sellers.stub_provider import CLIENT_ID, CLIENT_SECRET, Stub, public_keys, sign_in

Knob = Callable[[Stub], object]


class Clock:
    """A clock that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(stub: Stub, http: httpx.Client, clock: Clock) -> Provider:
    """Our client, living by that clock."""
    return Provider(stub.issuer, CLIENT_ID, CLIENT_SECRET, http, clock=clock)


METADATA: dict[str, tuple[dict[str, object], str]] = {
    "another issuer": ({"issuer": "https://evil.example"}, "metadata_issuer"),
    "no issuer": ({"issuer": None}, "metadata_issuer"),
    "plain PKCE only": ({"code_challenge_methods_supported": ["plain"]}, "metadata_pkce"),
    "PKCE methods that are no list": ({"code_challenge_methods_supported": 7}, "metadata_pkce"),
    "private key clients only": (
        {"token_endpoint_auth_methods_supported": ["private_key_jwt"]},
        "metadata_client_authentication",
    ),
    "no token endpoint": ({"token_endpoint": None}, "metadata_token_endpoint"),
    "keys in a file": ({"jwks_uri": "file:///etc/passwd"}, "metadata_jwks_uri"),
    "keys nowhere": ({"jwks_uri": "https:///jwks"}, "metadata_jwks_uri"),
    "broken address": ({"jwks_uri": "https://[broken"}, "metadata_jwks_uri"),
}


@pytest.mark.parametrize(("metadata", "reason"), METADATA.values(), ids=METADATA)
def test_metadata_that_we_cannot_sign_in_by_is_refused(
    stub: Stub, http: httpx.Client, metadata: dict[str, object], reason: str
) -> None:
    """T11."""
    stub.metadata = metadata
    with pytest.raises(SignInRefused, match=rf"^{reason}$"):
        discover(stub.issuer, CLIENT_ID, CLIENT_SECRET, http)


def test_a_provider_that_does_not_answer_may_answer_later(stub: Stub, http: httpx.Client) -> None:
    stub.answers["metadata"] = lambda: JSONResponse({}, 503)
    with pytest.raises(SignInUnavailable, match=r"^http_503$"):
        discover(stub.issuer, CLIENT_ID, CLIENT_SECRET, http)
    del stub.answers["metadata"]
    assert discover(stub.issuer, CLIENT_ID, CLIENT_SECRET, http).issuer == stub.issuer


def test_making_a_provider_asks_nothing_and_metadata_are_asked_for_once_an_hour(
    stub: Stub, timed: Provider, clock: Clock
) -> None:
    assert stub.requests.total() == 0
    for clock.now in (0, 1800, 3600):
        sign_in(stub, timed)
    assert (stub.requests["metadata"], stub.requests["jwks"]) == (1, 1)
    clock.now = 3601
    sign_in(stub, timed)
    assert (stub.requests["metadata"], stub.requests["jwks"]) == (2, 2)


def test_a_flood_of_unknown_keys_fetches_the_keys_once_a_minute(
    stub: Stub, timed: Provider, clock: Clock
) -> None:
    """T11."""
    sign_in(stub, timed)
    stub.header["kid"] = "unknown"
    for clock.now in range(0, 61, 20):
        with pytest.raises(SignInRefused, match=r"^id_token_key$"):
            sign_in(stub, timed)
    assert stub.requests["jwks"] == 1
    for clock.now in range(61, 122, 20):
        with pytest.raises(SignInRefused, match=r"^id_token_key$"):
            sign_in(stub, timed)
    assert stub.requests["jwks"] == 2


def test_a_new_key_is_found_and_a_withdrawn_one_is_forgotten(
    stub: Stub, timed: Provider, clock: Clock
) -> None:
    sign_in(stub, timed)
    new = public_keys()["keys"][0] | {"kid": "new"}
    stub.jwks = {"keys": [new]}
    sign_in(stub, timed)
    stub.header["kid"] = "new"
    clock.now = 61
    assert sign_in(stub, timed).subject == "seller-1"
    stub.header["kid"] = "rsa"
    with pytest.raises(SignInRefused, match=r"^id_token_key$"):
        sign_in(stub, timed)


def test_the_client_secret_stays_out_of_sight(timed: Provider) -> None:
    assert CLIENT_SECRET not in repr(timed)
