"""What a browser has proved: which onboardings it may move, and when somebody last showed who they are.

A cookie leads to a session; grants say what that session may see. Codes and resume links are
derived from the keyring and their row's ID, so a copy of the database holds none of them.
"""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from onboarding import addresses, db, letter_links, outbox, sealing, succession
from onboarding.access import Actor
from onboarding.errors import NotFound, TooMany
from onboarding.ids import new_id
from onboarding.models import (
    BrowserSession,
    ContactCode,
    DeveloperCode,
    Grant,
    Onboarding,
    ResumeLink,
)
from onboarding.proof_statements import (
    ADD_RESUME_LINK,
    MAY_MOVE,
    OF_COOKIE,
    OWNED,
    SESSION_IDLE,
)
from onboarding.sealing import Keyring

PROOF_FRESH: Final = timedelta(minutes=10)
CODE_LASTS: Final = timedelta(minutes=10)
CODE_ATTEMPTS: Final = 5
CODES_AN_HOUR: Final = 5
RESUME_LINK_LASTS: Final = timedelta(hours=72)
RESUME_LINKS_AN_HOUR: Final = 5
# An e-mail takes a moment: whoever asks for it again sooner gets no second one.
UNDER_WAY: Final = timedelta(seconds=30)

# What history has room for; two accounts must not look alike because a long name was cut off.
_ACTOR_LONGEST: Final = 200
_LINK: Final = "resume-link"

CodeVerdict = Literal["right", "wrong", "expired", "too_many"]


def open_session(session: Session) -> tuple[BrowserSession, str]:
    """A new browser session and the cookie's value, which exists nowhere else."""
    token = secrets.token_urlsafe(32)
    browser = BrowserSession(id=new_id(), token_hash=_hash(token), accounts={})
    session.add(browser)
    return browser, token


def find_session(session: Session, token: str) -> BrowserSession | None:
    """The session that a cookie leads to, unless it is idle or over."""
    found = OF_COOKIE.one(session, hash=_hash(token))
    return succession.without_old_sign_in(*found) if found else None


def find_owned(
    session: Session, token: str, onboarding_id: UUID
) -> tuple[BrowserSession, Onboarding] | None:
    """The same with the onboarding, if that session may move it: what every page asks, in one look."""
    found = OWNED.one(session, hash=_hash(token), onboarding=onboarding_id)
    if found is None:
        return None
    browser, now, onboarding = found
    return succession.without_old_sign_in(browser, now), onboarding


def renew(session: Session, browser: BrowserSession) -> tuple[BrowserSession, str]:
    """The session that follows this one after a proof, and its cookie's value."""
    token = secrets.token_urlsafe(32)
    return succession.succeed(session, browser, _hash(token)), token


def prove(session: Session, browser: BrowserSession, at: datetime | None = None) -> str:
    """Somebody has shown who they are in this browser; returns its new cookie's value.

    `at` is when the code that they entered was used: the two instants tell which code it was. An
    identity provider may vouch for a sign-in of hours ago: only its own time counts.
    """
    now = db.clock(session)
    heir, token = renew(session, browser)
    heir.proved_at = min(at or now, now)
    return token


def is_fresh(session: Session, browser: BrowserSession) -> bool:
    """Whether the last proof is recent enough to reveal a secret."""
    return browser.proved_at is not None and db.clock(session) - browser.proved_at < PROOF_FRESH


def grant(session: Session, browser: BrowserSession, onboarding_id: UUID) -> None:
    """Let this browser see and move an onboarding."""
    if session.get(Grant, (browser.id, onboarding_id)) is None:
        session.add(Grant(session_id=browser.id, onboarding_id=onboarding_id))


def may_move(session: Session, browser: BrowserSession, onboarding_id: UUID) -> bool:
    """Whether this browser was granted the onboarding, or signed in to the account it links."""
    return MAY_MOVE.one(session, browser=browser.id, onboarding=onboarding_id) is not None


def actor(browser: BrowserSession) -> Actor:
    """Who acts in this browser: a seller account once signed in, else the browser itself."""
    if browser.issuer and browser.subject:
        return account_actor(browser.issuer, browser.subject)
    return Actor("seller", f"browser:{browser.id}")


def account_actor(issuer: str, subject: str) -> Actor:
    """A seller account, as history knows it."""
    account = f"{issuer}#{subject}"
    if len(account) > _ACTOR_LONGEST:
        account = f"sha256:{hashlib.sha256(account.encode()).hexdigest()}"
    return Actor("seller", account)


def send_code(session: Session, onboarding: Onboarding, email: str) -> bool:
    """E-mail a one-time code to an address; an earlier code stops working. Raises TooMany.

    False: one is on its way there, and no other was sent.

    The caller holds the onboarding's lock, so that one form sent twice sends one code.
    """
    latest = latest_code(session, onboarding.id)
    if latest and latest.email == email and is_under_way(session, latest):
        return False
    recent = session.scalar(
        select(func.count())
        .select_from(ContactCode)
        .where(
            ContactCode.onboarding_id == onboarding.id,
            ContactCode.created_at > db.in_seconds(-3600),
        )
    )
    if (recent or 0) >= CODES_AN_HOUR:
        raise TooMany(3600)
    code = ContactCode(id=new_id(), onboarding_id=onboarding.id, email=email)
    session.add(code)
    about = {"notice": "contact_code", "code": str(code.id)}
    _promise_letter(session, onboarding, about, email)
    return True


