"""Who calls: the API key of a request, checked before its body is, and what belongs to that key."""

from datetime import timedelta
from typing import Annotated, Final
from uuid import UUID

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes
from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.orm import Session

from onboarding import access, db, logs, outages
from onboarding.db import reading, transaction
from onboarding.errors import NotFound, Unauthorised
from onboarding.looks import Look
from onboarding.models import ApiKey, Onboarding
from onboarding.retrying import retried
from onboarding.web.api_route import refuse_repeated
from onboarding.web.quotas import network
from onboarding.web.refusals import KeyInUrl

log = logs.get(__name__)

# A key's last use is noted no more often than this, to spare writes.
NOTED_EVERY: Final = timedelta(minutes=1)

_bearer = HTTPBearer(auto_error=False, bearerFormat="onbk_…", description="An API key.")


@retried
def caller(
    request: Request,
    scopes: SecurityScopes,
    documented: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> ApiKey:
    """The key that a request presents, in a look of its own: the handler's transaction comes later.

    Raises KeyInUrl, Unauthorised, QuotaExceeded, or Forbidden for a key without the scopes; and, once
    it is known who asks, Invalid for a query that says something twice.
    """
    key, stale = _known(request)
    request.app.state.quotas.of_keys.take(request, str(key.id))
    if stale:
        _try_to_note_use(key.id)
    for scope in scopes.scopes:
        access.require(key, scope)
    refuse_repeated(request)
    return key


Reader = Annotated[ApiKey, Security(caller, scopes=["onboardings:read"])]
Writer = Annotated[ApiKey, Security(caller, scopes=["onboardings:write"])]
Revealer = Annotated[ApiKey, Security(caller, scopes=["secrets:reveal"])]
Overseer = Annotated[ApiKey, Security(caller, scopes=["operations:read"])]
Registrar = Annotated[ApiKey, Security(caller, scopes=["aggregators:write"])]


def own(session: Session, key: ApiKey, onboarding_id: str) -> Onboarding:
    """An onboarding that the key's system has started. Raises NotFound, the same for whatever else it is."""
    try:
        wanted = UUID(onboarding_id)
    except ValueError:
        raise NotFound from None
    found = _OWN.one(session, id=wanted, system=key.system_id)
    if found is None or str(wanted) != onboarding_id:
        raise NotFound
    return found[0]


def _known(request: Request) -> tuple[ApiKey, bool]:
    """The key, and whether its use is to be noted. Guesses are counted: nobody guesses for ever."""
    try:
        text = _presented(request)
        with reading() as session:
            key, now = access.api_key(session, text)
            noted = key.last_used_at
            return key, noted is None or now - noted > NOTED_EVERY
    except Unauthorised:
        request.app.state.quotas.of_guesses.take(request, network(request))
        raise


def _presented(request: Request) -> str:
    """The text of the key: from the header, once, and from nowhere else."""
    if any(access.KEY_PREFIX in value for value in request.query_params.values()):
        log.warning("api_key_in_url")
        raise KeyInUrl
    sent = request.headers.getlist("authorization")
    scheme, _, text = sent[0].partition(" ") if len(sent) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not text.startswith(access.KEY_PREFIX):
        raise Unauthorised
    return text


def _try_to_note_use(key_id: UUID) -> None:
    """Whoever only looks is not turned away because nothing can be written now."""
    try:
        _note_use(key_id)
    except Exception as error:
        if outages.outage(error) is None:
            raise
        log.info("use_not_noted", error=type(error).__name__)


def _note_use(key_id: UUID) -> None:
    """Requests that arrive together note it once."""
    old = or_(
        ApiKey.last_used_at.is_(None),
        ApiKey.last_used_at < db.in_seconds(-NOTED_EVERY.total_seconds()),
    )
    with transaction() as session:
        session.execute(
            update(ApiKey).where(ApiKey.id == key_id, old).values(last_used_at=db.now())
        )


_OWN: Final = Look(
    select(Onboarding).where(
        Onboarding.id == bindparam("id"), Onboarding.system_id == bindparam("system")
    )
)
