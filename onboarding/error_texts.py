"""Explains an error that somebody pastes: rules from the most telling to the least, and the first that fits.

A text may be the body of an answer, a line of a log, a web page or what a library says of TLS. It is
read here and forgotten.
"""

import re
from typing import Final, NamedTuple

# Nobody needs more of a web page to know that it is one.
LONGEST: Final = 20_000


class Rule(NamedTuple):
    """A text like this is that case of `verdicts`."""

    pattern: re.Pattern[str]
    case: str


def _rule(case: str, *patterns: str) -> Rule:
    return Rule(re.compile("|".join(patterns), re.IGNORECASE), case)


RULES: Final = (
    # Codes of ours and of RFC 6749 and 6750: nothing else is called so.
    _rule("link_not_confirmed", r"\blink_not_confirmed\b"),
    _rule("not_linked", r"\bclient_not_linked\b"),
    _rule("other_seller", r"\bseller_suspended\b"),
    _rule("seller_unknown", r"\bseller_unknown\b", r"\bseller (id )?(was |is )?not (found|known)\b"),
    _rule("token_refused", r"\binvalid_token\b", r"\btoken_(invalid|expired|revoked)\b"),
    _rule("unauthorized_client", r"\bunauthori[sz]ed_client\b"),
    _rule("invalid_client", r"\binvalid_client\b", r"\binvalid client (credentials|secret)\b"),
    _rule(
        "malformed_request",
        r"\binvalid_request\b",
        r"\bunsupported_grant_type\b",
        r"\binvalid_scope\b",
        r"\binvalid_grant\b",
    ),
    _rule(
        "too_many",
        r"\bquota_?exceeded\b",
        r"\btoo many requests\b",
        r"\brate.?limit(ed| exceeded)\b",
        r"\bHTTP(/[\d.]+)? 429\b",
        r'"?status"?\s*[:=]\s*429\b',
    ),
    # What libraries and browsers say of a connection.
    _rule(
        "tls_failed",
        r"certificate.?verify.?failed",
        r"\bSSL(Error| error|: |_|HandshakeException| certificate)",
        r"\bTLS\b.{0,40}\b(fail|error|alert|handshake)",
        r"unable to (get local issuer|verify the first) certificate",
        r"self.?signed certificate",
        r"PKIX path building failed",
        r"certificate has expired",
        r"\bcURL error (35|51|58|60|77)\b",
    ),
    _rule(
        "name_unknown",
        r"could not resolve host",
        r"name or service not known",
        r"nodename nor servname",
        r"temporary failure in name resolution",
        r"\bgetaddrinfo\b",
        r"\bENOTFOUND\b",
        r"\bEAI_AGAIN\b",
        r"\bUnknownHostException\b",
        r"\bECONNREFUSED\b",
        r"connection refused",
        r"no route to host",
        r"\bcURL error [67]\b",
    ),
    _rule(
        "try_again",
        r"\btemporarily_unavailable\b",
        r"\bserver_error\b",
        r"\btimed? ?out\b",
        r"\bETIMEDOUT\b",
        r"\bECONNRESET\b",
        r"\bHTTP(/[\d.]+)? 5\d\d\b",
        r'"?status"?\s*[:=]\s*5\d\d\b',
        r"\b50[0234] (internal server error|bad gateway|service unavailable|gateway time-?out)\b",
    ),
    # A page where JSON was expected, and what a reader of JSON says of one.
    _rule(
        "not_json",
        r"<!doctype html",
        r"<html\b",
        r"unexpected token '?<",
        r"JSON\.?(parse|decode)?.{0,20}error",
        r"expecting value: line 1",
        r"just a moment\.\.\.",
        r"enable javascript and cookies",
    ),
    # What is left when only a status is told.
    _rule("seller_unknown", r"\bHTTP(/[\d.]+)? 404\b", r'"?status"?\s*[:=]\s*404\b', r"\b404 not found\b"),
    _rule("not_linked", r"\bHTTP(/[\d.]+)? 403\b", r'"?status"?\s*[:=]\s*403\b', r"\b403 forbidden\b"),
    _rule("token_refused", r"\bHTTP(/[\d.]+)? 401\b", r'"?status"?\s*[:=]\s*401\b', r"\b401 unauthori[sz]ed\b"),
    _rule("malformed_request", r"\bHTTP(/[\d.]+)? (400|405|415)\b", r'"?status"?\s*[:=]\s*400\b', r"\b400 bad request\b"),
)  # fmt: skip


def explain(text: str) -> str:
    """The case that a pasted text is; "not_recognised" for any other."""
    begun = text[:LONGEST]
    return next((rule.case for rule in RULES if rule.pattern.search(begun)), "not_recognised")