def check_code(
    session: Session, ring: Keyring, onboarding: Onboarding, entered: str
) -> CodeVerdict:
    """Try a code. A right one verifies the contact; a wrong one counts, so commit either way.

    The caller holds the onboarding's lock, so that tries at once are counted one by one.
    """
    code = latest_code(session, onboarding.id)
    if code and not addresses.may_be_contact(session, onboarding, code.email):
        return "expired"
    verdict = try_code(session, ring, code, entered)
    if code and verdict == "right":
        onboarding.contact_email = code.email
        onboarding.contact_verified_at = code.used_at
    return verdict


def try_code(
    session: Session, ring: Keyring, code: ContactCode | DeveloperCode | None, entered: str
) -> CodeVerdict:
    """Whether this is the code; a right one is spent, and a wrong one is counted."""
    if code is None or code.used_at or db.clock(session) - code.created_at > CODE_LASTS:
        return "expired"
    if code.attempts >= CODE_ATTEMPTS:
        return "too_many"
    code.attempts += 1
    if not _is_code(ring, code.id, entered):
        return "too_many" if code.attempts >= CODE_ATTEMPTS else "wrong"
    code.used_at = db.clock(session)
    return "right"


def latest_code(session: Session, onboarding_id: UUID) -> ContactCode | None:
    """The code that was sent last: the only one that counts."""
    return session.scalars(
        select(ContactCode)
        .where(ContactCode.onboarding_id == onboarding_id)
        .order_by(ContactCode.created_at.desc(), ContactCode.id.desc())
        .limit(1)
    ).one_or_none()


def is_under_way(session: Session, code: ContactCode | DeveloperCode) -> bool:
    """Whether a code was sent so recently that no other is."""
    is_awaited = code.used_at is None and code.attempts < CODE_ATTEMPTS
    return is_awaited and db.clock(session) - code.created_at < UNDER_WAY


def code_of(ring: Keyring, code_id: UUID) -> str:
    """The six digits of a code."""
    return f"{int.from_bytes(sealing.derive(ring, 'contact-code', str(code_id))) % 1_000_000:06}"


def add_resume_link(session: Session, link_id: UUID, onboarding_id: UUID) -> None:
    """Make a resume link possible under this ID; making it again changes nothing."""
    session.execute(ADD_RESUME_LINK, {"link": link_id, "of": onboarding_id})


def resume_token(ring: Keyring, link_id: UUID) -> str:
    """What stands in the link: its ID, and 256 bits that only this keyring can make."""
    return letter_links.token(ring, _LINK, link_id)


def promise_resume_link(session: Session, onboarding: Onboarding, email: str) -> None:
    """E-mail a link that leads back to an onboarding, to its contact from now on. Raises TooMany.

    The caller holds the onboarding's lock, so that one form sent twice sends one link.
    """
    same_address = email == onboarding.contact_email
    onboarding.contact_email = email
    sent = addresses.links_of_the_hour(session, onboarding.id)
    if same_address and sent and db.clock(session) - max(sent) < UNDER_WAY:
        return
    if len(sent) >= RESUME_LINKS_AN_HOUR:
        raise TooMany(3600)
    _promise_letter(session, onboarding, {"notice": "resume_link"}, email)


def known_resume_link(session: Session, ring: Keyring, token: str) -> ResumeLink | None:
    """The link that a token belongs to, whether it still works or not; None: it is not of ours."""
    link_id = letter_links.link_id(ring, _LINK, token)
    return session.get(ResumeLink, link_id) if link_id else None


def find_resume_link(session: Session, ring: Keyring, token: str) -> ResumeLink | None:
    """The link that a token belongs to if it still works; None says nothing about why not."""
    link = known_resume_link(session, ring, token)
    if link is None or link.used_at or db.clock(session) - link.created_at > RESUME_LINK_LASTS:
        return None
    return link


def use_resume_link(session: Session, browser: BrowserSession, link: ResumeLink) -> None:
    """Spend a link: this browser may go on with the onboarding. Raises NotFound for a loser's race."""
    spent = session.execute(
        update(ResumeLink)
        .where(ResumeLink.id == link.id, ResumeLink.used_at.is_(None))
        .values(used_at=db.now())
    )
    if spent.rowcount == 0:  # type: ignore[attr-defined]
        raise NotFound
    grant(session, browser, link.onboarding_id)


def touch(session: Session, browser: BrowserSession) -> None:
    """Somebody has done something in this browser: keep its session, at most every five minutes."""
    now = db.clock(session)
    if now - browser.seen_at > timedelta(minutes=5):
        browser.seen_at = now
    succession.is_used(session, browser, now)


def _promise_letter(
    session: Session, onboarding: Onboarding, about: dict[str, str], email: str
) -> None:
    outbox.promise(
        session,
        "send_email",
        about,
        onboarding_id=onboarding.id,
        sequence=onboarding.sequence,
    )
    addresses.count_letter(session, onboarding, email)


def _is_code(ring: Keyring, code_id: UUID, entered: str) -> bool:
    digits = "".join(letter for letter in entered if letter.isascii() and letter.isdigit())
    return hmac.compare_digest(digits, code_of(ring, code_id))


def forget_idle(session: Session, limit: int) -> int:
    """Remove browser sessions that no cookie opens any more, with all they held; returns how many."""
    is_idle = BrowserSession.seen_at < db.in_seconds(-SESSION_IDLE.total_seconds())
    idle = select(BrowserSession.id).where(is_idle).limit(limit)
    gone = session.execute(delete(BrowserSession).where(BrowserSession.id.in_(idle)))
    return int(gone.rowcount)  # type: ignore[attr-defined]


def _hash(token: str) -> bytes:
    """A cookie holds 256 random bits, so a plain hash is enough (OWASP ASVS 5.0, 6.5.2)."""
    return hashlib.sha256(token.encode()).digest()
