"""What must hold after every fault: each violation as a line, none where all is well."""

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from onboarding import sealing
from onboarding.chart import NOTICES, OPEN, REVOKES, Chart
from onboarding.db import reading
from onboarding.models import (
    Base,
    Client,
    Link,
    Mail,
    Message,
    Onboarding,
    SealedSecret,
    Secret,
    Transition,
)
from onboarding.sealing import Keyring

# What callers were shown: onboarding, version, secret.
Shown = tuple[UUID, int, str]

_LEGAL = {
    (str(t.source.id), str(t.event), str(t.target.id)) for s in Chart.states for t in s.transitions
}
# Where a client stands with a secret that was saved, and where the secret is still on its way.
_SAVED = {"awaiting_seller", "seller_linked", "verifying", "confirmed", "credentials_issued"}


def violations(shown: Iterable[Shown], ring: Keyring, *, quiet: bool = True) -> list[str]:
    """Everything that is wrong with the database, or with what left it.

    `quiet`: nothing may be waiting any more, and every effect must be there.
    """
    found = _Everything()
    return [
        *_histories(found),
        *_secrets(found),
        *_what_was_shown(found, list(shown), ring),
        *_links(found),
        *(_leftovers(found) if quiet else ()),
        *(_effects(found) if quiet else ()),
    ]


class _Everything:
    """All rows, by the onboarding that they belong to."""

    def __init__(self) -> None:
        self.onboardings: Sequence[Onboarding] = _all(Onboarding)
        self.messages: Sequence[Message] = _all(Message)
        self.histories = _by_onboarding(sorted(_all(Transition), key=lambda t: t.sequence))
        self.clients = _by_onboarding(_all(Client))
        self.links = _by_onboarding(_all(Link))
        self.mails = _by_onboarding(_all(Mail))
        self.owner_of = {c.id: c.onboarding_id for one in self.clients.values() for c in one}
        self.secrets: Mapping[str, list[Secret]] = _by(_all(Secret), "client_id")
        self.sealed: Sequence[SealedSecret] = _all(SealedSecret)

    def secrets_of(self, onboarding_id: UUID) -> list[Secret]:
        clients = self.clients.get(onboarding_id, [])
        return [s for client in clients for s in self.secrets.get(client.id, [])]


def _histories(found: _Everything) -> Iterator[str]:
    """Sequences without a gap, each step a legal one from where the last one led, the row at its end."""
    for one in found.onboardings:
        steps = found.histories.get(one.id, [])
        if [s.sequence for s in steps] != list(range(1, one.sequence + 1)):
            yield f"{one.reference}: history has {[s.sequence for s in steps]}, not 1 to {one.sequence}"
            continue
        if steps[-1].target != one.state:
            yield f"{one.reference}: history ends in {steps[-1].target}, the row in {one.state}"
        for before, after in itertools.pairwise(steps):
            if before.target != after.source:
                yield f"{one.reference}: {after.sequence} starts from {after.source}, not {before.target}"
            if (after.source, after.event, after.target) not in _LEGAL:
                yield f"{one.reference}: no {after.event} from {after.source} to {after.target}"
            if after.at < before.at:
                yield f"{one.reference}: {after.sequence} is earlier than {before.sequence}"


def _secrets(found: _Everything) -> Iterator[str]:
    """One live client and secret where the state says so, versions without a gap, seals where due."""
    sealed = Counter(found.owner_of[row.client_id] for row in found.sealed)
    for one in found.onboardings:
        alive = [c for c in found.clients.get(one.id, []) if c.revoked_at is None]
        events = Counter(s.event for s in found.histories.get(one.id, []))
        secrets = found.secrets_of(one.id)
        living = [s for s in secrets if s.ended_at is None]
        wanted = int(one.state in _SAVED and one.credential_mode != "delegated")
        in_use = [s for s in living if s.acknowledged_at]
        if len(in_use) != wanted or len(alive) > 1 or len(living) > 1 or wanted > len(alive):
            yield f"{one.reference}: {len(alive)} clients, {len(in_use)} secrets in use in {one.state}"
        if sealed[one.id] != (one.state == "secret_ready"):
            yield f"{one.reference}: {sealed[one.id]} sealed secrets in {one.state}"
        if len(secrets) != events["secret_generated"]:
            yield f"{one.reference}: {len(secrets)} secrets from {events['secret_generated']} tasks"
        if sum(s.revealed_at is not None for s in secrets) != events["reveal_secret"]:
            yield f"{one.reference}: {events['reveal_secret']} reveals, another number of secrets shown"
    for client, versions in found.secrets.items():
        if sorted(s.version for s in versions) != list(range(1, len(versions) + 1)):
            yield f"{client}: versions {sorted(s.version for s in versions)}"


