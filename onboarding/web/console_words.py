"""How the console names states, actions, roles and whose turn it is; `_` translates them on the page."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from onboarding.models import Transition
from onboarding.words import N_

STATES: Final[Mapping[str, str]] = {
    "started": N_("Choosing a connection type"),
    "checking_aggregator": N_("Checking the aggregator"),
    "awaiting_aggregator": N_("Waiting for the aggregator"),
    "type_chosen": N_("Connection type chosen"),
    "issuing_secret": N_("Making the client secret"),
    "secret_ready": N_("Client secret ready to be shown"),
    "secret_lapsed": N_("Client secret destroyed unseen"),
    "secret_revealed": N_("Client secret shown, not yet saved"),
    "awaiting_seller": N_("Waiting for the seller to sign in"),
    "seller_linked": N_("Seller account linked, to be confirmed"),
    "verifying": N_("Verifying the connection"),
    "confirmed": N_("Connected"),
    "credentials_issued": N_("Credentials issued"),
    "redirected_to_soap": N_("Sent to the Seller Portal for SOAP"),
    "cancelled": N_("Cancelled"),
    "expired": N_("Expired"),
}
# What the picture of the chart says besides: it is drawn by what imports nothing that translates.
PICTURE: Final = (
    N_("The life of an onboarding"),
    N_("The onboarding is in %(state)s, %(name)s."),
    N_("%(source)s to %(target)s by %(event)s"),
    N_("%(state)s – here"),
    N_("the end"),
    N_("next: %(whom)s, within %(time)s"),
    N_("seller"),
    N_("platform"),
    N_("aggregator"),
    N_("also %(events)s"),
    N_("by %(events)s, where a box names it"),
    N_("%(number)s s"),
    N_("%(number)s min"),
    N_("%(number)s h"),
    N_("%(number)s d"),
    N_("Also, where a box names it:"),
    N_("start_over leads to started,"),
    N_("cancel to cancelled, expire to expired,"),
    N_("choose_type where it leads from started."),
)
TYPES: Final[Mapping[str, str]] = {
    "aggregator": N_("Aggregator"),
    "plugin": N_("Plugin"),
    "own_development": N_("Own development"),
    "legacy_soap": N_("SOAP"),
    "credentials_only": N_("Credentials only"),
}
WHOM: Final[Mapping[str, str]] = {
    "platform": N_("us"),
    "seller": N_("the seller"),
    "aggregator": N_("the aggregator"),
    "developer": N_("the developer"),
}
ACTORS: Final[Mapping[str, str]] = {
    "seller": N_("the seller"),
    "developer": N_("the developer"),
    "api": N_("a calling system"),
    "platform": N_("this program"),
    "operator": N_("an operator"),
    "clock": N_("the clock"),
}
ROLES: Final[Mapping[str, str]] = {
    "viewer": N_("viewer"),
    "auditor": N_("auditor"),
    "operator": N_("operator"),
    "lead": N_("lead"),
    "admin": N_("admin"),
}


# What leads to the people behind an onboarding.
MASKED: Final[Mapping[str, str]] = {
    "contact_email": N_("E-mail address"),
    "connection_name": N_("Name of the connection"),
    "seller_id": N_("Seller ID"),
    "shop_name": N_("Shop"),
    "organisation": N_("Organisation"),
    "developer_email": N_("E-mail address of the development partner"),
}
# Of these, what few are asked: where there is none, nobody misses it.
ASKED_OF_FEW: Final = frozenset({"organisation", "developer_email"})
# What those who want credentials only say they are.
WHAT_THEY_ARE: Final[Mapping[str, str]] = {
    "developer": N_("Developer"),
    "aggregator": N_("Aggregator"),
    "integration_partner": N_("Integration partner"),
}
# The views that everybody needs, by their names at a terminal.
VIEWS: Final[Mapping[str, str]] = {
    "needs-us": N_("Needs us"),
    "needs-seller": N_("Needs the seller"),
    "needs-developer": N_("Needs the developer"),
    "needs-aggregator": N_("Needs the aggregator"),
    "late": N_("Late"),
    "failed": N_("Failed for good"),
    "new-today": N_("New in 24 hours"),
    "mine": N_("Mine"),
}
# How a cause stands, and who is to look after it.
CAUSES: Final[Mapping[str, str]] = {
    "open": N_("open"),
    "came_back": N_("came back"),
    "acknowledged": N_("acknowledged"),
    "fixed": N_("fixed"),
    "ignored": N_("ignored"),
}
# Whose move a cause is.
ACTS: Final[Mapping[str, str]] = {
    "operator": ACTORS["operator"],
    "seller": WHOM["seller"],
    "aggregator": WHOM["aggregator"],
}
OWNERS: Final[Mapping[str, str]] = {
    "keep": N_("as it is"),
    "me": N_("me"),
    "nobody": N_("nobody"),
}
# How an endpoint stands, and one of the deliveries to it.
ENDPOINTS: Final[Mapping[str, str]] = {
    "well": N_("well"),
    "failing": N_("failing"),
    "disabled": N_("disabled"),
    "off": N_("switched off by its owner"),
}
SINCE: Final[Mapping[str, str]] = {
    "1d": N_("24 hours ago"),
    "7d": N_("7 days ago"),
    "30d": N_("30 days ago"),
}
# What is wrong with a field, whatever was typed into it.
ERRORS: Final[Mapping[str, str]] = {
    "reason": N_("Say why, in 3 to 500 characters."),
    "note": N_("Write 3 to 500 characters."),
    "status": N_("Choose one of these."),
    "release": N_("Say in which release, such as 1.4.2."),
    "choice": N_("Choose one of these."),
    "first": N_("A number from 0 to 10000."),
    "pace": N_("A number from 1 to 6000."),
    "stop_above": N_("A number from 0 to 100."),
    "since": N_("A day or an instant of UTC, as 2026-11-27 14:30."),
    "until": N_("A day or an instant of UTC that comes after the beginning."),
}
# In the address of a view, where `since` is no instant.
VIEW_ERRORS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("state", "type", "waiting_on", "overdue", "failing"), ERRORS["choice"]),
    **dict.fromkeys(
        ("cause", "owner", "aggregator", "run", "email", "q"), N_("Write a short line.")
    ),
    "since": N_("Hours or days, as 12h or 7d, or a day, as 2026-11-27."),
    "view": N_("This address asks for something that no view has. Open a view, and choose there."),
}
# In the address of the reports.
REPORT_ERRORS: Final[Mapping[str, str]] = {
    "by": ERRORS["choice"],
    "days": N_("A number of days from 1 to 92."),
}


class Words(NamedTuple):
    """What an action's button says, and what carrying it out will do."""

    button: str
    effect: str


