"""Endpoints of calling systems, and what is sent to them. Each key sees those of its own system."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response, Security
from pydantic import BaseModel
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from onboarding import access, admissions, deliveries, endpoints, webhooks
from onboarding.admissions import Change
from onboarding.db import reading, transaction
from onboarding.kept_answers import Answer
from onboarding.models import ApiKey, Delivery, Webhook
from onboarding.web import webhook_keys
from onboarding.web.api_access import caller
from onboarding.web.api_once import Once, OnceWithoutBody, once
from onboarding.web.api_route import NoBody, StrictRoute, in_body
from onboarding.web.webhook_schemas import (
    Deliveries,
    DeliveryList,
    DeliveryView,
    NewWebhook,
    Redelivered,
    Redelivery,
    WebhookChanges,
    WebhookList,
    WebhookView,
    WebhookWithSecret,
)
from onboarding.webhooks import Endpoint

router = APIRouter(prefix="/webhooks", tags=["Webhooks"], route_class=StrictRoute)

Writing = AbstractContextManager[tuple[Session, dict[str, Any]]]
Listener = Annotated[ApiKey, Security(caller, scopes=["webhooks:write"])]


class _KeptKey(BaseModel):
    """What is kept of an answer that holds a secret: which endpoint, and by which key it signs."""

    webhook_id: UUID
    key_number: int


@router.post("", status_code=201, response_model=WebhookWithSecret)
def add(body: NewWebhook, key: Listener, request: Request, asked: Once) -> Response:
    """Have events sent to an endpoint, from now on. A secret to verify with is told once."""
    with _written_down(request, key, "webhook.add") as (session, about):
        do = partial(_add, session, request, _owner(key), body, about)
        return once(session, key, asked, do, partial(_told_key, session, request, key))


@router.get("")
def listed(key: Listener, request: Request) -> WebhookList:
    """Every endpoint of this system."""
    with reading() as session:
        found = webhooks.of(session, _owner(key))
        return WebhookList(items=[_view(session, request, each) for each in found])


@router.get("/{webhook_id}")
def show(webhook_id: str, key: Listener, request: Request) -> WebhookView:
    """An endpoint, and how it stands."""
    with reading() as session:
        return _view(session, request, webhooks.one(session, _owner(key), webhook_id))


@router.patch("/{webhook_id}")
def change(webhook_id: str, body: WebhookChanges, key: Listener, request: Request) -> WebhookView:
    """Change an endpoint, or enable it again: then it hears of all that has happened since."""
    rules = endpoints.rules(request.app.state.settings)
    changes = body.model_dump(exclude_none=True)
    with _written_down(request, key, "webhook.change") as (session, about):
        webhook = webhooks.one(session, _owner(key), webhook_id, lock=True)
        about.update(webhook=str(webhook.id), changed=sorted(changes))
        about["before"] = admissions.told_where(webhook)
        with in_body():
            webhooks.change(session, webhook, changes, rules)
        about["after"] = admissions.told_where(webhook)
        return _view(session, request, webhook)


@router.delete("/{webhook_id}", status_code=204)
def remove(webhook_id: str, key: Listener, nothing: NoBody, request: Request) -> None:
    """Send nothing there any more, and forget what was sent."""
    with _written_down(request, key, "webhook.remove") as (session, about):
        webhook = webhooks.one(session, _owner(key), webhook_id, lock=True)
        about.update(admissions.endpoint(webhook))
        webhooks.remove(session, webhook)


@router.post("/{webhook_id}/rotate-key", response_model=WebhookWithSecret)
def rotate_key(
    webhook_id: str, key: Listener, request: Request, asked: OnceWithoutBody
) -> Response:
    """Sign with a new key; for a day, with the one before as well."""
    with _written_down(request, key, "webhook.rotate") as (session, about):
        webhook = webhooks.one(session, _owner(key), webhook_id, lock=True)
        do = partial(_rotate, session, request, webhook, about)
        return once(session, key, asked, do, partial(_told_key, session, request, key))


@router.post("/{webhook_id}/test", status_code=202, response_model=DeliveryView)
def test(webhook_id: str, key: Listener, asked: OnceWithoutBody) -> Response:
    """Have something sent that tells of nothing: does it arrive?"""
    with transaction() as session:
        return once(session, key, asked, partial(_test, session, key, webhook_id))


@router.get("/{webhook_id}/deliveries")
def delivered(webhook_id: str, key: Listener, page: Annotated[Deliveries, Query()]) -> DeliveryList:
    """What was sent, and what came of it, newest first."""
    with reading() as session:
        webhook = webhooks.one(session, _owner(key), webhook_id)
        return page_of(session, webhook, page, _itself(webhook))


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/redeliver", status_code=202, response_model=Redelivered
)
def redeliver(webhook_id: str, delivery_id: str, key: Listener, asked: OnceWithoutBody) -> Response:
    """Send one again: the same event, under the same ID."""
    with transaction() as session:
        return once(
            session, key, asked, partial(_redeliver_one, session, key, webhook_id, delivery_id)
        )


@router.post("/{webhook_id}/redeliver", status_code=202, response_model=Redelivered)
def redeliver_many(webhook_id: str, body: Redelivery, key: Listener, asked: Once) -> Response:
    """Send again what failed for good, or all of a time."""
    which = deliveries.which(failed=bool(body.failed), since=body.since, until=body.until)
    with transaction() as session:
        return once(session, key, asked, partial(_redeliver, session, key, webhook_id, which))


def page_of(session: Session, webhook: Webhook, page: Deliveries, itself: str) -> DeliveryList:
    """A page of what was sent to an endpoint, whose own address is this."""
    found = deliveries.of(
        session, webhook.id, limit=page.limit + 1, after=page.after, failed=bool(page.failed)
    )
    items = [delivery(each) for each in found[: page.limit]]
    more = len(found) > page.limit
    return DeliveryList(items=items, next=_next(itself, page, items[-1]) if more else None)


def delivery(delivery: Delivery) -> DeliveryView:
    """One event for one endpoint, as it is told."""
    over = delivery.delivered_at or delivery.failed_at
    return DeliveryView(
        id=delivery.id,
        event_id=delivery.event_id,
        type=delivery.type,
        onboarding_id=delivery.onboarding_id,
        sequence=delivery.sequence,
        created_at=delivery.created_at,
        attempts=delivery.attempts,
        next_at=None if over else delivery.next_at,
        delivered_at=delivery.delivered_at,
        failed_at=delivery.failed_at,
        status=delivery.status,
        cause=delivery.cause,
    )


def _owner(key: ApiKey) -> UUID:
    """Whose endpoints a key sees."""
    return key.system_id


def _written_down(request: Request, key: ApiKey, action: str) -> Writing:
    """The trail has what a system does to its own endpoints, as it has what a terminal does to them."""
    told = Change(access.calling_system(key).id, None, action)
    return admissions.written_down(request.app.state.ring, told)


def _add(
    session: Session, request: Request, owner: UUID, body: NewWebhook, about: dict[str, Any]
) -> Answer:
    state = request.app.state
    rules, base_url = endpoints.rules(state.settings), state.settings.base_url
    said = Endpoint(body.url, body.types, body.description, body.signature)
    with in_body():
        made = webhooks.add(session, state.ring, owner, said, rules, base_url)
    about.update(admissions.endpoint(made))
    return _kept_key(made, 201, {"Location": _itself(made)})


def _rotate(session: Session, request: Request, webhook: Webhook, about: dict[str, Any]) -> Answer:
    webhooks.rotate_key(session, request.app.state.ring, webhook)
    about.update(admissions.endpoint(webhook), key_number=webhook.key_number)
    return _kept_key(webhook, 200, {})


def _kept_key(webhook: Webhook, status: int, headers: dict[str, str]) -> Answer:
    """A secret is not kept in clear: it is derived anew for whoever sends the request again."""
    kept = _KeptKey(webhook_id=webhook.id, key_number=webhook.key_number)
    return Answer(status, kept.model_dump_json(), headers)


def _told_key(session: Session, request: Request, key: ApiKey, body: str) -> str:
    """The secret of the key that was made then, and of none that was made since."""
    kept = _KeptKey.model_validate_json(body)
    webhook = webhooks.one(session, _owner(key), str(kept.webhook_id))
    shown = _with_secret(session, request, webhook)
    newest = webhook.key_number == kept.key_number
    return (shown if newest else shown.model_copy(update={"secret": None})).model_dump_json()


def _test(session: Session, key: ApiKey, webhook_id: str) -> Answer:
    webhook = webhooks.one(session, _owner(key), webhook_id)
    return Answer(202, delivery(webhooks.test(session, webhook)).model_dump_json(), {})


def _redeliver_one(session: Session, key: ApiKey, webhook_id: str, delivery_id: str) -> Answer:
    webhook = webhooks.one(session, _owner(key), webhook_id)
    wanted = deliveries.one(session, webhook.id, delivery_id)
    return _redeliver(session, key, webhook_id, [Delivery.id == wanted.id])


def _redeliver(
    session: Session, key: ApiKey, webhook_id: str, which: Sequence[ColumnElement[bool]]
) -> Answer:
    """Looked for here: what was answered is repeated also once the endpoint is removed."""
    webhook = webhooks.one(session, _owner(key), webhook_id)
    count = deliveries.redeliver(session, webhook.id, *which)
    return Answer(202, Redelivered(count=count).model_dump_json(), {})


def _with_secret(session: Session, request: Request, webhook: Webhook) -> WebhookWithSecret:
    shown = _view(session, request, webhook).model_dump()
    newest = webhooks.keys(session, request.app.state.ring, webhook)[0].shown
    return WebhookWithSecret(**shown, secret=newest if webhook.signature == "hmac" else None)


def _view(session: Session, request: Request, webhook: Webhook) -> WebhookView:
    public = webhook.signature != "hmac"
    keys = webhooks.keys(session, request.app.state.ring, webhook) if public else []
    itself = _itself(webhook)
    return WebhookView(
        id=webhook.id,
        url=webhook.url,
        types=webhook.event_types,
        description=webhook.description,
        signature=webhook.signature,
        public_keys=[key.shown for key in keys],
        created_at=webhook.created_at,
        enabled=webhook.disabled_at is None,
        disabled_at=webhook.disabled_at,
        disabled_because=webhook.disabled_because,
        failures=webhook.failures,
        rests_until=webhook.rests_until,
        links={
            "self": itself,
            "deliveries": f"{itself}/deliveries",
            "keys": webhook_keys.address(webhook),
        },
    )


def _itself(webhook: Webhook) -> str:
    return f"/v1/webhooks/{webhook.id}"


def _next(itself: str, page: Deliveries, last: DeliveryView) -> str:
    failed = "&failed=yes" if page.failed else ""
    return f"{itself}/deliveries?limit={page.limit}{failed}&after={last.id}"
