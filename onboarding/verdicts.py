"""What a test of credentials can come to: nine verdicts, the cases of each, and what to do about them.

A case says what happened and what to do, so that nobody has to know what invalid_client means. Pages
translate the sentences; commands print them as they are.
"""

from typing import Final, NamedTuple

from onboarding.words import N_

# The verdicts (besides "works"), in the order in which a test meets them.
VERDICTS: Final = (
    "unreachable",
    "not_json",
    "malformed_request",
    "invalid_client",
    "unauthorized_client",
    "not_linked",
    "seller_unknown",
    "other_seller",
    "try_again",
)
WORKS: Final = "works"


class Case(NamedTuple):
    """One way that a test ends: its verdict, what happened, and what to do."""

    verdict: str
    what: str
    advice: str


CASES: Final[dict[str, Case]] = {
    "works": Case(
        WORKS,
        N_("These credentials work for this seller account."),
        N_("If your software still fails, compare the values that are stored there with these."),
    ),
    "works_unlinked": Case(
        WORKS,
        N_("These credentials work. No seller account is linked to them."),
        N_("They get access tokens, and act for a seller once a seller account is linked."),
    ),
    "name_unknown": Case(
        "unreachable",
        N_("The server's name was not found, or nobody answers there."),
        N_("Check the address of the token endpoint letter by letter, and whether a firewall or proxy lets you through."),
    ),
    "tls_failed": Case(
        "unreachable",
        N_("The encrypted connection (TLS) could not be made."),
        N_("Update the certificates of your system and check its clock. Never switch the verification off: anybody could then read your client secret."),
    ),
    "not_json": Case(
        "not_json",
        N_("A web page came back where JSON was expected. Something between you and us answered, or the address is wrong."),
        N_("Check the address of the token endpoint. If it is right, ask whoever runs your network or hosting about a proxy or a bot protection."),
    ),
    "malformed_request": Case(
        "malformed_request",
        N_("The server could not read the request."),
        N_("Send a form (application/x-www-form-urlencoded) by POST, with grant_type=client_credentials, and the client secret in one place only."),
    ),
    "mistyped_secret": Case(
        "invalid_client",
        N_("This client secret is incomplete or mistyped: its last 6 characters do not fit the rest."),
        N_("Copy it again as a whole from where you stored it, without spaces. If it is lost, create a new one."),
    ),
    "invalid_client": Case(
        "invalid_client",
        N_("The client ID or the client secret is not right. The secret may have been replaced, or the client ID revoked."),
        N_("Compare both with what you stored; capital and small letters matter. If a new client secret was made since, only that one works."),
    ),
    "unauthorized_client": Case(
        "unauthorized_client",
        N_("The server knows this client ID, but it may not ask for tokens in this way."),
        N_("Use the grant client_credentials. If you do, contact us with your client ID."),
    ),
    "token_refused": Case(
        "not_linked",
        N_("The API did not accept the access token: it is over, was revoked, or is meant for another API."),
        N_("Ask for a new access token and send it as Authorization: Bearer. Check that token and API belong to the same environment."),
    ),
    "not_linked": Case(
        "not_linked",
        N_("The credentials work, but they are not linked to this Seller ID."),
        N_("Check the Seller ID. If it is right, its owner has to sign in and link the seller account first."),
    ),
    "link_not_confirmed": Case(
        "not_linked",
        N_("The credentials work and the seller account is linked, but nobody has confirmed the connection yet."),
        N_("Open your request under “Your API connections” and confirm it."),
    ),
    "seller_unknown": Case(
        "seller_unknown",
        N_("There is no such seller."),
        N_("Copy the Seller ID from the page that shows your connection. It is not your e-mail address and not the name of your shop."),
    ),
    "other_seller": Case(
        "other_seller",
        N_("The API answers, but for another seller account, or for a shop that is not active."),
        N_("Check the Seller ID in the settings of your software. If it is right, ask the support of your Seller Portal about your shop."),
    ),
    "too_many": Case(
        "try_again",
        N_("Too many requests in a short time. Nothing is wrong with your credentials."),
        N_("Wait as long as the header Retry-After says, and keep each access token until it is over."),
    ),
    "try_again": Case(
        "try_again",
        N_("The server did not answer in time, or has a problem of its own. It is not your fault."),
        N_("Try again in a few minutes. If it goes on for an hour, contact us."),
    ),
    "not_recognised": Case(
        "",
        N_("We do not recognise this text."),
        N_("Paste the whole answer, with its status and its first lines, or test your credentials instead."),
    ),
}  # fmt: skip
