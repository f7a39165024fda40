"""Texts that people paste, and what they mean."""

import json
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboarding import error_texts
from onboarding.verdicts import CASES, VERDICTS, WORKS

TEXTS: Final = {
    '{"error":"invalid_client","error_description":"Invalid client"}': "invalid_client",
    '{"error": "unauthorized_client"}': "unauthorized_client",
    'HTTP/1.1 400 Bad Request\n\n{"error":"invalid_request"}': "malformed_request",
    "error=unsupported_grant_type": "malformed_request",
    'WWW-Authenticate: Bearer error="invalid_token"': "token_refused",
    json.dumps({"status": 403, "code": "client_not_linked"}): "not_linked",
    json.dumps({"status": 403, "code": "link_not_confirmed"}): "link_not_confirmed",
    json.dumps({"status": 403, "code": "seller_suspended"}): "other_seller",
    json.dumps({"status": 404, "code": "seller_unknown"}): "seller_unknown",
    '{"type":"about:blank","title":"Forbidden","status":403}': "not_linked",
    "HTTP/2 404": "seller_unknown",
    "HTTP/1.1 401 Unauthorized": "token_refused",
    "<!DOCTYPE html><html><title>Just a moment...</title>": "not_json",
    "SyntaxError: Unexpected token '<', \"<html>\"... is not valid JSON": "not_json",
    "json.decoder.JSONDecodeError: Expecting value: line 1 column 1": "not_json",
    "<html><head><title>503 Service Unavailable</title>": "try_again",
    "curl: (6) Could not resolve host: auth.marketplace.example": "name_unknown",
    "getaddrinfo ENOTFOUND auth.marketplace.example": "name_unknown",
    "connect ECONNREFUSED 192.0.2.1:443": "name_unknown",
    "cURL error 60: SSL certificate problem: unable to get local issuer certificate": "tls_failed",
    "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed": "tls_failed",
    "javax.net.ssl.SSLHandshakeException: PKIX path building failed": "tls_failed",
    '{"code":"QuotaExceeded"}': "too_many",
    "429 Too Many Requests": "too_many",
    "cURL error 28: Operation timed out after 30000 milliseconds": "try_again",
    "HTTP/1.1 502 Bad Gateway": "try_again",
    '{"error":"temporarily_unavailable"}': "try_again",
    "": "not_recognised",
    "It does not work.": "not_recognised",
}


@pytest.mark.parametrize(("text", "case"), TEXTS.items())
def test_a_text_is_explained(text: str, case: str) -> None:
    assert error_texts.explain(text) == case


def test_every_verdict_can_be_told_from_a_text() -> None:
    told = {CASES[case].verdict for case in TEXTS.values()}
    assert told == {*VERDICTS, ""}
    assert {rule.case for rule in error_texts.RULES} <= {*TEXTS.values()}


def test_there_are_nine_verdicts_and_each_case_has_one() -> None:
    assert len(VERDICTS) == 9
    assert {case.verdict for case in CASES.values()} == {*VERDICTS, WORKS, ""}


@given(st.text(max_size=3000))
def test_whatever_is_pasted_something_is_said(text: str) -> None:
    assert error_texts.explain(text) in CASES
