"""What each task does, for every name that the product promises."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from onboarding import (
    announced,
    canaries,
    crash_points,
    credentials,
    further_sellers,
    leaks,
    lifecycle,
    links,
    logs,
    mail,
    notices,
    outages,
    outbox,
    registry,
    replacing,
    running,
    watching,
)
from onboarding.access import PLATFORM
from onboarding.db import transaction
from onboarding.errors import EventNotAllowed, Refusal, Unavailable
from onboarding.outbox import Claim
from onboarding.sealing import Keyring, read_keyring
from onboarding.settings import settings
from workers import elsewhere, inbound, webhooks
from workers.kinds import Letters, Quick, Work, transition_of

log = logs.get(__name__)


def generate_secret(session: Session, claim: Claim) -> None:
    """Make the client secret and report that it is ready."""
    onboarding_id, sequence = transition_of(claim)
    credentials.generate(session, onboarding_id, PLATFORM, _ring(), settings(), sequence)


def replace_secret(session: Session, claim: Claim) -> None:
    """Make the client secret that is to replace the one in use."""
    assert claim.onboarding_id is not None
    days = int(claim.about["overlap_days"])
    replacing.generate(session, claim.onboarding_id, _ring(), settings(), days)


def answer_leak(session: Session, claim: Claim) -> None:
    """Secrets of ours were found elsewhere: what follows besides that they are dead.

    Where something is wrong with one of them, each is followed up by a message of its own.
    """
    apart = leaks.apart(claim.about)
    if claim.attempt == 1 or len(apart) <= 1:
        leaks.answer(session, _ring(), claim.about)
        return
    for about in apart:
        outbox.promise(session, "answer_leak", about)


def await_new_secret(session: Session, claim: Claim) -> None:
    """Whether the owner of one that has leaked has another; until then it is an incident."""
    assert claim.onboarding_id is not None
    leaks.need_new_secret(session, claim.onboarding_id)


def check_aggregator(session: Session, claim: Claim) -> None:
    """Ask the registry about the aggregator and report its verdict."""
    onboarding_id, sequence = transition_of(claim)
    onboarding = lifecycle.lock(session, onboarding_id)
    verdict = registry.check(session, onboarding)
    registry.adopt(session, onboarding)
    event = "approve_aggregator" if verdict.approved else "refuse_aggregator"
    details = {"cause": verdict.cause} if verdict.cause else {}
    lifecycle.fire(session, onboarding_id, event, PLATFORM, expected=sequence, details=details)


def verify_connection(session: Session, claim: Claim) -> None:
    """Prove that the connection works and report the verdict."""
    links.prove(session, *transition_of(claim))


def verify_further_link(session: Session, claim: Claim) -> None:
    """Prove that a client may act for another seller who has let it, and report the verdict."""
    further_sellers.prove(session, UUID(str(claim.about["link_id"])))


def compose(session: Session, claim: Claim) -> mail.Letter | None:
    """The letter that a message promises, if it still has a reader."""
    return notices.compose(session, claim, _ring(), settings())


@contextmanager
def handing_over() -> Iterator[Callable[[mail.Letter], None]]:
    """What hands letters over. A crash after one sends it again, under the same Message-ID."""
    with mail.handing_over(settings()) as hand_over:

        def do(letter: mail.Letter) -> None:
            hand_over(letter)
            crash_points.reach("mail.handed_over")

        yield do


def entry(claim: Claim, letter: mail.Letter) -> dict[str, Any]:
    """That it is out, for the timeline of its onboarding."""
    return {
        "id": claim.id,
        "onboarding_id": letter.onboarding_id,
        "notice": letter.notice,
        "locale": letter.locale,
    }


def compose_for_operator(session: Session, claim: Claim) -> mail.Letter | None:
    """What an operator wants to be told, if they still do."""
    return watching.letter(session, claim, settings())


def no_entry(claim: Claim, letter: mail.Letter) -> None:
    """It is in the timeline of no onboarding."""


def revoke_client(session: Session, claim: Claim) -> None:
    """Withdraw a client at the authorization server; here it is refused since the transition."""
    announced.withdraw(session, str(claim.about["client_id"]))


def recheck_parked(session: Session, claim: Claim) -> None:
    """The registry has changed: wake a batch of those who wait for the aggregator, then the next.

    Where something is wrong with one of them, each is woken by a message of its own.
    """
    aggregator, alone = str(claim.about["aggregator"]), claim.about.get("alone")
    inbound.offer_about(session, "aggregator", aggregator, _ring())
    if alone:
        _recheck(session, UUID(alone))
        return
    after = claim.about.get("after")
    waiting = registry.parked(session, aggregator, UUID(after) if after else None)
    for onboarding_id in waiting:
        if claim.attempt == 1:
            _recheck(session, onboarding_id)
        else:
            about = {"aggregator": aggregator, "alone": str(onboarding_id)}
            outbox.promise(session, "recheck_parked", about, onboarding_id=onboarding_id)
    if len(waiting) == registry.BATCH:
        about = {"aggregator": aggregator, "after": str(waiting[-1])}
        outbox.promise(session, "recheck_parked", about)


def canary(session: Session, claim: Claim) -> None:
    """Note that a worker takes work; nothing else."""
    canaries.take(session)


def run_slice(claim: Claim) -> None:
    """The next part of one action on many, each in a transaction of its own."""
    run_id = UUID(str(claim.about["run"]))
    with transaction() as session:
        due = running.next_slice(session, run_id)
    for position in due.positions:
        _carry_out_item(run_id, position)
    with transaction() as session:
        outbox.finish(session, claim)
        running.go_on(session, due)


def offer_inbound(claim: Claim) -> None:
    """Let an event take effect that came before what it is about."""
    inbound.offer(claim, _ring())


def deliver_webhooks(claim: Claim) -> None:
    """The next part of what is due at one endpoint of another system."""
    webhooks.deliver(claim, _ring())


TASKS: Final[dict[str, Work]] = {
    "generate_secret": Quick(generate_secret),
    "replace_secret": Quick(replace_secret),
    "answer_leak": Quick(answer_leak),
    "await_new_secret": Quick(await_new_secret),
    "check_aggregator": Quick(check_aggregator),
    "verify_connection": Quick(verify_connection),
    "verify_further_link": Quick(verify_further_link),
    "revoke_client": Quick(revoke_client),
    "recheck_parked": Quick(recheck_parked),
    "canary": Quick(canary),
    "offer_inbound": offer_inbound,
    "send_email": Letters(compose, handing_over, entry),
    "tell_operator": Letters(compose_for_operator, handing_over, no_entry),
    "run_slice": run_slice,
    "deliver_webhooks": deliver_webhooks,
}


def work_of(task: str) -> Work:
    """What a task does here: where the marketplace has an authorization server, that is told."""
    return _ELSEWHERE.get(task, TASKS[task]) if settings().tells_another else TASKS[task]


def _carry_out_item(run_id: UUID, position: int) -> None:
    """What is wrong with one holds up none of the others; an outage holds up all of them."""
    try:
        with transaction() as session:
            running.carry_out(session, _ring(), run_id, position)
    except Unavailable:
        raise
    except Refusal as error:
        with transaction() as session:
            running.refuse(session, _ring(), run_id, position, error)
    except Exception as error:
        if outages.outage(error):
            raise
        log.warning("run_item_failed", run=str(run_id), position=position, exc_info=True)
        with transaction() as session:
            running.break_off(session, run_id, position)


def _recheck(session: Session, onboarding_id: UUID) -> None:
    """One that has moved on since it was listed is nobody's problem."""
    with suppress(EventNotAllowed):
        lifecycle.fire(session, onboarding_id, "recheck_aggregator", PLATFORM)


@cache
def _ring() -> Keyring:
    """The keyring as this process found it; a new key takes a restart."""
    return read_keyring(settings().keys_dir)


_ELSEWHERE: Final = elsewhere.works(_ring)
