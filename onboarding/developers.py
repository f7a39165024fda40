"""The developer whom a seller has named to receive the secret: who that is, and what proves it.

While one is named, the secret is shown to that developer alone. The link in the e-mail opens nothing by
itself: whoever has it can have a code sent to the address, and only the code opens the developer's
part. Whatever browser holds the seller's part cannot hold this one as well.
"""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from onboarding import addresses, db, deciding, letter_links, outbox, proofs
from onboarding.access import Actor
from onboarding.chart import MAY_FIRE
from onboarding.errors import EventNotAllowed, FreshProofNeeded, NotFound, TooMany
from onboarding.ids import new_id
from onboarding.models import BrowserSession, DeveloperCode, Handover, Onboarding
from onboarding.proofs import CODES_AN_HOUR, PROOF_FRESH, CodeVerdict
from onboarding.sealing import Keyring

# Where a developer may be named, and taken back: as long as nobody has stored the secret.
STATES: Final = (
    "type_chosen",
    "issuing_secret",
    "secret_ready",
    "secret_lapsed",
    "secret_revealed",
)
# Where it is a named developer's move.
THEIR_MOVE: Final = ("secret_ready", "secret_revealed")
_LINK: Final = "handover-link"


def whose_move(onboarding: Onboarding, whom: str) -> str:
    """Who must move, of whom the chart's table names: the named developer stands in for the seller."""
    named = onboarding.handover_id is not None and onboarding.state in THEIR_MOVE
    return "developer" if named else whom


def has_the_move() -> ColumnElement[bool]:
    """A condition: the named developer stands in for the seller there, as `whose_move` says."""
    return and_(Onboarding.handover_id.is_not(None), Onboarding.state.in_(THEIR_MOVE))


def in_short(email: str) -> str:
    """An address for those who know it: `d…@example.com`."""
    name, _, host = email.rpartition("@")
    return f"{name[:1]}…@{host}"


def is_waited_for(onboarding: Onboarding) -> bool:
    """Whether the secret is a named developer's to receive, and has not arrived yet."""
    return onboarding.handover_id is not None and onboarding.state in STATES[1:]


def actor(handover: Handover) -> Actor:
    """Who acts: history names the hand-over, never an address."""
    return Actor("developer", f"developer:{handover.id}")


def allowed(onboarding: Onboarding, kind: str) -> tuple[str, ...]:
    """What one kind of actor may fire now; what the named developer alone may is nobody else's."""
    events = deciding.allowed(deciding.facts_of(onboarding), kind)
    if onboarding.handover_id is None or kind == "developer":
        return events
    return tuple(event for event in events if "developer" not in MAY_FIRE[event])


def require(onboarding: Onboarding, who: Actor, event: str) -> None:
    """Only the named developer may receive the secret, and nobody else who might without one.

    The caller has locked the onboarding. Raises EventNotAllowed, and NotFound for a developer who is
    not named (any more).
    """
    if who.kind == "developer":
        if who.id != f"developer:{onboarding.handover_id}":
            raise NotFound
    elif onboarding.handover_id is not None:
        raise EventNotAllowed(
            event, onboarding.state, allowed(onboarding, who.kind), "developer_named"
        )


def named(session: Session, onboarding: Onboarding) -> Handover | None:
    """The developer who is named now."""
    if onboarding.handover_id is None:
        return None
    return session.get(Handover, onboarding.handover_id)


def all_of(session: Session, onboarding_id: UUID) -> Sequence[Handover]:
    """Every developer who was ever named for it, the first one first."""
    mine = select(Handover).where(Handover.onboarding_id == onboarding_id)
    return session.scalars(mine.order_by(Handover.named_at, Handover.id)).all()


def token(ring: Keyring, handover_id: UUID) -> str:
    """What stands in the developer's link: its ID, and 256 bits that only this keyring can make."""
    return letter_links.token(ring, _LINK, handover_id)


