"""Codes that stand in rows, as the console says them: why something ended, what was tried, sent or done.

A code that another version has written is shown as it is.
"""

from collections.abc import Mapping
from typing import Final

from onboarding.causes import CAUSES
from onboarding.models import AuditEntry, Transition
from onboarding.steering import STEPS
from onboarding.web.console_words import ACTIONS, EVENTS
from onboarding.words import N_

# Why a version of a client secret has ended.
ENDED: Final[Mapping[str, str]] = {
    "expired": N_("it was too old"),
    "lapsed": N_("nobody had it shown in time"),
    "reissued": N_("a new one was asked for"),
    "replaced": N_("a new one took its place"),
    "revoked": N_("the client ID was revoked"),
    "unused": N_("it was not taken in use"),
}
# Why nothing has arrived at an endpoint, and so why it is disabled.
DELIVERY: Final[Mapping[str, str]] = {
    "address_refused": N_("its address is one that nothing is sent to"),
    "answered_1xx": N_("it has not taken what was sent"),
    "answered_3xx": N_("it has sent us elsewhere"),
    "answered_4xx": N_("it has refused what was sent"),
    "answered_5xx": N_("it has failed"),
    "failed": N_("nothing has arrived"),
    "gone": N_("it has said that it is gone for good"),
    "name_unknown": N_("nobody knows its name"),
    "timeout": N_("no answer in time"),
    "tls_failed": N_("its certificate or encryption is no good"),
    "unreachable": N_("it cannot be reached"),
}
TASKS: Final[Mapping[str, str]] = {
    "answer_leak": N_("following up on a secret that was found"),
    "await_new_secret": N_("waiting for a new client secret"),
    "canary": N_("a task that does nothing"),
    "check_aggregator": N_("checking the aggregator"),
    "deliver_webhooks": N_("sending events to an endpoint"),
    "generate_secret": N_("making the client secret"),
    "offer_inbound": N_("offering events of the marketplace's again"),
    "recheck_parked": N_("checking those again who wait for an aggregator"),
    "replace_secret": N_("making a new client secret"),
    "revoke_client": N_("having the client ID revoked"),
    "run_slice": N_("carrying out a part of a run"),
    "send_email": N_("sending a letter"),
    "tell_operator": N_("telling an operator"),
    "verify_connection": N_("verifying the connection"),
    "verify_further_link": N_("verifying the link with another seller"),
}
LETTERS: Final[Mapping[str, str]] = {
    "aggregator_approved": N_("the aggregator is approved"),
    "aggregator_refused": N_("the aggregator is not ready"),
    "cancelled": N_("it is cancelled"),
    "confirmed": N_("the connection works"),
    "contact_code": N_("a code to prove the address"),
    "credentials_issued": N_("the credentials are issued"),
    "credentials_revoked": N_("the credentials are revoked"),
    "developer_code": N_("a code for the developer"),
    "developer_named": N_("they are named as the developer"),
    "expired": N_("it has expired"),
    "first_call": N_("the first call was seen"),
    "further_link_ended": N_("the link with another seller has ended"),
    "further_link_failed": N_("the link with another seller was not verified"),
    "further_link_verified": N_("the link with another seller is verified"),
    "link_ended": N_("the link with the seller account has ended"),
    "new_secret_shown": N_("the new client secret was shown"),
    "no_call_yet": N_("no call was seen yet"),
    "reminder": N_("a reminder"),
    "resume_link": N_("a link to go on"),
    "secret_expired": N_("the client secret has expired"),
    "secret_expires": N_("the client secret expires soon"),
    "secret_lapsed": N_("the client secret was destroyed unseen"),
    "secret_leaked": N_("the client secret was found where it should not be"),
    "secret_ready": N_("the client secret is ready"),
    "secret_revealed": N_("the client secret was shown"),
    "secret_stored": N_("the client secret was saved"),
    "seller_linked": N_("the seller account is linked"),
    "started_over": N_("it starts over"),
    "verification_failed": N_("the connection was not verified"),
    "view_alert": N_("a view holds more than was asked for"),
}
_RUNS: Final[Mapping[str, str]] = {
    "propose": N_("Run proposed"),
    "begin": N_("Run begun"),
    "agree": N_("Run agreed to"),
    "decline": N_("Run declined"),
    "pause": N_("Run paused"),
    "resume": N_("Run goes on"),
    "abort": N_("Run ended"),
}
# What a row of the trail is about, besides what operators do to an onboarding.
TRAIL: Final[Mapping[str, str]] = {
    **{f"run.{step}": _RUNS[step] for step in ("propose", "begin", *STEPS)},
    "aggregator.registered": N_("The marketplace has registered an aggregator"),
    "aggregator.reinstated": N_("The marketplace has reinstated an aggregator"),
    "aggregator.set": N_("Aggregator recorded in the registry"),
    "aggregator.suspended": N_("The marketplace has suspended an aggregator"),
    "aggregator.unregistered": N_("The marketplace has taken an aggregator off the registry"),
    "archive": N_("Onboardings archived"),
    "cause.mark": N_("Cause marked"),
    "cause.note": N_("Note about a cause"),
    "client.disabled": N_("The marketplace has disabled a client ID"),
    "end_further_link": EVENTS["end_further_link"],
    "end_secret": N_("Replaced client secret ended"),
    "erase": N_("One person's data erased"),
    "export": N_("View taken away as a file"),
    "inbound.dismiss": N_("Event of the marketplace's dismissed"),
    "inbound.retry": N_("Event of the marketplace's offered again"),
    "invite_seller": N_("Link for another seller made"),
    "key.create": N_("API key made"),
    "key.disclosed": N_("API key found where it should not be"),
    "key.revoke": N_("API key revoked"),
    "key.rotate": N_("API key replaced"),
    "keyring.meet": N_("New key of the keyring noticed"),
    "keyring.retire": N_("Key of the keyring destroyed"),
    "keyring.rotate": N_("Next key of the keyring made"),
    "mask": N_("Value masked again"),
    "operators.link": N_("Link into the console made"),
    "operators.remove": N_("Operator removed"),
    "rename": EVENTS["rename"],
    "replace_secret": EVENTS["reissue_secret"],
    "restored": N_("Backup put back in place"),
    "secret.disclosed": EVENTS["disclose_secret"],
    "seller.reinstated": N_("The marketplace has reinstated a seller"),
    "seller.suspended": N_("The marketplace has suspended a seller"),
    "source.add": N_("Source of events added"),
    "source.remove": N_("Source of events removed"),
    "source.rotate": N_("Source of events given another key"),
    "undo": N_("Undone"),
    "unmask": N_("Value shown in full"),
    "view.alert": N_("Asked to be told of a view"),
    "view.delete": N_("Shared view deleted"),
    "view_as": N_("Looked at what the seller sees"),
    "webhook.add": N_("Endpoint added"),
    "webhook.change": N_("Endpoint changed"),
    "webhook.enable": N_("Endpoint enabled again"),
    "webhook.redeliver": N_("Sent to an endpoint again"),
    "webhook.remove": N_("Endpoint removed"),
    "webhook.rotate": N_("Endpoint given another key"),
}


def done(entry: AuditEntry) -> str:
    """What a row of the trail tells, in words."""
    action = ACTIONS.get(entry.action)
    return action.button if action else TRAIL.get(entry.action, entry.action)


def why(step: Transition) -> str:
    """Why a step of a history was taken, where a code says so; what a person has said is no code."""
    code = str(step.details.get("cause") or "")
    return CAUSES[code].means if code in CAUSES else code
