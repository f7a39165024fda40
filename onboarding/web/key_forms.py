"""The form for a key of one's own, whoever fills it in: read, and answered in sentences.

What may be a private key is not shown again, and nothing of it is kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.requests import Request

from onboarding import own_keys, public_keys
from onboarding.credentials import Revealed
from onboarding.errors import Invalid
from onboarding.models import Secret
from onboarding.public_keys import PublicKey, Use
from onboarding.web import pages
from onboarding.words import LANGUAGES, N_

_USES: Final[dict[str, Use]] = {"sign": "sign", "encrypt": "encrypt"}
_WRONG: Final[Mapping[str, str]] = {
    "private_key": N_(
        "This is a private key. We have kept nothing of it, but take it as seen: make a new key pair,"
        " and paste the public key only"
    ),
    "no_jwk": N_("Paste one public key as a JWK: it begins with { and holds kty"),
    "incomplete_key": N_(
        "This key lacks a part: with EC, a JWK has crv, x and y; with OKP, crv and x; with RSA, e and n"
    ),
    "unsupported_key": N_(
        "We cannot use a key of this kind: take EC P-256 or RSA; Ed25519 only to sign"
    ),
    "weak_key": N_("An RSA key must have 2048 to 4096 bits, and the exponent 65537"),
    "wrong_use": N_("This key says that it is for something else: look at its use and alg"),
}


@dataclass(frozen=True, slots=True)
class Filled:
    """What was typed: a key and what it is for, or what is wrong with it."""

    use: Use | None = None
    key: PublicKey | None = None
    wrong: dict[str, str] = field(default_factory=dict)
    typed: dict[str, str] = field(default_factory=dict)


def read(request: Request, typed: Mapping[str, str]) -> Filled:
    """A form as it was sent."""
    _ = pages.translator_of(request)
    use, text = _USES.get(typed.get("use", "")), typed.get("jwk", "")
    kept = {"use": use or "", "jwk": "" if public_keys.looks_private(text) else text}
    if use is None:
        return Filled(wrong={"use": _("Select what your key is for")}, typed=kept)
    try:
        return Filled(use, public_keys.parse(text, use), typed=kept)
    except Invalid as error:
        why = _WRONG[error.codes["jwk"]]
        return Filled(use, wrong={"jwk": _(why)}, typed=kept)


def encrypted(request: Request, revealed: Revealed, key: PublicKey) -> dict[str, Any]:
    """What the page of an encrypted secret shows. It leads nowhere else: it is not shown again."""
    locale = pages.locale_of(request)
    return {
        "languages": [{"code": locale, "name": LANGUAGES[locale], "here": True}],
        "leads_home": False,
        "client_id": revealed.client_id,
        "version": revealed.version,
        "jwe": own_keys.encrypted(revealed, key),
        "key": key,
        "content": own_keys.CONTENT,
    }


def taken(request: Request, version: Secret | None) -> dict[str, Any]:
    """What a page says of the public key that stands in a secret's place; nothing where none does."""
    if version is None or version.jwk is None:
        return {}
    settings = request.app.state.settings
    return {
        "key": public_keys.stored(version.jwk),
        "issuer": settings.base_url,
        "token_url": settings.token_endpoint,
    }
