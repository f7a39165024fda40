"""Letters and promises of a story: sent, resting or failed for good."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from onboarding import deadlines
from onboarding.chart import NEXT_MOVE, NOTICES, ON_ENTRY, REVOKES
from onboarding.ids import new_id
from onboarding.models import Client, ContactCode, Mail, Message, Onboarding
from onboarding.population import trouble
from onboarding.population.chance import Chance
from onboarding.population.rows import Ledger
from onboarding.population.trouble import CAUSES, DEFERRED, OUTAGE

_SENT_AFTER: Final = timedelta(milliseconds=600)
_IS_REFUSED: Final = 0.02
_IS_NOT_WITHDRAWN: Final = 0.06


class _Called(NamedTuple):
    """A letter that a transition, or the clock after it, called for."""

    at: datetime
    sequence: int
    about: dict[str, Any]


def add(chance: Chance, kept: Ledger) -> None:
    """Add to the rows of a story what it has promised."""
    (onboarding,) = kept.rows[Onboarding]
    last = kept.story.steps[-1]
    reminded = sum(last.at + wait <= kept.scene.now for wait in _waits(last.target))
    onboarding["reminders"] = reminded
    onboarding["wakes_at"] = deadlines.wakes_at(last.target, last.at, reminded)
    _add_letters(chance, kept)
    _add_work(chance, kept)
    _add_revocation(chance, kept)


def _add_letters(chance: Chance, kept: Ledger) -> None:
    """All are sent but the latest ones: some of them rest, are refused, or meet the outage."""
    for code in kept.rows[ContactCode]:
        _send(kept, _Called(code["created_at"], 0, {"notice": "contact_code"}))
    since = kept.story.written_to_since
    if since is None:
        return
    called = [c for c in (*_notices(kept), *_reminders(kept)) if c.at >= since]
    called.sort(key=lambda letter: letter.at)
    for letter in called:
        _hand_over(chance, kept, letter, latest=letter is called[-1])


def _hand_over(chance: Chance, kept: Ledger, letter: _Called, *, latest: bool) -> None:
    promise = trouble.promise(kept.onboarding_id, letter.sequence, "send_email", letter.about)
    if latest and kept.story.part.fate == "deferred":
        message = trouble.resting(chance, promise, DEFERRED, letter.at, kept.scene.now)
    elif letter.at >= kept.scene.outage_began:
        message = trouble.incident(chance, promise, OUTAGE, letter.at)
    elif latest and chance.happens(_IS_REFUSED):
        message = trouble.incident(chance, promise, chance.one_of(CAUSES["send_email"]), letter.at)
    else:
        _send(kept, letter)
        return
    kept.rows[Message].append(message)


def _send(kept: Ledger, letter: _Called) -> None:
    sent = {
        "id": new_id(at=letter.at),
        "onboarding_id": kept.onboarding_id,
        "notice": letter.about["notice"],
        "locale": kept.story.person.locale,
        "sent_at": letter.at + _SENT_AFTER,
    }
    kept.rows[Mail].append(sent)


def _notices(kept: Ledger) -> Iterator[_Called]:
    for sequence, step in enumerate(kept.story.steps, 1):
        if notice := NOTICES.get((step.event, step.target)):
            yield _Called(step.at, sequence, {"notice": notice})


def _reminders(kept: Ledger) -> Iterator[_Called]:
    """Those whose time came before the next step, or before now."""
    steps = kept.story.steps
    ends = [*(step.at for step in steps[1:]), kept.scene.now]
    for sequence, (step, end) in enumerate(zip(steps, ends, strict=True), 1):
        for number, wait in enumerate(_waits(step.target), 1):
            if step.at + wait < end:
                about = {"notice": "reminder", "number": number}
                yield _Called(step.at + wait, sequence, about)


def _waits(state: str) -> tuple[timedelta, ...]:
    return NEXT_MOVE[state].reminders if state in NEXT_MOVE else ()


def _add_work(chance: Chance, kept: Ledger) -> None:
    """Where it is our turn, a task has failed for good: else it would have been done long since."""
    last = kept.story.steps[-1]
    for task in ON_ENTRY.get(last.target, ()):
        promise = trouble.promise(kept.onboarding_id, len(kept.story.steps), task)
        message = trouble.incident(chance, promise, chance.one_of(CAUSES[task]), last.at)
        kept.rows[Message].append(message)


def _add_revocation(chance: Chance, kept: Ledger) -> None:
    """Sometimes the authorization server was never told that the client ID is revoked."""
    last = kept.story.steps[-1]
    revoked = [client for client in kept.rows[Client] if client["revoked_at"] == last.at]
    if last.event not in REVOKES or not revoked or not chance.happens(_IS_NOT_WITHDRAWN):
        return
    revoked[0]["withdrawn_at"] = None
    about = {"client_id": revoked[0]["id"]}
    promise = trouble.promise(kept.onboarding_id, len(kept.story.steps), "revoke_client", about)
    cause = chance.one_of(CAUSES["revoke_client"])
    kept.rows[Message].append(trouble.incident(chance, promise, cause, last.at))
