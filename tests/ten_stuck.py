"""Ten onboardings that are stuck, each for a reason of its own, and what a new operator does about it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from onboarding import outbox, queries
from onboarding.db import reading, transaction
from tests import builders
from tests.builders import OPERATOR, age, an_onboarding, fire, promised, reveal, state_of, the

EMAIL: Final = "alex@shop.example"


@dataclass(frozen=True, slots=True)
class Stuck:
    """One of the ten.

    `says` stands on its page and in its `show`; `view` is where it is listed; `action` moves it, with
    `choice` where the action asks for one; `is_well` tells whether it does no longer hang.
    """

    name: str
    make: Callable[[], UUID]
    view: str
    says: str
    action: str
    is_well: Callable[[UUID], bool]
    choice: str = ""


def broken(onboarding_id: UUID, task: str, cause: str) -> UUID:
    """Its task has failed for good of this cause, which is gone by now."""
    for message in promised(task, onboarding_id):
        with transaction() as session:
            claim = outbox.claim(session, message.id)
            assert claim is not None
            outbox.fail(session, claim, cause, "it broke", final=True)
    return onboarding_id


def stands_in(state: str) -> Callable[[UUID], bool]:
    """It has come as far as this, and nothing of it fails."""
    return lambda onboarding_id: state_of(onboarding_id) == state and not _fails(onboarding_id)


def _fails(onboarding_id: UUID) -> bool:
    return any(m.failed_at for m in promised(onboarding_id=onboarding_id))


def _has_had(notice: str) -> Callable[[UUID], bool]:
    def told(onboarding_id: UUID) -> bool:
        with reading() as session:
            return notice in {m.notice for m in queries.mails_of(session, onboarding_id)}

    return told


def _an_unsent_letter() -> UUID:
    onboarding_id = an_onboarding("secret_ready", email=EMAIL)
    builders.work(onboarding_id)
    reveal(onboarding_id)
    return broken(onboarding_id, "send_email", "mail_login_refused")


def _a_client_not_withdrawn() -> UUID:
    onboarding_id = an_onboarding("seller_linked")
    fire(onboarding_id, "cancel")
    return broken(onboarding_id, "revoke_client", "unavailable")


def _a_wrong_refusal() -> UUID:
    onboarding_id = an_onboarding("checking_aggregator")
    fire(onboarding_id, "refuse_aggregator", OPERATOR)
    return _after(onboarding_id, 15)


def _a_sleepy_seller(days: int) -> UUID:
    onboarding_id = an_onboarding("awaiting_seller", email=EMAIL)
    builders.work(onboarding_id)
    return _after(onboarding_id, days)


def _after(onboarding_id: UUID, days: int) -> UUID:
    age(onboarding_id, timedelta(days=days))
    return onboarding_id


TEN: Final = (
    Stuck(
        "no secret",
        lambda: broken(an_onboarding("issuing_secret"), "generate_secret", "task_failed"),
        "failing=yes",
        "task_failed",
        "retry",
        stands_in("secret_ready"),
    ),
    Stuck(
        "no letter",
        _an_unsent_letter,
        "failing=yes",
        "mail_login_refused",
        "retry",
        _has_had("secret_revealed"),
    ),
    Stuck(
        "not verified",
        lambda: broken(an_onboarding("verifying"), "verify_connection", "busy"),
        "failing=yes",
        "busy",
        "retry",
        stands_in("confirmed"),
    ),
    Stuck(
        "not withdrawn",
        _a_client_not_withdrawn,
        "failing=yes",
        "unavailable",
        "retry",
        stands_in("cancelled"),
    ),
    Stuck(
        "registry does not answer",
        lambda: broken(an_onboarding("checking_aggregator"), "check_aggregator", "task_failed"),
        "failing=yes",
        "check_aggregator",
        "approve_aggregator",
        lambda onboarding_id: state_of(onboarding_id) == "type_chosen",
    ),
    Stuck(
        "refused by mistake",
        _a_wrong_refusal,
        "overdue=yes",
        "aggregator",
        "recheck_aggregator",
        stands_in("type_chosen"),
    ),
    Stuck(
        "seller asleep",
        lambda: _a_sleepy_seller(9),
        "overdue=yes",
        "seller",
        "nudge",
        _has_had("reminder"),
    ),
    Stuck(
        "seller on holiday",
        lambda: _a_sleepy_seller(26),
        "overdue=yes",
        "seller",
        "extend",
        lambda onboarding_id: the(onboarding_id).extra_days == 14,
        choice="14",
    ),
    Stuck(
        "secret destroyed unseen",
        lambda: _after(an_onboarding("secret_lapsed"), 8),
        "overdue=yes",
        "seller",
        "reissue_secret",
        stands_in("secret_ready"),
    ),
    Stuck(
        "wrong seller account",
        lambda: _after(an_onboarding("seller_linked"), 8),
        "overdue=yes",
        "seller",
        "unlink_seller",
        stands_in("awaiting_seller"),
    ),
)
