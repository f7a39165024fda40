"""A new client secret for an onboarding that is done, while the old one goes on.

The chart has no move out of an end state, so this is none: it is a fact of the client and of the
versions of its secret. The old version works until its owner has the new one, and as many days more
as were asked for; history tells of that moment. Whoever writes here holds the onboarding's lock; the
database's clock decides.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, delete, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from onboarding import credentials, db, lifecycle, outbox
from onboarding.access import PLATFORM, Actor
from onboarding.afterwards import DONE
from onboarding.chart import NEXT_MOVE
from onboarding.checksums import CHECKSUM
from onboarding.credentials import REISSUES_A_DAY, Revealed
from onboarding.errors import Invalid, NotEligible, NotFound, TooMany
from onboarding.models import Client, Onboarding, SealedSecret, Secret
from onboarding.sealing import Keyring
from onboarding.settings import Settings, settings
from onboarding.words import N_, Said

# Why none is made beside another authorization server, and what to do instead: see decision 46.
ONE_AT_A_TIME: Final = N_(
    "The authorization server knows one client secret at a time: start another onboarding, change over"
    " to its client, then revoke this one"
)
# Days during which the old version may go on.
LONGEST_OVERLAP: Final = 7
# How long a new one waits to be shown, and then to be saved or used; after that it is destroyed.
UNSEEN_LASTS: Final = NEXT_MOVE["secret_ready"].then_after or timedelta()
UNSAVED_LASTS: Final = NEXT_MOVE["secret_revealed"].then_after or timedelta()


@dataclass(frozen=True, slots=True)
class Versions:
    """How a client's secret stands: the version it goes by, one to come, and one that was replaced."""

    client: Client
    # None: it was destroyed or revoked.
    current: Secret | None
    coming: Secret | None
    old: Secret | None
    # One that was too old, where no other has taken its place.
    expired: Secret | None
    # The number of the latest version, so that a form that has fallen behind is noticed.
    latest: int

    @property
    def is_free(self) -> bool:
        """Whether a new one may be asked for now: of two versions that live, neither is overlooked."""
        unseen = self.coming is not None and self.coming.revealed_at is None
        return not (self.client.secret_asked_at or unseen or self.old)


def versions(session: Session, onboarding: Onboarding) -> Versions | None:
    """How it stands with the secret of an onboarding that is done; None: it has none of its own."""
    client = credentials.live_client(session, onboarding.id)
    if onboarding.state not in DONE or client is None:
        return None
    found = session.scalars(
        select(Secret)
        .where(Secret.client_id == client.id)
        .order_by(Secret.version)
        .execution_options(populate_existing=True)
    ).all()
    now = db.clock(session)
    alive = [each for each in found if each.ended_at is None]
    coming = [s for s in alive if s.overlap_days is not None and s.acknowledged_at is None]
    old = [each for each in alive if each.ends_at is not None]
    current = next((each for each in alive if each not in coming + old), None)
    return Versions(
        client=client,
        current=current,
        coming=next(iter(coming), None),
        old=next((each for each in old if each.ends_at and each.ends_at > now), None),
        expired=None
        if current
        else next((e for e in found[::-1] if e.ended_because == "expired"), None),
        latest=found[-1].version if found else 0,
    )


