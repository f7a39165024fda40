"""The refusals of a call that a client makes for a seller: its token, or whom it calls for."""

from onboarding.errors import Refusal, Unauthorised


class TokenMissing(Unauthorised):
    """We do not know who is asking."""

    advice = "Ask the token endpoint for one, and send it as Authorization: Bearer <token>."


class TokenInvalid(Unauthorised):
    """This is no access token of ours for this API."""

    code = "token_invalid"
    advice = "Ask the token endpoint for a new one, and send it as Authorization: Bearer <token>."


class TokenExpired(TokenInvalid):
    """The time of this access token is over."""

    code = "token_expired"
    advice = "Ask the token endpoint for a new one; expires_in says how long it lasts."


class TokenRevoked(TokenInvalid):
    """This access token was revoked, or its client was, or its client secret was replaced."""

    code = "token_revoked"
    advice = "Ask the token endpoint for a new one, with the client secret that was shown last."


class ClientNotLinked(Refusal):
    """This client is not linked to the seller account that the header SellerId names."""

    status = 403
    code = "client_not_linked"
    advice = (
        "Send the Seller ID that was linked to this client ID, or link that seller account first."
    )


class LinkNotConfirmed(Refusal):
    """The seller account is linked, but its seller has not confirmed the connection yet."""

    status = 403
    code = "link_not_confirmed"
    advice = "Open your request and confirm the connection."


class SellerSuspended(Refusal):
    """The marketplace has suspended this seller account: nobody may act for it at present."""

    status = 403
    code = "seller_suspended"
    advice = "Ask the support of the Seller Portal about the shop."


class SellerUnknown(Refusal):
    """There is no such seller: no Seller ID looks like this one."""

    status = 404
    code = "seller_unknown"
    advice = "Copy the Seller ID from the page that shows your connection."
