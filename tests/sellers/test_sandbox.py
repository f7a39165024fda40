"""The sandbox Seller Portal as a provider: what it grants and what it refuses, from outside."""

import base64
import json
import time

import httpx
import pytest

from onboarding.sellers.sandbox_accounts import SAMPLE_SELLERS, SampleSeller
from onboarding.sellers.sandbox_tokens import write_note
from tests.sellers.sandbox_visit import (
    CHALLENGE,
    CLIENT_ID,
    KEY,
    PATH,
    SECRET,
    app_at,
    ask,
    brought,
    choose,
    code_for,
    redeem,
)
from tests.sellers.serving import serving


@pytest.mark.parametrize("seller", SAMPLE_SELLERS.values(), ids=SAMPLE_SELLERS)
def test_every_sample_seller_signs_in_at_a_program_that_calls_itself(
    visitor: httpx.Client, seller: SampleSeller
) -> None:
    answer = choose(visitor, visitor.get(visitor.get("/begin").json()), seller=seller.subject)
    if len(seller.accounts) > 1:
        answer = choose(visitor, answer, shop="all")
    known = visitor.get(answer.headers["location"]).json()
    assert known == [seller.subject, seller.name, [a.seller_id for a in seller.accounts]]


def test_sellers_without_a_right_or_an_active_account_are_told_apart(
    visitor: httpx.Client,
) -> None:
    told = {}
    for subject in ("one-shop", "suspended", "sub-user"):
        token = redeem(visitor, code_for(visitor, subject)).json()["access_token"]
        about = visitor.get(f"{PATH}/userinfo", headers={"Authorization": f"Bearer {token}"})
        account = about.json()["seller_accounts"][0]
        told[subject] = (account["status"], account["role"], account["may_connect_api"])
    assert told == {
        "one-shop": ("active", "owner", True),
        "suspended": ("suspended", "owner", True),
        "sub-user": ("active", "member", False),
    }


@pytest.mark.parametrize("shop", ["234561", "234562"])
def test_a_seller_with_two_shops_may_tell_about_one(visitor: httpx.Client, shop: str) -> None:
    shops = choose(visitor, visitor.get(visitor.get("/begin").json()), seller="two-shops")
    answer = choose(visitor, shops, shop=shop)
    assert visitor.get(answer.headers["location"]).json()[2] == [shop]


def test_a_shop_of_somebody_else_cannot_be_chosen(visitor: httpx.Client) -> None:
    shops = choose(visitor, ask(visitor), seller="two-shops")
    assert choose(visitor, shops, shop="123456").status_code == 400


def test_cancelling_goes_back_without_a_code(url: str, visitor: httpx.Client) -> None:
    answer = choose(visitor, ask(visitor), action="cancel", seller="one-shop")
    assert brought(answer) == {"error": "access_denied", "state": "state-1", "iss": url + PATH}


REFUSED_QUESTIONS: dict[str, tuple[dict[str, str | None], str]] = {
    "no PKCE": ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
    "no challenge": ({"code_challenge": None}, "invalid_request"),
    "PKCE in plain": ({"code_challenge_method": "plain"}, "invalid_request"),
    "PKCE in plain by default": ({"code_challenge_method": None}, "invalid_request"),
    "challenge of odd length": ({"code_challenge": CHALLENGE[:-1]}, "invalid_request"),
    "implicit flow": ({"response_type": "token"}, "unsupported_response_type"),
    "no response type": ({"response_type": None}, "invalid_request"),
    "answer in the fragment": ({"response_mode": "fragment"}, "invalid_request"),
    "request object": ({"request": "e30.e30."}, "request_not_supported"),
    "request by reference": ({"request_uri": "https://a.example"}, "request_uri_not_supported"),
    "no openid": ({"scope": "profile"}, "invalid_scope"),
    "odd age": ({"max_age": "-1"}, "invalid_request"),
    "odd prompt": ({"prompt": "please"}, "invalid_request"),
    "none and login": ({"prompt": "none login"}, "invalid_request"),
    "nobody signed in": ({"prompt": "none"}, "login_required"),
}


@pytest.mark.parametrize(("changed", "error"), REFUSED_QUESTIONS.values(), ids=REFUSED_QUESTIONS)
def test_a_question_against_the_rules_goes_back_with_an_error(
    url: str, visitor: httpx.Client, changed: dict[str, str | None], error: str
) -> None:
    answer = brought(ask(visitor, **changed))
    assert answer.pop("error_description", "")
    assert answer == {"error": error, "state": "state-1", "iss": url + PATH}


@pytest.mark.parametrize(
    "redirect_uri",
    [
        *("{url}/callback/", "{url}/callback?x=1", "{url}/callback#x", "{url}/callback/../x"),
        *(
            "{url}/Callback",
            "{url}",
            "{url}.evil.example/callback",
            "https://evil.example",
            "",
            None,
        ),
    ],
)
def test_nobody_is_sent_to_an_address_that_is_not_registered(
    url: str, visitor: httpx.Client, redirect_uri: str | None
) -> None:
    answer = ask(visitor, redirect_uri=redirect_uri and redirect_uri.format(url=url))
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_nobody_is_sent_back_to_an_unknown_client(visitor: httpx.Client) -> None:
    assert ask(visitor, client_id="another").status_code == 400


def test_a_question_that_says_one_thing_twice_is_not_answered(visitor: httpx.Client) -> None:
    query = ask(visitor).request.url.query.decode()
    assert visitor.get(f"{PATH}/authorize?{query}").status_code == 200
    assert visitor.get(f"{PATH}/authorize?{query}&state=state-2").status_code == 400