def ask(
    session: Session,
    onboarding_id: UUID,
    actor: Actor,
    overlap_days: int,
    *,
    expected: int | None = None,
) -> Versions:
    """Have a new version made. The current one goes on; one that was shown and not saved ends.

    `expected` is the latest version that the caller has seen. Raises Invalid, NotEligible, TooMany.
    """
    if settings().tells_another:
        raise NotEligible(ONE_AT_A_TIME)
    if not 0 <= overlap_days <= LONGEST_OVERLAP:
        raise Invalid(
            {"overlap_days": Said(N_("It must be between 0 and %(most)s."), most=LONGEST_OVERLAP)}
        )
    onboarding, stands = _held(session, onboarding_id)
    if stands.client.disabled_at or not (stands.current or stands.expired):
        raise NotEligible(N_("The client ID does not work any more"))
    if not stands.is_free or expected not in (None, stands.latest):
        raise NotEligible(
            N_("A new secret was asked for before, or the one before has still to end")
        )
    if actor.kind != "operator" and _made_today(session, stands.client) >= REISSUES_A_DAY:
        raise TooMany(24 * 3600)
    settle(session, onboarding_id)
    if stands.coming:
        _end(session, stands.coming, "unused")
    stands.client.secret_asked_at = db.clock(session)
    about = {"overlap_days": overlap_days}
    outbox.promise(session, "replace_secret", about, **_its(onboarding))
    return stands


def generate(
    session: Session, onboarding_id: UUID, ring: Keyring, settings: Settings, overlap_days: int
) -> None:
    """Make the version that was asked for, if it still is."""
    onboarding = lifecycle.lock(session, onboarding_id)
    stands = versions(session, onboarding)
    if stands is None or stands.client.secret_asked_at is None:
        return
    credentials.make_version(session, stands.client.id, ring, settings, overlap_days)
    stands.client.secret_asked_at = None


def waits_to_be_shown(session: Session, onboarding: Onboarding) -> bool:
    """Whether there is a new version that nobody has seen."""
    stands = versions(session, onboarding)
    return bool(stands and stands.coming and stands.coming.revealed_at is None)


def reveal(session: Session, onboarding_id: UUID, ring: Keyring) -> Revealed:
    """The new version, once, as `credentials.reveal` shows the first. Its owner is told that it was.

    Raises NotEligible, and EventNotAllowed for one that was sealed in another history.
    """
    onboarding, stands = _held(session, onboarding_id)
    if stands.coming is None or stands.coming.revealed_at is not None:
        raise NotEligible(N_("No new secret waits to be shown"))
    revealed = credentials.take_out(session, onboarding, ring, db.clock(session))
    if onboarding.contact_email:
        about = {"notice": "new_secret_shown"}
        outbox.promise(session, "send_email", about, **_its(onboarding))
    return revealed


def acknowledge(
    session: Session, onboarding_id: UUID, actor: Actor, *, version: int, ending: str
) -> None:
    """The new version has arrived, says who names its last six characters. The overlap begins now."""
    _onboarding, stands = _held(session, onboarding_id)
    coming = stands.coming
    shown = coming and coming.version == version and coming.revealed_at and not coming.jwk
    if coming is None or not shown:
        raise NotEligible(N_("This is not the new secret that was shown last"))
    if not hmac.compare_digest(coming.ending.encode(), ending.strip()[-CHECKSUM:].encode()):
        raise Invalid({"ending": N_("These are not the last 6 characters of your client secret.")})
    _take_over(session, stands, coming, actor)


def acknowledge_by_use(session: Session, onboarding_id: UUID, version: int) -> None:
    """Whoever has used the new version has it. Of any other version this says nothing."""
    stands = versions(session, lifecycle.lock(session, onboarding_id))
    coming = stands.coming if stands else None
    if stands and coming and coming.version == version and coming.revealed_at:
        _take_over(session, stands, coming, PLATFORM)


def end_old(session: Session, onboarding_id: UUID, version: int) -> None:
    """End a version that was replaced before its time. Ending it twice is ending it once.

    Raises NotEligible for one that was not replaced, NotFound for one that there never was.
    """
    _onboarding, stands = _held(session, onboarding_id)
    secret = session.get(Secret, (stands.client.id, version))
    if secret is None:
        raise NotFound
    if secret.ended_at is not None:
        return
    if secret.ends_at is None:
        raise NotEligible(N_("This version was not replaced"))
    _end(session, secret, "replaced")


