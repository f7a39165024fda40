"""The API's aggregators: the registry, as the marketplace's other systems read and keep it."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from sqlalchemy.orm import Session

from onboarding import access, admissions, registry
from onboarding.admissions import SET_AGGREGATOR, Change
from onboarding.db import reading
from onboarding.errors import NotFound
from onboarding.models import Aggregator
from onboarding.web.api_access import Reader, Registrar
from onboarding.web.api_conditional import tag_of
from onboarding.web.api_route import StrictRoute
from onboarding.web.refusals import NameTaken
from onboarding.web.schemas import AggregatorEntry, AggregatorList, AggregatorView

router = APIRouter(prefix="/aggregators", tags=["Aggregators"], route_class=StrictRoute)

AggregatorId = Annotated[
    str, Path(max_length=64, pattern="^[a-z0-9]+(?:-[a-z0-9]+)*$", examples=["channel-harbour"])
]


@router.get("")
def listed(key: Reader) -> AggregatorList:
    """Every aggregator that the registry knows, by name."""
    with reading() as session:
        return AggregatorList(items=[_view(each) for each in registry.known(session)])


@router.get("/{aggregator_id}")
def show(aggregator_id: AggregatorId, key: Reader, response: Response) -> AggregatorView:
    """What the registry knows of one. Its ETag changes with it."""
    with reading() as session:
        found = registry.by_id(session, aggregator_id)
        if found is None:
            raise NotFound
        shown = _view(found)
    response.headers["ETag"] = tag_of(shown)
    return shown


@router.put(
    "/{aggregator_id}", responses={201: {"model": AggregatorView, "description": "It is new."}}
)
def record(
    aggregator_id: AggregatorId,
    body: AggregatorEntry,
    key: Registrar,
    request: Request,
    response: Response,
) -> AggregatorView:
    """Record what is known of an aggregator; whoever waits for it is checked again."""
    ring, told = request.app.state.ring, Change(access.calling_system(key).id, None, SET_AGGREGATOR)
    with admissions.written_down(ring, told) as (session, about):
        before = admissions.entry(registry.by_id(session, aggregator_id))
        about.update(aggregator=aggregator_id, before=before)
        _check_name(session, aggregator_id, body.name)
        aggregator = registry.upsert(session, aggregator_id=aggregator_id, **body.model_dump())
        about["after"] = admissions.entry(aggregator)
        shown = _view(aggregator)
    response.status_code = 200 if before else 201
    response.headers["ETag"] = tag_of(shown)
    return shown


def _check_name(session: Session, aggregator_id: str, name: str) -> None:
    """A name leads to one aggregator, so an entry under another ID may not take it over."""
    namesake = registry.find(session, name)
    if namesake is not None and namesake.id != aggregator_id:
        raise NameTaken(
            {"name": f"{namesake.id} has this name."}, {"name": "taken"}, {"name": "#/name"}
        )


def _view(aggregator: Aggregator) -> AggregatorView:
    return AggregatorView.model_validate(
        {name: getattr(aggregator, name) for name in AggregatorView.model_fields}
    )
