"""I1, I7 and I10: one of each, and everybody has their own."""

from typing import Any

from sqlalchemy import String, and_, cast, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from onboarding import credentials
from onboarding.invariants.rules import Rows, Within, rule
from onboarding.models import (
    ApiKey,
    Client,
    ContactCode,
    Link,
    Mail,
    Message,
    Onboarding,
    ResumeLink,
    SealedSecret,
    Secret,
    Transition,
)

_UNIQUE = (
    "End all but the newest by hand, then make the unique index {} again: only without it can this"
    " happen. `onboarding show REF`"
)
_FOREIGN = (
    "Treat it as a leak: find out what the other onboarding's owner was shown, `onboarding show REF`,"
    " and compare with a backup. No program of ours joins two onboardings."
)


@rule(
    "I1",
    Onboarding.id,
    what="{} client IDs are alive",
    do=_UNIQUE.format("uq_clients_alive"),
)
def one_live_client(within: Within) -> Rows:
    """An onboarding has at most one client ID that is not revoked."""
    alive = select(Client.onboarding_id, func.count()).where(
        within(Client.onboarding_id), Client.revoked_at.is_(None)
    )
    return alive.group_by(Client.onboarding_id).having(func.count() > 1)


@rule(
    "I1",
    Client.id,
    what="{} versions of one client secret are alive",
    do=_UNIQUE.format("uq_secrets_alive"),
)
def one_live_secret(within: Within) -> Rows:
    """A client ID goes by one version of its secret at most."""
    alive = (
        select(Client.onboarding_id, func.count())
        .join(Secret, Secret.client_id == Client.id)
        .where(within(Secret.client_id), credentials.is_current())
    )
    return alive.group_by(Client.id, Client.onboarding_id).having(func.count() > 1)


@rule(
    "I1",
    Onboarding.id,
    what="{} seller accounts are linked",
    do=_UNIQUE.format("uq_links_alive"),
)
def one_live_link(within: Within) -> Rows:
    """An onboarding has at most one link that has not ended."""
    alive = select(Link.onboarding_id, func.count()).where(
        within(Link.onboarding_id), Link.ended_at.is_(None)
    )
    return alive.group_by(Link.onboarding_id).having(func.count() > 1)


@rule(
    "I1",
    Client.id,
    what="version {} of the secret is alive, its client ID is revoked",
    do="End that version by hand (ended_at, ended_because = 'revoked'). `onboarding show REF`",
)
def live_secret_of_a_live_client(within: Within) -> Rows:
    """With a client ID, every version of its secret ends."""
    return (
        select(Client.onboarding_id, Secret.version)
        .join(Secret, Secret.client_id == Client.id)
        .where(
            within(Secret.client_id),
            Secret.ended_at.is_(None),
            Client.revoked_at.is_not(None),
        )
    )


@rule(
    "I1",
    Client.id,
    what="version {} of the secret has ended and is still sealed",
    do="Delete that row of sealed_secrets: nobody may open it any more. `onboarding show REF`",
)
def sealed_secret_is_alive(within: Within) -> Rows:
    """What is sealed belongs to a version that has not ended."""
    secret = and_(
        Secret.client_id == SealedSecret.client_id, Secret.version == SealedSecret.version
    )
    return (
        select(Client.onboarding_id, SealedSecret.version)
        .select_from(SealedSecret)
        .outerjoin(Secret, secret)
        .outerjoin(Client, Client.id == SealedSecret.client_id)
        .where(
            within(SealedSecret.client_id),
            or_(Secret.version.is_(None), Secret.ended_at.is_not(None)),
        )
    )


@rule(
    "I1",
    Client.id,
    what="{} versions of the secret, the latest with the number {}",
    do="Compare with a backup: versions are never taken away. `onboarding show REF`",
)
def versions_have_no_gap(within: Within) -> Rows:
    """The versions of a client secret are numbered from 1 without a gap."""
    numbered = (
        select(Client.onboarding_id, func.count(), func.max(Secret.version))
        .join(Secret, Secret.client_id == Client.id)
        .where(within(Secret.client_id))
    )
    return numbered.group_by(Client.id, Client.onboarding_id).having(
        or_(func.max(Secret.version) != func.count(), func.min(Secret.version) != 1)
    )


@rule(
    "I1",
    Onboarding.reference,
    what="{} onboardings have the reference {}",
    do="Make the unique constraint uq_onboardings_reference again, after giving one a new name.",
)
def one_reference(within: Within) -> Rows:
    """A reference is the name of one onboarding."""
    return _named_twice(Onboarding.reference, within)


@rule(
    "I7",
    Onboarding.start_key,
    what="{} onboardings were started by one form or one Idempotency-Key",
    do="Cancel those that nobody goes on with: `onboarding fire REF cancel --reason twice`; then"
    " make the unique index uq_onboardings_start_key again.",
)
def one_start_once(within: Within) -> Rows:
    """A form, or a request with an Idempotency-Key, that is sent again starts nothing again."""
    return _named_twice(Onboarding.start_key, within)