def settle(session: Session, onboarding_id: UUID) -> bool:
    """Write down what has ended by the clock: an old version, or a new one that nobody has saved."""
    lifecycle.lock(session, onboarding_id)
    ended = session.scalars(_over().where(Client.onboarding_id == onboarding_id)).all()
    for each in ended:
        _end(session, each, "replaced" if each.ends_at else "unused")
    return bool(ended)


def due(session: Session, limit: int) -> Sequence[UUID]:
    """Onboardings with something to settle."""
    return session.scalars(_over().with_only_columns(Client.onboarding_id).limit(limit)).all()


def drop_disclosed(session: Session, onboarding: Onboarding) -> None:
    """End a new version that has leaked before its owner had it: it would be shown for nothing."""
    stands = versions(session, onboarding)
    if stands and stands.coming and stands.coming.disclosed_at:
        _end(session, stands.coming, "unused")


def forfeit(session: Session, onboarding: Onboarding) -> bool:
    """Destroy a new version that was sealed in another history; the current one goes on."""
    stands = versions(session, onboarding)
    if stands is None or stands.coming is None or stands.coming.revealed_at is not None:
        return False
    _end(session, stands.coming, "unused")
    return True


def _held(session: Session, onboarding_id: UUID) -> tuple[Onboarding, Versions]:
    """The onboarding, locked, and its versions. Raises NotEligible where there can be none."""
    onboarding = lifecycle.lock(session, onboarding_id)
    stands = versions(session, onboarding)
    if stands is None:
        raise NotEligible(N_("There is no client secret in use"))
    return onboarding, stands


def _take_over(session: Session, stands: Versions, coming: Secret, actor: Actor) -> None:
    """From now on the client goes by the new version; the old one has its days left, or none."""
    now = db.clock(session)
    leaked = stands.current is not None and stands.current.disclosed_at is not None
    days = 0 if leaked else coming.overlap_days or 0
    if stands.current:
        stands.current.ends_at = now + timedelta(days=days)
        # It makes room for the one that takes its place: an index lets one be current.
        session.flush()
        if not days:
            _end(session, stands.current, "replaced")
    credentials.mark_acknowledged(session, coming, now)
    details = {"client_id": coming.client_id, "version": coming.version}
    details |= {"credential": "public_key"} if coming.jwk else {}
    lifecycle.note(session, stands.client.onboarding_id, "take_new_secret", actor, details=details)


def _end(session: Session, secret: Secret, because: str) -> None:
    """At once, and with what is sealed of it."""
    of_it = (SealedSecret.client_id == secret.client_id, SealedSecret.version == secret.version)
    session.execute(delete(SealedSecret).where(*of_it))
    secret.ended_at, secret.ended_because = db.clock(session), because
    session.flush()  # What is written next counts the versions that have not ended.


def _over() -> Select[Secret]:
    def for_longer(since: InstrumentedAttribute[Any], lasts: timedelta) -> ColumnElement[bool]:
        return since < db.in_seconds(-lasts.total_seconds())

    unused = and_(
        Secret.overlap_days.is_not(None),
        Secret.acknowledged_at.is_(None),
        or_(
            and_(Secret.revealed_at.is_(None), for_longer(Secret.created_at, UNSEEN_LASTS)),
            for_longer(Secret.revealed_at, UNSAVED_LASTS),
        ),
    )
    return (
        select(Secret)
        .join(Client, Client.id == Secret.client_id)
        .where(Secret.ended_at.is_(None), or_(Secret.ends_at <= db.now(), unused))
        .order_by(Secret.client_id)
    )


def _made_today(session: Session, client: Client) -> int:
    made = select(func.count()).where(
        Secret.client_id == client.id,
        Secret.overlap_days.is_not(None),
        Secret.created_at > db.in_seconds(-24 * 3600),
    )
    return session.scalar(made) or 0


def _its(onboarding: Onboarding) -> dict[str, Any]:
    """Whose a message is."""
    return {"onboarding_id": onboarding.id, "sequence": onboarding.sequence}
