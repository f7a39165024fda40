"""What a setting may hold, beyond a text or a number: each check returns the value, or raises ValueError."""

import re
from typing import Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, ValidationInfo

from onboarding import crash_points

# What an operator may be; `operators` says what each of them may do. From the least to the most.
ROLES = ("viewer", "auditor", "operator", "lead", "admin")
# What an operator may decide over others' work; and the same on many at once.
RISKY: Final = (
    "approve_aggregator",
    "refuse_aggregator",
    "reissue_secret",
    "unlink_seller",
    "start_over",
    "cancel",
    "revoke_credentials",
    "end_link",
    "bulk",
)
# What pydantic says of a value that it cannot use, and what we say.
_IN_WORDS: Final = {
    r"Input should be a valid integer.*": "a whole number",
    r"Input should be a valid number.*": "a number",
    r"Input should be a valid boolean.*": "true or false",
    r"Input should be greater than or equal to (\S+)": r"a number from \1 on",
    r"Input should be less than or equal to (\S+)": r"a number up to \1",
    r"String should match pattern '\^\(([\w|-]+)\)\$'": r"one of \1",
    r"Input should be (.*)": r"\1",
}

# How a broker's URL asks for its certificate. Both clients know the word; Celery's pages have the constant.
_CERTIFICATE: Final = re.compile(r"(?<=[?&]ssl_cert_reqs=)[^&#]*")
_WORDS: Final = ("required", "optional", "none")
_SPELLED: Final = {f"CERT_{word.upper()}": word for word in _WORDS} | {it: it for it in _WORDS}


def url(*schemes: str) -> AfterValidator:
    """An URL with one of these schemes; the message says so, because people paste host names."""

    def check(value: str) -> str:
        if value and urlsplit(value).scheme.split("+")[0] not in schemes:
            raise ValueError(f"an URL that starts with {' or '.join(f'{s}://' for s in schemes)}")
        return value

    return AfterValidator(check)


def broker(value: str) -> str:
    """An URL that both Celery and redis-py can read."""
    asked = _CERTIFICATE.search(value)
    if asked is None:
        return value
    if asked[0] not in _SPELLED:
        raise ValueError(f"an URL whose ssl_cert_reqs is one of {', '.join(_WORDS)}")
    return value[: asked.start()] + _SPELLED[asked[0]] + value[asked.end() :]


def origin(value: str) -> str:
    """An http(s) URL without query and trailing slash, so that paths can be appended to it."""
    parts = urlsplit(value)
    if value and (parts.scheme not in {"http", "https"} or not parts.netloc or parts.query):
        raise ValueError("an http:// or https:// URL without a query")
    return value.rstrip("/")


def private(value: str) -> str:
    """An URL to which secrets are sent: encrypted, unless it leads to this machine."""
    parts = urlsplit(value)
    if parts.scheme == "http" and parts.hostname not in {"localhost", "127.0.0.1", "::1"}:
        raise ValueError("an https:// URL, or http:// on this machine")
    return value


def issuer(value: str) -> str:
    """An issuer is compared to the letter: some end in a slash."""
    origin(value)
    return value


def template(value: str) -> str:
    """An URL with a place for a trace's ID."""
    if value and (urlsplit(value).scheme not in {"http", "https"} or "{trace_id}" not in value):
        raise ValueError("an http:// or https:// URL with {trace_id} in it")
    return value


def roles(value: str) -> str:
    """`group=role`, separated by commas."""
    for pair in filter(None, map(str.strip, value.split(","))):
        group, equals, role = pair.rpartition("=")
        if not group or not equals or role not in ROLES:
            raise ValueError(f"group=role, …; a role is one of {', '.join(ROLES)}")
    return value


def risky(value: str) -> str:
    """Names of what is risky, separated by commas."""
    if set(filter(None, map(str.strip, value.split(",")))) - set(RISKY):
        raise ValueError(f"some of {', '.join(RISKY)}")
    return value


def ports(value: str) -> str:
    """Numbers of ports, separated by commas."""
    for port in value.split(","):
        if not port.strip().isdecimal() or not 0 < int(port) < 1 << 16:
            raise ValueError("ports from 1 to 65535, separated by commas")
    return value


def only_in_tests(value: str, others: ValidationInfo) -> str:
    """Crash points, where nobody's real credentials are at stake."""
    if value and others.data.get("live"):
        raise ValueError("nothing where ONBOARDING_LIVE is true")
    return crash_points.check(value)


def with_real_sellers(value: bool, others: ValidationInfo) -> bool:  # noqa: FBT001
    """Live credentials are not for the sandbox, where anybody is any sample seller."""
    if value and not others.data.get("oidc_issuer"):
        raise ValueError("true only where ONBOARDING_OIDC_ISSUER names the sellers' provider")
    return value


def plain(refusal: str) -> str:
    """What a value may be instead, in our words: those of pydantic are for whoever writes programs."""
    said = refusal.removeprefix("Value error, ")
    for theirs, ours in _IN_WORDS.items():
        if found := re.fullmatch(theirs, said):
            return found.expand(ours).replace("|", ", ")
    return said
