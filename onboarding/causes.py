"""Why something does not go on: every cause code that this program writes, and who must act.

Codes stand in messages that failed, in incidents and in the histories of onboardings, and monitoring
counts by them: they never change their meaning. Each has a runbook of its own name.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from onboarding.words import N_


class Cause(NamedTuple):
    """What a code means in one sentence, for a person to read in their language, and whose move it is."""

    means: str
    acts: str


# As monitoring tells a code that another version has written.
OTHER: Final = "other"

CAUSES: Final[Mapping[str, Cause]] = {
    # A task, whatever it does.
    "task_failed": Cause(N_("A task has met an error that nobody has foreseen."), "operator"),
    "task_hangs": Cause(N_("A task was still at work when its turn was over."), "operator"),
    "worker_died": Cause(N_("Every worker that took a task has died with it."), "operator"),
    # The database, as a task finds it.
    "unavailable": Cause(N_("The database or the keyring does not answer."), "operator"),
    "busy": Cause(N_("The database is too busy to answer in time."), "operator"),
    "read_only": Cause(N_("The database takes no changes."), "operator"),
    "no_space": Cause(N_("The database has no space left."), "operator"),
    "outcome_unknown": Cause(N_("The database was lost while it was writing."), "operator"),
    "state_unknown": Cause(N_("The onboarding is in a state of another version."), "operator"),
    # A letter, and who should take it.
    "address_refused": Cause(N_("Nobody can take a letter for this address."), "seller"),
    "address_deferred": Cause(
        N_("The mail server takes no letter for this address yet."), "operator"
    ),
    "header_refused": Cause(N_("A letter would carry a character no header may hold."), "operator"),
    "mail_server_away": Cause(N_("The mail server does not answer."), "operator"),
    "mail_server_unavailable": Cause(N_("The mail server does not take letters now."), "operator"),
    "mail_server_refused": Cause(N_("The mail server has refused a letter for good."), "operator"),
    "mail_login_refused": Cause(N_("The mail server does not let us log in."), "operator"),
    "mail_login_deferred": Cause(N_("The mail server does not let us log in now."), "operator"),
    "mail_certificate_refused": Cause(N_("The mail server's certificate is no good."), "operator"),
    "mail_starttls_missing": Cause(N_("The mail server offers no encryption."), "operator"),
    "mail_folder_unavailable": Cause(N_("The folder for e-mails cannot be written."), "operator"),
    # The marketplace's own authorization server, and a client that it is told of.
    "authorization_server_away": Cause(N_("The authorization server does not answer."), "operator"),
    "authorization_server_certificate": Cause(
        N_("The authorization server's certificate is no good."), "operator"
    ),
    "authorization_server_login": Cause(
        N_("The authorization server does not let us in."), "operator"
    ),
    "authorization_server_busy": Cause(
        N_("The authorization server has asked us to wait."), "operator"
    ),
    "authorization_server_failing": Cause(N_("The authorization server has failed."), "operator"),
    "authorization_server_refused": Cause(
        N_("The authorization server has refused a client for good."), "operator"
    ),
    "authorization_server_answer": Cause(
        N_("The authorization server's answer cannot be understood."), "operator"
    ),
    "client_id_taken": Cause(
        N_("The authorization server lets nobody manage a client."), "operator"
    ),
    "client_id_not_taken": Cause(
        N_("The authorization server chooses client IDs and secrets itself."), "operator"
    ),
    "told_too_late": Cause(
        N_("A client was revoked while the authorization server was told of it."), "operator"
    ),
    # The registry's verdict on an aggregator.
    "aggregator_not_registered": Cause(N_("The aggregator is not registered."), "aggregator"),
    "aggregator_suspended": Cause(N_("The aggregator's registration is suspended."), "aggregator"),
    "aggregator_soap_only": Cause(N_("The aggregator does not use the REST API."), "aggregator"),
    # The verdict on a connection that was to be proved.
    "link_missing": Cause(N_("The seller account is not linked any more."), "seller"),
    "client_missing": Cause(N_("The connection has no valid client ID."), "seller"),
    "seller_suspended": Cause(N_("The marketplace has suspended the seller account."), "seller"),
    "client_disabled": Cause(N_("The marketplace has disabled the client ID."), "seller"),
    "secret_not_saved": Cause(N_("Nobody has said that the client secret was saved."), "seller"),
    "secret_leaked": Cause(N_("The client secret was found where it should not be."), "seller"),
    # An endpoint of another system that is sent nothing any more.
    "endpoint_gone": Cause(N_("An endpoint has said that it is gone for good."), "operator"),
    "endpoint_failing": Cause(N_("An endpoint has taken nothing for days."), "operator"),
    # A secret that lapsed before its time.
    "other_history": Cause(
        N_("The secret was sealed in another history of the database."), "seller"
    ),
}


def known(code: str | None) -> str:
    """The code, or `other` for one that is not ours: monitoring has a bounded number of them."""
    return code if code is not None and code in CAUSES else OTHER


def runbook(code: str) -> str:
    """The name of the page that says what to do about a code."""
    return code.replace("_", "-")
