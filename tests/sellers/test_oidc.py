"""The way of a sign-in, over real HTTP: what our client asks, brings back, accepts and refuses."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse, StreamingResponse

from onboarding.sellers import SellerAccount, SignInRefused, SignInUnavailable
from onboarding.sellers.oidc import Provider, begin, complete, sign_out_url
from tests.sellers.stub_provider import CALLBACK, CLIENT_ID, CLIENT_SECRET, Stub, sign_in

SHOP = SellerAccount("123456", "Example Shop SARL", "active", "owner", may_connect_api=True)
Knob = Callable[[Stub], object]


def test_a_seller_who_signs_in_is_known_by_issuer_and_subject(
    stub: Stub, provider: Provider
) -> None:
    identity = sign_in(stub, provider)
    assert (identity.issuer, identity.subject) == (stub.issuer, "seller-1")
    assert (identity.name, identity.accounts) == ("Alex Martin", (SHOP,))
    assert abs(datetime.now(UTC) - identity.auth_time) < timedelta(seconds=60)


def test_the_question_carries_pkce_and_never_repeats_itself(stub: Stub, provider: Provider) -> None:
    """T09."""
    (first, pending), (second, _) = (begin(provider, CALLBACK, "fr", fresh=False) for _ in range(2))
    asked, again = (dict(parse_qsl(urlsplit(url).query)) for url in (first, second))
    assert first.startswith(f"{stub.issuer}/authorize?tenant=7&")
    assert (asked["code_challenge_method"], asked["ui_locales"]) == ("S256", "fr")
    assert all(asked[name] != again[name] for name in ("state", "nonce", "code_challenge"))
    assert pending.verifier not in first + repr(pending)
    assert "prompt" not in asked


def test_a_fresh_sign_in_is_asked_for_and_proved(stub: Stub, provider: Provider) -> None:
    sign_in(stub, provider, fresh=True)
    assert (stub.asked["prompt"], stub.asked["max_age"]) == ("login", "0")
    for auth_time in (int(time.time()) - 300, None):
        stub.claims["auth_time"] = auth_time
        with pytest.raises(SignInRefused, match=r"^stale$"):
            sign_in(stub, provider, fresh=True)


def test_an_untold_time_of_sign_in_is_the_oldest_there_is(stub: Stub, provider: Provider) -> None:
    """T13."""
    stub.claims["auth_time"] = None
    assert sign_in(stub, provider).auth_time == datetime(1970, 1, 1, tzinfo=UTC)


FOREIGN_ANSWERS: dict[str, tuple[dict[str, str | None], str]] = {
    "foreign state": ({"state": "another"}, "state"),
    "no state": ({"state": None}, "state"),
    "state that is no ASCII": ({"state": "é"}, "state"),
    "foreign issuer": ({"iss": "https://evil.example"}, "issuer"),
    "no issuer, though announced": ({"iss": None}, "issuer"),
    "no code": ({"code": None}, "code"),
    "endless code": ({"code": "c" * 10_000}, "code"),
    "the seller cancelled": ({"error": "access_denied", "code": None}, "cancelled"),
    "an error and a code": ({"error": "invalid_scope"}, "provider_error"),
    "an error from elsewhere": ({"error": "access_denied", "iss": "https://evil"}, "issuer"),
}


@pytest.mark.parametrize(("brought", "reason"), FOREIGN_ANSWERS.values(), ids=FOREIGN_ANSWERS)
def test_an_answer_to_another_question_sends_nothing_to_the_provider(
    stub: Stub, provider: Provider, brought: dict[str, str | None], reason: str
) -> None:
    with pytest.raises(SignInRefused, match=rf"^{reason}$"):
        sign_in(stub, provider, brought)
    assert stub.requests["token"] == 0


def test_a_question_for_one_provider_is_not_answered_by_another(
    stub: Stub, provider: Provider
) -> None:
    """T08."""
    _, pending = begin(provider, CALLBACK, "en", fresh=False)
    asked_elsewhere = replace(pending, issuer="https://other.example")
    query = {"code": "code-1", "state": pending.state, "iss": stub.issuer}
    with pytest.raises(SignInRefused, match=r"^issuer$"):
        complete(provider, asked_elsewhere, query)
    assert stub.requests["token"] == 0


def test_an_issuer_is_not_demanded_where_none_is_announced(stub: Stub, provider: Provider) -> None:
    stub.metadata["authorization_response_iss_parameter_supported"] = None
    assert sign_in(stub, provider, {"iss": None}).accounts == (SHOP,)
    with pytest.raises(SignInRefused, match=r"^issuer$"):
        sign_in(stub, provider, {"iss": "https://evil.example"})


def test_accounts_are_asked_for_where_the_id_token_names_none(
    stub: Stub, provider: Provider
) -> None:
    stub.claims |= {"seller_accounts": None, "name": None}
    identity = sign_in(stub, provider)
    assert (identity.name, identity.accounts) == ("Alex Martin", (SHOP,))


def test_a_seller_without_accounts_is_still_somebody(stub: Stub, provider: Provider) -> None:
    stub.metadata["userinfo_endpoint"] = stub.claims["seller_accounts"] = None
    assert sign_in(stub, provider).accounts == ()


def test_what_is_not_said_about_an_account_is_the_least(stub: Stub, provider: Provider) -> None:
    stub.claims["seller_accounts"] = [{"seller_id": "1", "may_connect_api": "true"}]
    assert sign_in(stub, provider).accounts == (
        SellerAccount("1", "", "unknown", "member", may_connect_api=False),
    )


def test_the_claim_with_the_accounts_has_the_name_that_the_marketplace_gives_it(
    stub: Stub, http: httpx.Client
) -> None:
    stub.claims["urn:shops"] = [{"seller_id": "77"}]
    provider = Provider(stub.issuer, CLIENT_ID, CLIENT_SECRET, http, accounts_claim="urn:shops")
    assert [account.seller_id for account in sign_in(stub, provider).accounts] == ["77"]


def test_the_secret_goes_into_the_form_where_basic_is_not_understood(
    stub: Stub, provider: Provider
) -> None:
    stub.metadata["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    assert sign_in(stub, provider).accounts == (SHOP,)


def answer(endpoint: str, content: object, status: int = 200) -> Knob:
    return lambda stub: stub.answering(endpoint, lambda: JSONResponse(content, status))


REFUSALS: dict[str, tuple[Knob, str]] = {
    "userinfo about another": (
        lambda s: s.having(claims={"seller_accounts": None}, userinfo={"sub": "seller-2"}),
        "userinfo_subject",
    ),
    "userinfo about nobody": (
        lambda s: s.having(claims={"seller_accounts": None}, userinfo={"sub": None}),
        "userinfo_subject",
    ),
    "accounts that are no list": (
        lambda s: s.having(claims={"seller_accounts": "123456"}),
        "seller_accounts",
    ),
    "account that is no object": (
        lambda s: s.having(claims={"seller_accounts": ["123456"]}),
        "seller_accounts",
    ),
    "account without a Seller ID": (
        lambda s: s.having(claims={"seller_accounts": [{"shop_name": "Example"}]}),
        "seller_accounts",
    ),
    "endless subject": (lambda s: s.having(claims={"sub": "s" * 256}), "subject"),
    "code refused": (answer("token", {"error": "invalid_grant"}, status=400), "token_request"),
    "client refused": (answer("token", {"error": "invalid_client"}, status=401), "token_request"),
    "no ID token": (answer("token", {"access_token": "a", "token_type": "bearer"}), "id_token"),
    "not a bearer token": (answer("token", {"token_type": "mac"}), "token_type"),
}


@pytest.mark.parametrize(("knob", "reason"), REFUSALS.values(), ids=REFUSALS)
def test_a_wrong_answer_of_the_provider_is_refused(
    stub: Stub, provider: Provider, knob: Knob, reason: str
) -> None:
    knob(stub)
    with pytest.raises(SignInRefused, match=rf"^{reason}$"):
        sign_in(stub, provider)


def huge() -> JSONResponse:
    return JSONResponse({"keys": [], "padding": "x" * 300_000})


TROUBLES: dict[str, tuple[Knob, str]] = {
    "token endpoint fails": (answer("token", {"error": "oops"}, status=500), "http_500"),
    "token endpoint is busy": (answer("token", {}, status=429), "http_429"),
    "token endpoint answers in HTML": (
        lambda s: s.answering("token", lambda: PlainTextResponse("<html>")),
        "not_json",
    ),
    "token endpoint answers with a list": (answer("token", []), "not_json"),
    "token endpoint is silent": (
        lambda s: s.answering("token", lambda: JSONResponse({"late": s.released.wait(20)})),
        "timeout",
    ),
    "token endpoint drips": (
        lambda s: s.answering("token", lambda: StreamingResponse(s.drip())),
        "timeout",
    ),
    "token endpoint sends us elsewhere": (
        lambda s: s.answering("token", lambda: RedirectResponse(f"{s.issuer}/userinfo", 307)),
        "http_307",
    ),
    "too many keys": (lambda s: s.answering("jwks", huge), "too_large"),
    "no keys": (answer("jwks", {}, status=404), "http_404"),
    "deeply nested keys": (
        lambda s: s.answering("jwks", lambda: PlainTextResponse('{"keys":' + "[" * 99_999)),
        "not_json",
    ),
    "packed keys": (
        lambda s: s.answering(
            "jwks", lambda: PlainTextResponse("\x1f\x8b", headers={"Content-Encoding": "gzip"})
        ),
        "not_json",
    ),
    "nothing at the token endpoint": (
        lambda s: s.having(metadata={"token_endpoint": "http://127.0.0.1:1/token"}),
        "unreachable",
    ),
}


@pytest.mark.parametrize(("knob", "reason"), TROUBLES.values(), ids=TROUBLES)
def test_a_provider_in_trouble_is_a_reason_to_try_again(
    stub: Stub, provider: Provider, knob: Knob, reason: str
) -> None:
    knob(stub)
    with pytest.raises(SignInUnavailable, match=rf"^{reason}$"):
        sign_in(stub, provider)
    assert stub.requests["userinfo"] == 0


@pytest.mark.parametrize("error", ["server_error", "temporarily_unavailable"])
def test_a_provider_that_says_it_is_in_trouble_is_one(
    stub: Stub, provider: Provider, error: str
) -> None:
    with pytest.raises(SignInUnavailable, match=rf"^{error}$"):
        sign_in(stub, provider, {"error": error})


@pytest.mark.parametrize(
    ("endpoint", "leads_to"),
    [
        (None, None),
        ("ftp://portal.example/out", None),
        (7, None),
        (
            "https://login.example/out",
            f"https://login.example/out?client_id={CLIENT_ID}&ui_locales=fr",
        ),
        (
            "https://login.example/out?a=1",
            f"https://login.example/out?a=1&client_id={CLIENT_ID}&ui_locales=fr",
        ),
    ],
)
def test_sellers_sign_out_where_the_provider_says(
    stub: Stub, provider: Provider, endpoint: object, leads_to: str | None
) -> None:
    stub.metadata["end_session_endpoint"] = endpoint
    assert sign_out_url(provider, "fr") == leads_to
