"""I2 and I13, and of I1 what it says of versions: a secret is shown at most once, kept as a hash, and replaced by one."""

import re
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, String, and_, cast, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from onboarding.checksums import BODY, CHECKSUM, well_formed
from onboarding.invariants.rules import Rows, Within, rule
from onboarding.models import (
    Client,
    KeyCheck,
    Message,
    Onboarding,
    SealedSecret,
    Secret,
    Transition,
)

_SECRET: Final = re.compile(rf"[0-9A-Za-z]+_(?:live|test)_[0-9A-Za-z]{{{BODY + CHECKSUM}}}")
_SHOWN = (
    "Have a new secret made: `onboarding fire REF reissue_secret --reason shown-twice`, or start_over"
    " once it was saved; and find out who saw this one: `onboarding show REF`"
)
_IN_THE_CLEAR = (
    "That secret is known to whoever reads the database: have a new one made with `onboarding fire"
    " REF reissue_secret --reason leaked`, or start_over once it was saved; then blank the column."
)
_KEYRING = "See `onboarding doctor`; restore the keyring from its backup."


@rule(
    "I1",
    Client.id,
    what="{} versions of one client secret have not ended",
    do="End all but the current one and the one that it replaces, by hand. `onboarding show REF`",
)
def two_secrets_at_most(within: Within) -> Rows:
    """While a secret is replaced, two versions live, never three."""
    alive = (
        select(Client.onboarding_id, func.count())
        .join(Secret, Secret.client_id == Client.id)
        .where(within(Secret.client_id), Secret.ended_at.is_(None))
    )
    return alive.group_by(Client.id, Client.onboarding_id).having(func.count() > 2)  # noqa: PLR2004


@rule(
    "I2",
    Client.id,
    what="version {} of the secret was shown and is still sealed",
    do="Delete that row of sealed_secrets now: it could be shown again. `onboarding show REF`",
)
def shown_secret_is_not_sealed(within: Within) -> Rows:
    """A secret that was shown cannot be taken out again."""
    return (
        versions(within, Secret.version)
        .join(
            SealedSecret,
            and_(
                SealedSecret.client_id == Secret.client_id, SealedSecret.version == Secret.version
            ),
        )
        .where(Secret.revealed_at.is_not(None), Secret.ended_at.is_(None))
    )


@rule("I2", Onboarding.id, what="was shown a secret {} times, and {} versions were", do=_SHOWN)
def every_showing_has_its_version(within: Within) -> Rows:
    """History knows of as many reveals as there are versions that were shown: none twice."""
    reveals = steps_of_each("reveal_secret")
    shown = versions_of_each(and_(Secret.revealed_at.is_not(None), ~is_replacement()))
    return select(Onboarding.id, reveals, shown).where(within(Onboarding.id), reveals != shown)


@rule("I2", Client.id, what="version {} was shown at {}, of which history knows nothing", do=_SHOWN)
def showing_is_in_history(within: Within) -> Rows:
    """A version of a secret was shown at the instant of a reveal in history."""
    return versions(within, Secret.version, Secret.revealed_at).where(
        Secret.revealed_at.is_not(None),
        ~is_replacement(),
        ~exists().where(
            Transition.onboarding_id == Client.onboarding_id,
            Transition.event == "reveal_secret",
            Transition.at == Secret.revealed_at,
        ),
    )


def _holds_one(row: Sequence[Any]) -> bool:
    """SQL finds what looks like a secret from afar; the checksum tells."""
    return any(well_formed(found) for found in _SECRET.findall(str(row[-1])))


def _may_hold_one(*columns: InstrumentedAttribute[Any]) -> tuple[Any, ColumnElement[str]]:
    """The condition that one of these columns may hold a secret, and all that they hold."""
    text: ColumnElement[str] = func.coalesce(cast(columns[0], String), "")
    for column in columns[1:]:
        text = text + " " + func.coalesce(cast(column, String), "")
    signs = (text.contains(sign, autoescape=True) for sign in ("_live_", "_test_"))
    return or_(*signs), text


@rule(
    "I2",
    Onboarding.id,
    what="holds a client secret in the clear",
    do=_IN_THE_CLEAR,
    doubt=_holds_one,
)
def no_secret_in_an_onboarding(within: Within) -> Rows:
    """Nothing that was answered or named is a client secret."""
    suspicious, text = _may_hold_one(
        Onboarding.answers, Onboarding.connection_name, Onboarding.aggregator_name
    )
    return select(Onboarding.id, text).where(within(Onboarding.id), suspicious)


