"""The sample sellers of the sandbox Seller Portal: one for each thing that can be met there."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from onboarding.sellers import SellerAccount


@dataclass(frozen=True)
class SampleSeller:
    """Somebody who can sign in at the sandbox, and the shops that they see there."""

    subject: str
    name: str
    locale: str
    accounts: tuple[SellerAccount, ...]


def chosen(seller: SampleSeller, shop: str) -> list[str]:
    """The Seller IDs to tell about; none while the seller still has to choose."""
    seller_ids = [account.seller_id for account in seller.accounts]
    if len(seller_ids) == 1 or shop == "all":
        return seller_ids
    return [shop] if shop in seller_ids else []


def claims_about(grant: Mapping[str, Any]) -> dict[str, Any]:
    """What a grant lets the client know about the seller."""
    seller = SAMPLE_SELLERS[grant["sub"]]
    told = [asdict(a) for a in seller.accounts if a.seller_id in grant["seller_ids"]]
    profile = {"name": seller.name, "locale": seller.locale}
    claims = {"sub": seller.subject, "seller_accounts": told}
    return claims | (profile if "profile" in grant["scope"].split() else {})


def _shop(
    seller_id: str,
    shop_name: str,
    *,
    status: str = "active",
    role: str = "owner",
    may_connect_api: bool = True,
) -> SellerAccount:
    return SellerAccount(seller_id, shop_name, status, role, may_connect_api)


_SELLERS: Final = (
    SampleSeller("one-shop", "Alex Martin", "en", (_shop("123456", "Example Shop SARL"),)),
    SampleSeller(
        "two-shops",
        "Billie Okafor",
        "en",
        (_shop("234561", "Example Home Ltd"), _shop("234562", "Example Garden Ltd")),
    ),
    SampleSeller("french", "Camille Durand", "fr", (_shop("345678", "Boutique Exemple SAS"),)),
    SampleSeller(
        "suspended", "Dana Novak", "en", (_shop("456789", "Paused Example", status="suspended"),)
    ),
    SampleSeller(
        "sub-user",
        "Eli Fischer",
        "en",
        (_shop("123456", "Example Shop SARL", role="member", may_connect_api=False),),
    ),
)

SAMPLE_SELLERS: Final = {seller.subject: seller for seller in _SELLERS}
