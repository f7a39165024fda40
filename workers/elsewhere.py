"""What tasks do where the marketplace has an authorization server of its own: it is told first.

A turn asks the server while no transaction is open, and writes down afterwards what came of it. Whoever
dies in between leaves a client there that the next turn gives another secret, or removes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy.orm import Session

from onboarding import announced, crash_points, credentials, further_sellers, links
from onboarding.access import PLATFORM
from onboarding.authorization import Registered, Registration, Standing, Unavailable
from onboarding.authorization.choosing import the_server
from onboarding.errors import MovedOn
from onboarding.links import Verdict
from onboarding.models import Onboarding
from onboarding.outbox import Claim
from onboarding.sealing import Keyring
from onboarding.settings import settings
from workers.kinds import Outside, Work, transition_of

_WRONG: Final = {
    Standing.WORKS: Verdict(True),
    Standing.MISSING: Verdict(False, "client_missing"),
    Standing.DISABLED: Verdict(False, "client_disabled"),
}


@dataclass
class Making:
    """A secret for a client; or clients that nobody waits for any more, to be removed."""

    client: Registered | None = None
    is_new: bool = True
    secret: SecretStr = field(default_factory=lambda: SecretStr(""))
    told: Registration | None = None
    to_remove: list[Registered] = field(default_factory=list)


@dataclass
class Removing:
    """A client that was revoked. None: the server was never told of it."""

    client: Registered | None


@dataclass
class Proving:
    """Whether the server would give the client tokens. None: it is not the server's to say."""

    client: Registered | None
    standing: Standing = Standing.MISSING


def works(ring: Callable[[], Keyring]) -> dict[str, Work]:
    """The tasks that the other server is a part of, by their names."""
    its = _Elsewhere(ring)
    return {
        "generate_secret": Outside(its.prepare_making, its.make, its.made),
        "revoke_client": Outside(its.prepare_removing, its.remove, its.removed),
        "verify_connection": Outside(its.prepare_proving, its.prove, its.proved),
        "verify_further_link": Outside(its.prepare_proving_another, its.prove, its.proved_another),
    }


@dataclass(frozen=True)
class _Elsewhere:
    ring: Callable[[], Keyring]

    def prepare_making(self, session: Session, claim: Claim) -> Making:
        """Note what is about to be made there. Where nobody waits for it any more, it is removed."""
        onboarding_id, _ = transition_of(claim)
        if _moved_on(session, claim):
            return Making(to_remove=announced.left_behind(session, onboarding_id, self.ring()))
        client = credentials.live_client(session, onboarding_id)
        assert client is not None, "issuing_secret without a client"
        is_new, chosen = announced.begin(session, client.id), settings()
        secret = SecretStr(credentials.new_secret(chosen.secret_prefix, live=chosen.live))
        return Making(announced.find(session, client.id, self.ring()), is_new, secret)

    def make(self, it: Making) -> None:
        """The server has it before anybody can see it."""
        with the_server(settings()) as server:
            for each in it.to_remove:
                server.revoke(each)
            if it.client is not None:
                tell = server.register if it.is_new else server.replace_secret
                it.told = tell(it.client, it.secret)
        crash_points.reach("server.told")

    def made(self, session: Session, claim: Claim, it: Making) -> None:
        """Seal what the server has. Raises Unavailable where it was revoked meanwhile: then it is removed."""
        if it.client is None:
            return
        onboarding_id, sequence = transition_of(claim)
        ring = self.ring()
        try:
            credentials.generate(
                session, onboarding_id, PLATFORM, ring, settings(), sequence, it.secret
            )
        except MovedOn:
            why = "the onboarding has moved on; the client there is removed"
            raise Unavailable("told_too_late", why) from None
        announced.keep(session, it.client.client_id, it.told, ring)

    def prepare_removing(self, session: Session, claim: Claim) -> Removing:
        """What there may be to remove."""
        return Removing(announced.find(session, str(claim.about["client_id"]), self.ring()))

    def remove(self, it: Removing) -> None:
        """There it works no more; here it has not since the transition."""
        if it.client is not None:
            with the_server(settings()) as server:
                server.revoke(it.client)
        crash_points.reach("server.revoked")

    def removed(self, session: Session, claim: Claim, it: Removing) -> None:
        """Its token is good for nothing now. That there was one is still worth knowing."""
        announced.withdraw(session, str(claim.about["client_id"]))

    def prepare_proving(self, session: Session, claim: Claim) -> Proving:
        """The client that the server is asked about; for one of an aggregator's there is none."""
        onboarding_id, sequence = transition_of(claim)
        if _moved_on(session, claim):
            raise MovedOn("another state", sequence)
        client = credentials.live_client(session, onboarding_id)
        if client is None:
            return Proving(None, Standing.WORKS)
        return Proving(announced.find(session, client.id, self.ring()))

    def prove(self, it: Proving) -> None:
        """One that the server was never told of is none there."""
        if it.client is not None:
            with the_server(settings()) as server:
                it.standing = server.standing(it.client)

    def proved(self, session: Session, claim: Claim, it: Proving) -> None:
        """What is wrong here is told first."""
        onboarding_id, sequence = transition_of(claim)
        links.prove(session, onboarding_id, sequence, _WRONG[it.standing])

    def prepare_proving_another(self, session: Session, claim: Claim) -> Proving | None:
        """The client that has been let act for another seller; nothing where that has ended."""
        link = further_sellers.find(session, _link_of(claim))
        if link is None or link.ended_at is not None:
            return None
        return Proving(announced.find(session, link.client_id, self.ring()))

    def proved_another(self, session: Session, claim: Claim, it: Proving) -> None:
        """The same for that link."""
        further_sellers.prove(session, _link_of(claim), _WRONG[it.standing])


def _link_of(claim: Claim) -> UUID:
    return UUID(str(claim.about["link_id"]))


def _moved_on(session: Session, claim: Claim) -> bool:
    """Whether nobody waits for it any more, as it looks before it is done; firing looks again."""
    onboarding_id, sequence = transition_of(claim)
    onboarding = session.get(Onboarding, onboarding_id)
    return onboarding is None or onboarding.sequence != sequence
