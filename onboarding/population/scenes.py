"""What all stories of a population share: the instant, the aggregators there are, and who calls us."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from onboarding import access, db, registry
from onboarding.histories import this_history
from onboarding.models import Aggregator, ApiKey
from onboarding.routing import CURRENT
from onboarding.sealing import Keyring
from onboarding.settings import Settings

# For so long no letter has got through.
OUTAGE_LASTS: Final = timedelta(minutes=30)
_SYSTEM: Final = "sample portal"


@dataclass(frozen=True, slots=True)
class Scene:
    """Where and when stories take place."""

    now: datetime
    # What is sealed now can be shown in this history of the database only.
    fence: str
    issuer: str
    rule_set: str
    key: ApiKey
    aggregators: tuple[Aggregator, ...]
    settings: Settings
    ring: Keyring = field(repr=False)

    @property
    def outage_began(self) -> datetime:
        """Every letter since then is an incident."""
        return self.now - OUTAGE_LASTS


def sample_key(session: Session) -> ApiKey:
    """The API key of the system that has sent the samples. It opens nothing: it is revoked at once."""
    key, _text = access.create_api_key(session, _SYSTEM, access.SCOPES)
    # The key must be there before it can be revoked.
    session.flush()
    access.revoke_api_key(session, key.id)
    return key


def set_scene(session: Session, ring: Keyring, settings: Settings, key: ApiKey) -> Scene:
    """The scene as it is at this instant of the database's clock."""
    return Scene(
        now=db.clock(session),
        fence=session.execute(select(this_history())).scalar_one(),
        issuer=settings.issuer,
        rule_set=CURRENT.version,
        key=key,
        aggregators=tuple(registry.known(session)),
        settings=settings,
        ring=ring,
    )