def test_an_address_with_a_query_keeps_it(url: str, visitor: httpx.Client) -> None:
    answer = choose(visitor, ask(visitor, redirect_uri=f"{url}/other?tab=1"), seller="one-shop")
    assert brought(answer)["tab"] == "1"


REFUSED_REDEMPTIONS: dict[str, tuple[dict[str, str | None], str]] = {
    "wrong verifier": ({"code_verifier": "x" * 43}, "invalid_grant"),
    "challenge as verifier": ({"code_verifier": CHALLENGE}, "invalid_grant"),
    "no verifier": ({"code_verifier": None}, "invalid_request"),
    "short verifier": ({"code_verifier": "x" * 42}, "invalid_request"),
    "another address": ({"redirect_uri": "https://evil.example/callback"}, "invalid_grant"),
    "no address": ({"redirect_uri": None}, "invalid_request"),
    "password grant": ({"grant_type": "password"}, "unsupported_grant_type"),
    "no grant type": ({"grant_type": None}, "invalid_request"),
    "no code": ({"code": None}, "invalid_request"),
    "made-up code": ({"code": "code"}, "invalid_grant"),
    "secret in two places": ({"client_secret": SECRET}, "invalid_request"),
}


@pytest.mark.parametrize(
    ("changed", "error"), REFUSED_REDEMPTIONS.values(), ids=REFUSED_REDEMPTIONS
)
def test_a_code_is_redeemed_by_the_rules_only(
    visitor: httpx.Client, changed: dict[str, str | None], error: str
) -> None:
    answer = redeem(visitor, **({"code": code_for(visitor)} | changed))  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_a_code_is_spent_by_its_first_use_good_or_bad(visitor: httpx.Client) -> None:
    code = code_for(visitor)
    assert redeem(visitor, code).status_code == 200
    assert redeem(visitor, code).json()["error"] == "invalid_grant"
    code = code_for(visitor)
    assert redeem(visitor, code, code_verifier="x" * 43).status_code == 400
    assert redeem(visitor, code).json()["error"] == "invalid_grant"


def test_a_code_lasts_a_minute(visitor: httpx.Client) -> None:
    facts = code_for(visitor).split(".")[1]
    expires = json.loads(base64.urlsafe_b64decode(facts + "=="))["exp"]
    assert 50 < expires - time.time() <= 60
    late = write_note(KEY, "code", {"sub": "one-shop"}, -1)
    assert redeem(visitor, late).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("auth", [(CLIENT_ID, "wrong"), ("another", SECRET), (CLIENT_ID, ""), None])
def test_a_client_without_the_secret_gets_nothing(
    visitor: httpx.Client, auth: tuple[str, str] | None
) -> None:
    code = code_for(visitor)
    answer = redeem(visitor, code, auth)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert answer.headers["www-authenticate"] == "Basic"
    assert redeem(visitor, code).status_code == 200


def test_the_secret_may_come_in_the_form(visitor: httpx.Client) -> None:
    answer = redeem(visitor, code_for(visitor), None, client_id=CLIENT_ID, client_secret=SECRET)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"


def test_only_an_access_token_opens_userinfo(visitor: httpx.Client) -> None:
    tokens = redeem(visitor, code_for(visitor)).json()
    for token in (tokens["id_token"], code_for(visitor), *visitor.cookies.values(), "made-up"):
        answer = visitor.get(f"{PATH}/userinfo", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401
    header = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert visitor.get(f"{PATH}/userinfo", headers=header).json()["sub"] == "one-shop"


def test_the_scope_decides_what_is_told(visitor: httpx.Client) -> None:
    tokens = redeem(visitor, code_for(visitor, scope="openid")).json()
    header = {"Authorization": f"Bearer {tokens['access_token']}"}
    about = visitor.get(f"{PATH}/userinfo", headers=header).json()
    assert about.keys() == {"sub", "seller_accounts"}


def test_a_code_of_one_process_is_redeemed_by_another(visitor: httpx.Client) -> None:
    with serving(app_at) as elsewhere, httpx.Client(base_url=elsewhere) as other:
        answer = redeem(
            other, code_for(visitor), redirect_uri=str(visitor.base_url.join("/callback"))
        )
        assert answer.status_code == 200
        assert other.get(f"{PATH}/jwks").json() == visitor.get(f"{PATH}/jwks").json()


def test_the_published_keys_are_public(visitor: httpx.Client) -> None:
    (key,) = visitor.get(f"{PATH}/jwks").json()["keys"]
    assert key.keys() == {"kty", "crv", "x", "y", "use", "alg", "kid"}


@pytest.mark.parametrize(
    ("content_type", "body", "why"),
    [
        ("application/json", b"{}", "Send application/x-www-form-urlencoded."),
        ("application/x-www-form-urlencoded", b"x" * 40_000, "The request is too long."),
        ("application/x-www-form-urlencoded", b"x=&" * 50, "The request cannot be read."),
    ],
)
def test_the_token_endpoint_takes_short_forms_only(
    visitor: httpx.Client, content_type: str, body: bytes, why: str
) -> None:
    header = {"Content-Type": content_type}
    answer = visitor.post(f"{PATH}/token", content=body, headers=header, auth=(CLIENT_ID, SECRET))
    assert (answer.status_code, answer.json()["error_description"]) == (400, why)