def find(session: Session, ring: Keyring, text: str) -> tuple[Handover, Onboarding] | None:
    """The hand-over that a link leads to, ended or not; None: the link is not of ours."""
    handover_id = letter_links.link_id(ring, _LINK, text)
    found = session.execute(
        select(Handover, Onboarding)
        .join(Onboarding, Onboarding.id == Handover.onboarding_id)
        .where(Handover.id == handover_id)
        .execution_options(populate_existing=True)
    ).one_or_none()
    return (found[0], found[1]) if found else None


def is_live(handover: Handover, onboarding: Onboarding) -> bool:
    """Whether this developer is named still."""
    return handover.ended_at is None and onboarding.handover_id == handover.id


def holds(session: Session, browser: BrowserSession | None, handover: Handover) -> bool:
    """Whether the address was proved in this browser, and it does not hold the seller's part."""
    if browser is None or browser.id != handover.session_id:
        return False
    return not proofs.may_move(session, browser, handover.onboarding_id)


def require_fresh(session: Session, handover: Handover) -> None:
    """Ask for a new code before a secret is shown. Raises FreshProofNeeded."""
    proved = handover.proved_at
    if proved is None or db.clock(session) - proved >= PROOF_FRESH:
        raise FreshProofNeeded


def tell(session: Session, onboarding: Onboarding) -> None:
    """Write to the named developer, if there is one, that the secret can be collected."""
    if onboarding.handover_id is not None:
        _promise(session, onboarding, {"notice": "developer_named"})


def send_code(session: Session, onboarding: Onboarding, handover: Handover) -> bool:
    """E-mail a code to the developer; an earlier one stops working. Raises TooMany.

    False: one is on its way, and no other was sent.

    The caller holds the onboarding's lock, so that one form sent twice sends one code.
    """
    latest = latest_code(session, handover.id)
    if latest and proofs.is_under_way(session, latest):
        return False
    if _codes_of_the_hour(session, onboarding.id) >= CODES_AN_HOUR:
        raise TooMany(3600)
    code = DeveloperCode(id=new_id(), handover_id=handover.id)
    session.add(code)
    _promise(session, onboarding, {"notice": "developer_code", "code": str(code.id)})
    if handover.proved_at is None:
        addresses.count_letter(session, onboarding, handover.email)
    return True


def latest_code(session: Session, handover_id: UUID) -> DeveloperCode | None:
    """The code that was sent last: the only one that counts."""
    return session.scalars(
        select(DeveloperCode)
        .where(DeveloperCode.handover_id == handover_id)
        .order_by(DeveloperCode.created_at.desc(), DeveloperCode.id.desc())
        .limit(1)
    ).one_or_none()


def prove(
    session: Session,
    ring: Keyring,
    handover: Handover,
    browser: BrowserSession | None,
    entered: str,
) -> tuple[CodeVerdict, str | None]:
    """Try a code. A right one opens the developer's part in this browser, under the cookie returned.

    It is no proof of anything else, so the session's own last proof stays what it was.
    """
    verdict = proofs.try_code(session, ring, latest_code(session, handover.id), entered)
    if verdict != "right":
        return verdict, None
    heir, cookie = proofs.renew(session, browser) if browser else proofs.open_session(session)
    session.flush()  # What follows refers to it.
    handover.proved_at, handover.session_id = db.clock(session), heir.id
    return verdict, cookie


def _promise(session: Session, onboarding: Onboarding, about: dict[str, str]) -> None:
    about = about | {"handover": str(onboarding.handover_id)}
    outbox.promise(
        session, "send_email", about, onboarding_id=onboarding.id, sequence=onboarding.sequence
    )


def _codes_of_the_hour(session: Session, onboarding_id: UUID) -> int:
    """Of every developer who was named for it."""
    sent = (
        select(func.count())
        .select_from(DeveloperCode)
        .join(Handover, Handover.id == DeveloperCode.handover_id)
        .where(
            Handover.onboarding_id == onboarding_id,
            DeveloperCode.created_at > db.in_seconds(-3600),
        )
    )
    return session.scalar(sent) or 0