ACTIONS: Final[Mapping[str, Words]] = {
    "retry": Words(
        N_("Try again"),
        N_("Every task of it that has failed for good gets one more attempt, now."),
    ),
    "resend": Words(
        N_("Send the letter again"),
        N_("The letter about where it stands is sent once more, to the same address."),
    ),
    "nudge": Words(
        N_("Remind the seller"),
        N_("A reminder is sent now, in the seller's language. One a day at most."),
    ),
    "extend": Words(
        N_("Give more time"),
        N_("It ends later, and the last reminder comes later. How late it is does not change."),
    ),
    "assign": Words(N_("Hand it to somebody"), N_("It is listed as theirs.")),
    "take_on": Words(
        N_("Take it on"), N_("It is listed as yours, until somebody else takes it on.")
    ),
    "let_go": Words(N_("Let it go"), N_("It is nobody's any more.")),
    "note": Words(N_("Write a note"), N_("The note stands in its timeline, for every operator.")),
    "approve_aggregator": Words(
        N_("Approve the aggregator"),
        N_(
            "It goes on as if the registry had approved the aggregator. The registry stays as it is."
        ),
    ),
    "refuse_aggregator": Words(
        N_("Refuse the aggregator"),
        N_("It is parked until the aggregator registers, and the seller is told."),
    ),
    "recheck_aggregator": Words(
        N_("Check the aggregator again"), N_("The registry is asked once more, now.")
    ),
    "reissue_secret": Words(
        N_("Make a new client secret"),
        N_(
            "The client secret before it stops working. The new one waits for the seller: nobody here sees it."
        ),
    ),
    "unlink_seller": Words(
        N_("Unlink the seller account"), N_("The seller signs in again and chooses an account.")
    ),
    "start_over": Words(
        N_("Start over"),
        N_("What was issued is revoked, and the seller chooses a connection type again."),
    ),
    "cancel": Words(N_("Cancel"), N_("What was issued is revoked, and it ends.")),
    "revoke_credentials": Words(
        N_("Revoke the credentials"),
        N_(
            "The client ID, its client secret and the link with the seller account end at once and"
            " for good. The owner is told."
        ),
    ),
    "end_link": Words(
        N_("End the link with the seller account"),
        N_(
            "Nothing acts for that seller any more; a client ID stays as it is. It cannot be brought"
            " back. The owner is told."
        ),
    ),
}
# What was done besides, where a page says that it is done.
DONE: Final[Mapping[str, str]] = {
    "undo": N_("It is as it was before"),
    "cause.mark": N_("It is kept how the cause stands"),
    "view.delete": N_("The view is deleted"),
}
# How an event of the marketplace's stands, and what it waits for.
INBOUND: Final[Mapping[str, str]] = {
    "applied": N_("has taken effect"),
    "stale": N_("overtaken by a later one"),
    "parked": N_("waits"),
    "unknown": N_("of a type that nobody knows"),
    "dismissed": N_("dismissed by an operator"),
}
MISSING: Final[Mapping[str, str]] = {
    "aggregator": N_("no aggregator of this ID is known yet"),
    "client": N_("no client ID like this is known yet"),
}
_KEY_BROUGHT: Final = N_("Public key brought in place of the client secret")
EVENTS: Final[Mapping[str, str]] = {
    "start": N_("Started"),
    "choose_type": N_("Connection type chosen"),
    "approve_aggregator": N_("Aggregator approved"),
    "refuse_aggregator": N_("Aggregator refused"),
    "recheck_aggregator": N_("Aggregator to be checked again"),
    "issue_id": N_("Client ID issued"),
    "secret_generated": N_("Client secret made"),
    "reveal_secret": N_("Client secret shown"),
    "lapse_secret": N_("Client secret destroyed unseen"),
    "reissue_secret": N_("New client secret asked for"),
    "acknowledge_secret": N_("Client secret saved"),
    "link_seller": N_("Seller account linked"),
    "unlink_seller": N_("Seller account unlinked"),
    "confirm": N_("Confirmed by the seller"),
    "verification_passed": N_("Connection verified"),
    "verification_failed": N_("Connection not verified"),
    "start_over": N_("Started over"),
    "cancel": N_("Cancelled"),
    "expire": N_("Expired"),
    "revoke_credentials": N_("Credentials revoked"),
    "rename": N_("Connection renamed"),
    "expire_secret": N_("Client secret expired"),
    "take_new_secret": N_("New client secret or public key in use"),
    "disclose_secret": N_("Client secret found where it should not be"),
    "end_link": N_("Link with the seller account ended"),
    "link_further_seller": N_("Another seller has let the client act for them"),
    "further_link_verified": N_("Link with another seller verified"),
    "further_link_failed": N_("Link with another seller not verified, and ended"),
    "end_further_link": N_("Link with another seller ended"),
}


def told(step: Transition) -> str:
    """What a step of a history is called."""
    if step.event == "reveal_secret" and step.details.get("credential") == "public_key":
        return _KEY_BROUGHT
    return EVENTS.get(step.event, step.event)
