"""Letters that an operator has sent: the latest one again, or a reminder now."""

from datetime import timedelta
from functools import cache
from typing import Any, Final

from sqlalchemy.orm import Session

from onboarding import leaks, outbox
from onboarding.actions.rules import Action, Order, Told
from onboarding.afterwards import AFTERWARDS
from onboarding.chart import MAY_FIRE, NEXT_MOVE, NOTICES, ON_ENTRY
from onboarding.drawing import arrows
from onboarding.standing import Standing
from onboarding.words import N_

# Nobody is reminded by hand of what they were written about less than this long ago.
NUDGE_AFTER: Final = timedelta(days=1)


def actions() -> dict[str, Action]:
    """`resend` and `nudge`."""
    return {
        "resend": Action("resend", "act", _why_not_again, _resend, letter=_latest),
        "nudge": Action("nudge", "act", _why_not_remind, _nudge, letter=lambda _: "reminder"),
    }


@cache
def of_work(state: str) -> str | None:
    """The letter that comes of the work in a state: whatever that reports, somebody is told."""
    reported = (a for a in arrows() if a.source == state and "platform" in MAY_FIRE[a.event])
    told = (NOTICES.get((each.event, each.target)) for each in reported)
    return next(filter(None, told), None) if state in ON_ENTRY else None


def _why_not_again(standing: Standing, order: Order) -> str | None:
    if not standing.onboarding.contact_email:
        return N_("There is no e-mail address")
    if _latest(standing) is None:
        return N_("There is no letter for where this stands now")
    return _is_on_its_way(standing)


def _latest(standing: Standing) -> str | None:
    """What was written when it came to where it stands, or when that was last changed."""
    event, target, _ = standing.news
    if event == "disclose_secret":
        return leaks.NOTICE
    after = AFTERWARDS.get(event)
    return after.notice if after else NOTICES.get((event, target))


def about_latest(session: Session, standing: Standing) -> dict[str, Any]:
    """What was promised with the latest letter, so that it says the same again."""
    about = {"notice": _latest(standing)}
    if about["notice"] == leaks.NOTICE:
        about["url"] = leaks.found_at(session, standing.onboarding.id)
    return about


def _resend(session: Session, standing: Standing, order: Order) -> Told:
    about = about_latest(session, standing)
    return _send(session, standing, about, standing.news.sequence)


def _why_not_remind(standing: Standing, order: Order) -> str | None:
    move = NEXT_MOVE.get(standing.onboarding.state)
    if move is None or not move.reminders:
        return N_("It waits for no person")
    if not standing.onboarding.contact_email:
        return N_("There is no e-mail address")
    if standing.told_at and standing.now - standing.told_at < NUDGE_AFTER:
        return N_("A letter was sent less than a day ago")
    return _is_on_its_way(standing)


def _nudge(session: Session, standing: Standing, order: Order) -> Told:
    # Its own time, so that a second one within the same state is another promise.
    about = {"notice": "reminder", "asked_at": standing.now.isoformat()}
    return _send(session, standing, about, standing.onboarding.sequence)


def _is_on_its_way(standing: Standing) -> str | None:
    letters = [m for m in standing.messages if m.task == "send_email"]
    if any(m.failed_at is not None for m in letters):
        return N_("A letter has failed for good: try that one again")
    return N_("A letter is on its way already") if letters else None


def _send(session: Session, standing: Standing, about: dict[str, Any], sequence: int) -> Told:
    its = standing.onboarding.id
    outbox.promise(session, "send_email", about, onboarding_id=its, sequence=sequence)
    return {"notice": about["notice"]}
