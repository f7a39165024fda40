"""The marketplace's side: who a seller is, and which seller accounts they may connect.

`oidc` signs a seller in at the marketplace's identity provider; `sandbox` is such a provider with
sample sellers. These are the words that both speak.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar


@dataclass(frozen=True)
class SellerAccount:
    """One shop of the marketplace, as the identity provider describes it. It prints neither name nor number."""

    seller_id: str = field(repr=False)
    shop_name: str = field(repr=False)
    status: str = "unknown"
    role: str = "member"
    may_connect_api: bool = False


@dataclass(frozen=True)
class SellerIdentity:
    """Who signed in. The pair of issuer and subject is the identity; an e-mail never is.

    `auth_time` is UTC; a provider that does not tell it leaves the oldest time there is, 1970.
    """

    issuer: str
    subject: str
    name: str = field(repr=False)
    auth_time: datetime
    accounts: tuple[SellerAccount, ...]


class SignInRefused(Exception):
    """The sign-in did not succeed. Nothing was linked."""

    code: ClassVar[str] = "sign_in_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SignInUnavailable(Exception):
    """The Seller Portal does not answer. Nothing was linked."""

    code: ClassVar[str] = "sign_in_unavailable"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