@rule(
    "I10",
    Link.id,
    what="is linked through the client ID of another onboarding",
    do=_FOREIGN,
)
def link_has_its_own_client(within: Within) -> Rows:
    """A seller account is linked through a client ID of the same onboarding."""
    return (
        select(Link.onboarding_id)
        .join(Client, Client.id == Link.client_id)
        .where(within(Link.id), Client.onboarding_id != Link.onboarding_id)
    )


@rule(
    "I10",
    Link.id,
    what="is linked through {}, and the aggregator that it chose is {}",
    do="Unlink the account: `onboarding fire REF unlink_seller --reason isolation`; once it is"
    " confirmed, tell the seller. `onboarding show REF`",
)
def link_has_its_own_aggregator(within: Within) -> Rows:
    """A seller account is linked through the aggregator that was chosen."""
    return (
        select(Link.onboarding_id, Link.aggregator_id, Onboarding.aggregator_id)
        .join(Onboarding, Onboarding.id == Link.onboarding_id)
        .where(
            within(Link.id),
            Link.ended_at.is_(None),
            Link.aggregator_id.is_not(None),
            Onboarding.aggregator_id.is_not(None),
            Onboarding.aggregator_id != Link.aggregator_id,
        )
    )


@rule(
    "I10",
    Onboarding.id,
    what="transition {} issued {}, which is the client ID of another onboarding",
    do=_FOREIGN,
)
def issued_client_is_its_own(within: Within) -> Rows:
    """The client ID that history speaks of belongs to the same onboarding."""
    issued = Transition.details["client_id"].as_string()
    return (
        select(Transition.onboarding_id, Transition.sequence, issued)
        .join(Client, Client.id == issued)
        .where(
            within(Transition.onboarding_id),
            Transition.event == "issue_id",
            Client.onboarding_id != Transition.onboarding_id,
        )
    )


@rule(
    "I10",
    Message.id,
    what="a promise {} speaks of a client ID or a code of another onboarding",
    do=_FOREIGN,
)
def message_speaks_of_its_own(within: Within) -> Rows:
    """A message is about its own onboarding's client ID and code."""
    client, code = (Message.about[name].as_string() for name in ("client_id", "code"))
    # A code is named as people write it, and kept as the database writes an ID.
    plain = func.replace(cast(ContactCode.id, String), "-", "")
    mine = ContactCode.onboarding_id == Message.onboarding_id
    return (
        select(Message.onboarding_id, Message.task)
        .outerjoin(Client, Client.id == client)
        .where(
            within(Message.id),
            or_(
                Client.onboarding_id != Message.onboarding_id,
                and_(
                    code.is_not(None),
                    ~exists().where(mine, plain == func.replace(code, "-", "")),
                ),
            ),
        )
    )


@rule(
    "I10",
    Mail.id,
    what="its letter leads to another onboarding",
    do="Spend that resume link by hand (used_at) at once. " + _FOREIGN,
)
def letter_leads_back_to_its_own(within: Within) -> Rows:
    """The link in a letter leads to the onboarding that the letter is about."""
    return (
        select(Mail.onboarding_id)
        .join(ResumeLink, ResumeLink.id == Mail.id)
        .where(
            within(Mail.id),
            ResumeLink.onboarding_id != Mail.onboarding_id,
        )
    )


@rule(
    "I10",
    Onboarding.id,
    what="transition {} was fired by {}, which is no key of the system that started it",
    do="Revoke that key with `onboarding keys revoke`, and see what it did: `onboarding show REF`",
)
def moved_by_its_own_system(within: Within) -> Rows:
    """A calling system moves the onboardings that it has started, and no others."""
    key = func.replace(cast(ApiKey.id, String), "-", "")
    its_own = select(ApiKey.id).where(
        ApiKey.system_id == Onboarding.system_id,
        func.replace(Transition.actor_id, "-", "") == "key:" + key,
    )
    return (
        select(Onboarding.id, Transition.sequence, Transition.actor_id)
        .join(Transition, Transition.onboarding_id == Onboarding.id)
        .where(
            within(Onboarding.id),
            Onboarding.system_id.is_not(None),
            Transition.actor_kind == "api",
            ~its_own.exists(),
            # The marketplace's own systems may end any, and that alone.
            ~and_(Transition.event == "cancel", Transition.actor_id.startswith("source:")),
        )
    )


def _named_twice(column: InstrumentedAttribute[Any], within: Within) -> Rows:
    """Everybody who shares a value with another, how many do, and the value."""
    shared = func.count().over(partition_by=column).label("shared")
    values = select(Onboarding.id, shared, column.label("value")).where(
        within(column), column.is_not(None)
    )
    each = values.subquery()
    return select(each.c.id, each.c.shared, each.c.value).where(each.c.shared > 1)