def _what_was_shown(found: _Everything, shown: list[Shown], ring: Keyring) -> Iterator[str]:
    """No version twice, none that the database does not know as shown, each the one that is stored."""
    for (onboarding_id, version), times in Counter((i, v) for i, v, _ in shown).items():
        if times > 1:
            yield f"{onboarding_id}: version {version} was shown {times} times"
    for onboarding_id, version, secret in shown:
        rows = [s for s in found.secrets_of(onboarding_id) if s.version == version]
        if not any(s.revealed_at and _is(ring, s, secret) for s in rows):
            yield f"{onboarding_id}: version {version} was shown, and is another one or not stored"


def _links(found: _Everything) -> Iterator[str]:
    """A link where a seller is linked, confirmed where the onboarding is."""
    for one in found.onboardings:
        alive = [link for link in found.links.get(one.id, []) if link.ended_at is None]
        wanted = one.state in {"seller_linked", "verifying", "confirmed"}
        confirmed = [link for link in alive if link.confirmed_at]
        if len(alive) != wanted or len(confirmed) != (one.state == "confirmed"):
            yield f"{one.reference}: {len(alive)} links, {len(confirmed)} confirmed in {one.state}"


def _leftovers(found: _Everything) -> Iterator[str]:
    """Nothing waits for a worker, and nothing has failed for good."""
    for message in found.messages:
        yield f"{message.task} is left after {message.attempts} attempts: {message.cause}"
    for one in found.onboardings:
        if one.state in {"checking_aggregator", "issuing_secret", "verifying"}:
            yield f"{one.reference}: still in {one.state}, and nobody works on it"


def _effects(found: _Everything) -> Iterator[str]:
    """Each effect that a transition promised has happened once, and no other one has."""
    for one in found.onboardings:
        steps = found.histories.get(one.id, [])
        promised = Counter(NOTICES.get((s.event, s.target)) for s in steps)
        del promised[None]
        sent = Counter(mail.notice for mail in found.mails.get(one.id, []))
        del sent["reminder"], sent["resume_link"], sent["contact_code"]
        if one.contact_email and +promised != +sent:
            yield f"{one.reference}: letters {dict(sent)} instead of {dict(promised)}"
        revoked = [c for c in found.clients.get(one.id, []) if c.revoked_at]
        if any(c.withdrawn_at is None for c in revoked):
            yield f"{one.reference}: the authorization server was not told of a revocation"
        ended = one.state not in OPEN and steps[-1:] and steps[-1].event in REVOKES
        if ended and len(revoked) != len(found.clients.get(one.id, [])):
            yield f"{one.reference}: {one.state}, with a client that is alive"


def _is(ring: Keyring, stored: Secret, secret: str) -> bool:
    context = f"client-secret-v1:{stored.client_id}:{stored.version}"
    return sealing.matches(ring, stored.pepper_id, context, secret, stored.hash)


def _all(table: type[Base]) -> Sequence[Any]:
    with reading() as session:
        return session.scalars(select(table)).all()


def _by_onboarding(rows: Iterable[Any]) -> Mapping[UUID, list[Any]]:
    return _by(rows, "onboarding_id")


def _by(rows: Iterable[Any], name: str) -> Mapping[Any, list[Any]]:
    grouped: dict[Any, list[Any]] = {}
    for row in rows:
        grouped.setdefault(getattr(row, name), []).append(row)
    return grouped
