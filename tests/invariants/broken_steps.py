"""Each rule about effects, history, waiting and truth, and a way to break it alone.

Where more than one breaks of necessity, they are named.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Executable, delete, insert, update

from onboarding.db import in_seconds
from onboarding.models import (
    Aggregator,
    Client,
    Link,
    Message,
    Onboarding,
    SealedSecret,
    Secret,
    Transition,
)
from tests import builders
from tests.invariants.breaking import and_then, broken, in_state
from tests.invariants.changes import (
    HOUR,
    a_forgotten_run,
    client_of,
    of,
    revoked_client_of,
    shifted,
    step,
    step_of,
)

DAY: Final = timedelta(days=1)
ENDED: Final = and_then("secret_ready", "cancel", "work")
AGAIN: Final = and_then(
    "secret_ready", "start_over", "work", "choose", "issue", "work", "reveal", "acknowledge", "link"
)


def parked() -> UUID:
    """One who waits, and nobody is about to wake them."""
    onboarding_id = builders.an_onboarding("awaiting_aggregator")
    builders.work()
    return onboarding_id


def long_ago(me: UUID, by: timedelta) -> list[Executable]:
    """As if a fresh onboarding had been started so much earlier."""
    columns = ("created_at", "entered_at", "wakes_at")
    earlier = {name: shifted(getattr(Onboarding, name), -by) for name in columns}
    return [of(Onboarding, me, **earlier), of(Transition, me, at=shifted(Transition.at, -by))]


EFFECTS: Final = (
    broken(
        "issued_client_exists",
        in_state("issuing_secret"),
        lambda me, _: [delete(Client).where(Client.onboarding_id == me)],
        "client_as_the_state_says",
    ),
    broken(
        "client_was_issued",
        in_state("issuing_secret"),
        lambda me, _: [step(me, "issue_id", details={"client_id": "cid_other"})],
        "issued_client_exists",
    ),
    broken(
        "secrets_were_made",
        in_state("secret_lapsed"),
        lambda me, _: [delete(Secret).where(Secret.client_id == client_of(me))],
    ),
    broken(
        "saving_is_in_history",
        in_state("awaiting_seller"),
        lambda me, _: [of(Secret, me, acknowledged_at=shifted(Secret.acknowledged_at))],
    ),
    broken(
        "end_of_a_secret_is_in_history",
        in_state("secret_lapsed"),
        lambda me, _: [of(Secret, me, ended_because="reissued")],
    ),
    broken(
        "revocation_is_in_history",
        ENDED,
        lambda me, _: [of(Client, me, revoked_at=shifted(Client.revoked_at))],
    ),
    broken("revocation_is_passed_on", ENDED, lambda me, _: [of(Client, me, withdrawn_at=None)]),
    broken(
        "linking_is_in_history",
        in_state("seller_linked"),
        lambda me, _: [of(Link, me, seller_id="S-0")],
    ),
    broken(
        "unlinking_is_in_history",
        and_then("seller_linked", "unlink_seller"),
        lambda me, _: [of(Link, me, ended_at=shifted(Link.ended_at))],
    ),
    broken(
        "confirming_is_in_history",
        in_state("confirmed"),
        lambda me, _: [of(Link, me, confirmed_at=shifted(Link.confirmed_at))],
    ),
)
HISTORY: Final = (
    broken(
        "steps_follow_each_other",
        in_state("secret_lapsed"),
        lambda me, _: [delete(Transition).where(step_of(me, "start"))],
    ),
    broken(
        "steps_follow_each_other",
        and_then("secret_revealed", "reissue_secret"),
        lambda me, _: [step(me, "reissue_secret", source="secret_lapsed")],
    ),
    broken(
        "steps_follow_each_other",
        in_state("secret_lapsed"),
        lambda me, _: [step(me, "choose_type", at=shifted(Transition.at, -DAY))],
    ),
    broken(
        "row_is_what_history_says",
        in_state("type_chosen"),
        lambda me, _: [of(Onboarding, me, sequence=7)],
    ),
    broken(
        "row_is_what_history_says",
        and_then("type_chosen", "cancel"),
        lambda me, _: [of(Onboarding, me, state="expired")],
    ),
    broken(
        "row_is_what_history_says",
        in_state("cancelled"),
        lambda me, _: [of(Onboarding, me, entered_at=shifted(Onboarding.entered_at))],
    ),
    broken(
        "row_is_what_history_says",
        in_state("confirmed"),
        lambda me, _: [delete(Transition).where(step_of(me, "verification_passed"))],
        "confirming_is_in_history",
    ),
    broken(
        "steps_are_signed",
        in_state("type_chosen"),
        lambda me, _: [step(me, "choose_type", actor_id="")],
    ),
    broken(
        "choice_is_in_history",
        in_state("type_chosen"),
        lambda me, _: [of(Onboarding, me, connection_type="plugin")],
    ),
    broken(
        "moves_are_legal",
        in_state("type_chosen"),
        lambda me, _: [step(me, "start", event="begin")],
    ),
    broken(
        "moves_are_legal",
        in_state("cancelled"),
        lambda me, _: [step(me, "cancel", event="choose_type")],
    ),
    broken(
        "actors_may",
        in_state("confirmed"),
        lambda me, _: [step(me, "confirm", actor_kind="operator")],
    ),
    broken(
        "guards_were_kept",
        in_state("type_chosen"),
        lambda me, _: [step(me, "choose_type", details={"connection_type": "legacy_soap"})],
        "choice_is_in_history",
    ),
    broken(
        "state_fits_the_type",
        in_state("type_chosen"),
        lambda me, _: [of(Onboarding, me, connection_type="legacy_soap")],
        "choice_is_in_history",
    ),
)
WAITING: Final = (
    broken(
        "somebody_will_move_it",
        in_state("verifying"),
        lambda me, _: [delete(Message).where(Message.onboarding_id == me)],
        "work_is_promised",
    ),
    broken("runs_go_on", in_state("secret_ready"), lambda me, _: a_forgotten_run(me)),
    broken(
        "people_have_deadlines",
        in_state("started"),
        lambda me, _: [of(Onboarding, me, wakes_at=None)],
    ),
    broken(
        "parked_are_woken",
        parked,
        lambda _me, _other: [update(Aggregator).values(uses_rest=True)],
        both=True,
    ),
    broken(
        "messages_come_due",
        in_state("issuing_secret"),
        lambda me, _: [of(Message, me, due_at=in_seconds(2 * DAY.total_seconds()))],
    ),
    broken(
        "messages_come_due",
        in_state("issuing_secret"),
        lambda me, _: [of(Message, me, failed_at=in_seconds(0))],
        bare=("messages",),
    ),
    broken(
        "the_clock_is_not_early",
        in_state("secret_lapsed"),
        lambda me, _: [step(me, "secret_generated", at=shifted(Transition.at))],
    ),
    broken(
        "deadlines_are_the_charts",
        in_state("started"),
        lambda me, _: [of(Onboarding, me, wakes_at=shifted(Onboarding.wakes_at))],
    ),
    broken("deadlines_are_fired", in_state("started"), lambda me, _: long_ago(me, 8 * DAY)),
    broken(
        "attempts_are_bounded",
        in_state("issuing_secret"),
        lambda me, _: [of(Message, me, attempts=9)],
    ),
    broken(
        "messages_are_published",
        in_state("issuing_secret"),
        lambda me, _: [of(Message, me, due_at=in_seconds(-HOUR.total_seconds()))],
    ),
    broken(
        "leases_end",
        in_state("issuing_secret"),
        lambda me, _: [of(Message, me, leased_until=in_seconds(HOUR.total_seconds()))],
    ),
)
TRUTH: Final = (
    broken(
        "client_as_the_state_says",
        in_state("type_chosen"),
        lambda me, _: [insert(Client).values(id="cid_early", onboarding_id=me)],
        "client_was_issued",
        "client_has_a_verified_contact",
    ),
    broken(
        "secret_as_the_state_says",
        in_state("awaiting_seller"),
        lambda me, _: [of(Secret, me, acknowledged_at=None)],
    ),
    broken(
        "sealed_secret_as_the_state_says",
        in_state("secret_ready"),
        lambda me, _: [delete(SealedSecret).where(SealedSecret.client_id == client_of(me))],
    ),
    broken(
        "link_as_the_state_says",
        in_state("seller_linked"),
        lambda me, _: [delete(Link).where(Link.onboarding_id == me)],
    ),
    broken(
        "link_acts_once_it_is_confirmed",
        in_state("confirmed"),
        lambda me, _: [of(Link, me, confirmed_at=None)],
    ),
    broken(
        "link_leads_somewhere",
        AGAIN,
        lambda me, _: [of(Link, me, client_id=revoked_client_of(me))],
    ),
)

BROKEN: Final = (*EFFECTS, *HISTORY, *WAITING, *TRUTH)