@rule(
    "I2",
    Onboarding.id,
    what="transition {} holds a client secret in the clear",
    do=_IN_THE_CLEAR,
    doubt=_holds_one,
)
def no_secret_in_history(within: Within) -> Rows:
    """No transition keeps a client secret among its details."""
    suspicious, text = _may_hold_one(Transition.details, Transition.actor_id)
    return select(Transition.onboarding_id, Transition.sequence, text).where(
        within(Transition.onboarding_id), suspicious
    )


@rule(
    "I2",
    Message.id,
    what="a promise {} holds a client secret in the clear",
    do=_IN_THE_CLEAR,
    doubt=_holds_one,
)
def no_secret_in_a_message(within: Within) -> Rows:
    """No message, and no error of one, speaks of a client secret."""
    suspicious, text = _may_hold_one(Message.about, Message.last_error)
    return select(Message.onboarding_id, Message.task, text).where(within(Message.id), suspicious)


@rule(
    "I13",
    Client.id,
    what="version {}: its hash is not one, or under the unknown pepper {}",
    do=_KEYRING,
)
def secret_is_hashed(within: Within) -> Rows:
    """Of a secret there is a hash of 32 bytes, under a pepper that this database was used with.

    Of a public key it is the thumbprint, which needs no pepper.
    """
    unknown = and_(_unknown("pepper", Secret.pepper_id), Secret.jwk.is_(None))
    return versions(within, Secret.version, Secret.pepper_id).where(
        or_(func.length(Secret.hash) != 32, unknown),  # noqa: PLR2004
    )


@rule("I13", Client.id, what="version {} is sealed with the unknown key {}", do=_KEYRING)
def secret_is_sealed(within: Within) -> Rows:
    """What waits to be shown was sealed with a key that this database was used with."""
    key = SealedSecret.key_id
    return (
        select(Client.onboarding_id, SealedSecret.version, key)
        .join(Client, Client.id == SealedSecret.client_id)
        .where(
            within(SealedSecret.client_id),
            _unknown("seal", key),
            _unknown("public", key),
        )
    )


@rule(
    "I13",
    Onboarding.id,
    what="has the live client ID {}, and no contact that anybody has vouched for",
    do="Nobody could be asked for a proof: take it back with `onboarding fire REF start_over --reason"
    " unverified`, or cancel.",
)
def client_has_a_verified_contact(within: Within) -> Rows:
    """A client ID is alive only where the contact was verified first."""
    return (
        select(Onboarding.id, Client.id)
        .join(Client, Client.onboarding_id == Onboarding.id)
        .where(
            within(Client.onboarding_id),
            Client.revoked_at.is_(None),
            Onboarding.contact_verified_at.is_(None),
        )
    )


def steps_of_each(event: str) -> ColumnElement[int]:
    """How often an event is in the history of the onboarding that is looked at."""
    return (
        select(func.count(Transition.sequence))
        .where(Transition.onboarding_id == Onboarding.id, Transition.event == event)
        .correlate(Onboarding)
        .scalar_subquery()
    )


def versions_of_each(chosen: ColumnElement[bool]) -> ColumnElement[int]:
    """How many versions the client IDs of the onboarding that is looked at have.

    It goes by the client IDs that history issued: no index leads from an onboarding to its old ones.
    """
    issued = Transition.details["client_id"].as_string()
    return (
        select(func.count(Secret.version))
        .join_from(Transition, Secret, Secret.client_id == issued)
        .where(Transition.onboarding_id == Onboarding.id, Transition.event == "issue_id", chosen)
        .correlate(Onboarding)
        .scalar_subquery()
    )


def is_replacement() -> ColumnElement[bool]:
    """Made to replace another after the onboarding was done: history says nothing of it."""
    return Secret.overlap_days.is_not(None)


def versions(within: Within, *columns: Any) -> Rows:
    """Versions of secrets, and whose they are, in a stretch of client IDs."""
    return (
        select(Client.onboarding_id, *columns)
        .join_from(Secret, Client, Client.id == Secret.client_id)
        .where(within(Secret.client_id))
    )


def _unknown(purpose: str, key_id: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """Not among the keys that were met; a database that met none yet was used by no process."""
    known = exists().where(KeyCheck.key_id == f"{purpose}." + key_id)
    return and_(exists(select(KeyCheck.key_id)), ~known)
