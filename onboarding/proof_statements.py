"""What every page asks first: whose browser it is, and whether it may move this onboarding; and a letter's link.

Built once: building them took longer than the database did to answer.
"""

from datetime import timedelta
from typing import Final

from sqlalchemy import and_, bindparam, exists, insert, or_, select

from onboarding import db, succession
from onboarding.looks import Look
from onboarding.models import Base, BrowserSession, Grant, Link, Onboarding

# Since somebody did something there last; looking writes nothing down.
SESSION_IDLE: Final = timedelta(days=30)

_OF_COOKIE: Final = select(BrowserSession, db.now()).where(
    BrowserSession.token_hash == bindparam("hash"),
    BrowserSession.seen_at > db.in_seconds(-SESSION_IDLE.total_seconds()),
    succession.not_over(),
)
# A session was granted the onboarding, or is signed in to the account that it links.
_MOVES: Final = or_(
    exists().where(Grant.session_id == BrowserSession.id, Grant.onboarding_id == Onboarding.id),
    and_(
        succession.is_signed_in(),
        exists().where(
            Link.onboarding_id == Onboarding.id,
            Link.issuer == BrowserSession.issuer,
            Link.subject == BrowserSession.subject,
            Link.ended_at.is_(None),
        ),
    ),
)
_WANTED: Final = Onboarding.id == bindparam("onboarding")
OF_COOKIE: Final = Look(_OF_COOKIE)
OWNED: Final = Look(_OF_COOKIE.add_columns(Onboarding).join(Onboarding, _WANTED).where(_MOVES))
MAY_MOVE: Final = Look(
    select(Onboarding.id)
    .join_from(BrowserSession, Onboarding, _WANTED)
    .where(BrowserSession.id == bindparam("browser"), _MOVES)
)
# A letter that is written again has the same link, and that is there already.
_links: Final = Base.metadata.tables["resume_links"]
ADD_RESUME_LINK: Final = insert(_links).from_select(
    ["id", "onboarding_id"],
    select(
        bindparam("link", type_=_links.c.id.type),
        bindparam("of", type_=_links.c.onboarding_id.type),
    ).where(~exists().where(_links.c.id == bindparam("link"))),
)
