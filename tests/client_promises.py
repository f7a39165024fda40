"""What each method of the published client does where nothing is in its way, asked of the service itself."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final
from uuid import UUID

import pytest

from onboarding.client import (
    Client,
    Due,
    Event,
    EventPage,
    Onboarding,
    Requirements,
    RevealedSecret,
    Step,
)
from tests import builders

EMAIL: Final = "dev@shop.example"
PLUGIN: Final = {"connection_type": "plugin"}


def ready(client: Client) -> Onboarding:
    """One whose secret waits to be revealed."""
    chosen = client.fire(client.start(email=EMAIL), "choose_type", PLUGIN)
    client.fire(chosen, "issue_id")
    builders.work(UUID(chosen.id))
    return client.show(chosen.id)


def start(client: Client) -> None:
    made = client.start(locale="fr", email=EMAIL, connection_name="ERP", idempotency_key="1")
    again = client.start(locale="fr", email=EMAIL, connection_name="ERP", idempotency_key="1")
    assert made == again
    assert (made.state, made.sequence, made.waiting_on) == ("started", 1, "seller")
    assert (made.json["locale"], made.json["connection_name"]) == ("fr", "ERP")
    assert made.etag == '"1"'
    assert made.reference.startswith("ONB-")
    assert {"choose_type", "cancel"} <= {*made.allowed_events}
    assert not made.has_ended


def show(client: Client) -> None:
    made = ready(client)
    assert made == client.show(made.id)
    assert (made.connection_type, made.credential_mode) == ("plugin", None)
    assert made.client_id == made.json["client_id"]
    assert made.client_id
    assert made.seller_id is None


def listed(client: Client) -> None:
    ids = [client.start().id for _ in range(3)]
    assert [each.id for each in client.list()] == ids[::-1]
    assert [each.id for each in client.list(limit="1", state="started")] == ids[::-1]
    first = next(client.list())
    assert first == client.show(first.id)
    assert client.fire(first, "cancel").state == "cancelled"
    assert [each.id for each in client.list(state="cancelled")] == [first.id]


def fire(client: Client) -> None:
    chosen = client.fire(client.start(email=EMAIL), "choose_type", PLUGIN)
    assert (chosen.state, chosen.sequence, chosen.connection_type) == ("type_chosen", 2, "plugin")
    assert client.fire(chosen, "cancel", wait=1).has_ended


def wait(client: Client) -> None:
    started = client.start()
    assert client.wait(started, seconds=0) is started
    builders.handle(UUID(started.id), "cancel")
    assert client.wait(started, seconds=5).state == "cancelled"


def reveal_secret(client: Client) -> None:
    seen = ready(client)
    secret = client.reveal_secret(seen)
    assert isinstance(secret, RevealedSecret)
    assert (secret.client_id, secret.version) == (seen.client_id, 1)
    assert len(secret.client_secret) > 50
    assert client.show(seen.id).state == "secret_revealed"


def acknowledge(client: Client) -> None:
    seen = ready(client)
    assert client.acknowledge(seen.id, client.reveal_secret(seen)).state == "awaiting_seller"


def continue_link(client: Client) -> None:
    first, second = (client.continue_link(client.start().id) for _ in range(2))
    assert "/en/resume/" in first
    assert first != second


def history(client: Client) -> None:
    seen = ready(client)
    steps = client.history(seen.id)
    assert all(isinstance(step, Step) for step in steps)
    assert [step.sequence for step in steps] == [1, 2, 3, 4]
    assert (steps[0].source, steps[0].target, steps[0].event) == (None, "started", "start")
    assert (steps[1].actor, steps[1].details) == ("api", PLUGIN)
    assert steps[0].at <= steps[1].at


def requirements(client: Client) -> None:
    started = client.start()
    builders.age(UUID(started.id), timedelta(days=8))
    found = client.requirements(started.id)
    assert isinstance(found, Requirements)
    (due,) = found.currently_due
    assert isinstance(due, Due)
    assert found.past_due == (due,)
    assert (due.code, due.waiting_on) == ("choose_type", "seller")
    assert due.help_url
    assert due.since
    assert due.due_at
    assert due.since < due.due_at < (found.deadline or due.since)
    assert found.blocked_reason is None
    assert found.pending_verification == ()
    assert "cancel" in found.alternatives


def events(client: Client) -> None:
    seen = ready(client)
    told = [*client.events(limit="2")]
    assert all(isinstance(event, Event) for event in told)
    assert {event.subject for event in told} == {seen.id}
    assert [event.data["sequence"] for event in told] == [1, 2, 3, 4]
    assert told[0].time.tzinfo
    assert len({event.id for event in told}) == 4


def event_page(client: Client) -> None:
    seen = ready(client)
    page = client.event_page(limit="3", onboarding=seen.id)
    assert isinstance(page, EventPage)
    assert (len(page.items), page.more) == (3, True)
    rest = client.event_page(after=page.next, type=["onboarding.secret_generated"])
    assert [each.type for each in rest.items] == ["onboarding.secret_generated"]
    assert client.event_page(after="now").items == ()


def close(client: Client) -> None:
    client.close()
    with pytest.raises(RuntimeError):
        client.start()


GOOD: Final[dict[str, Callable[[Client], None]]] = {
    "list": listed,
    **{each.__name__: each for each in (start, show, fire, wait, reveal_secret, acknowledge)},
    **{each.__name__: each for each in (continue_link, history, requirements, events)},
    **{each.__name__: each for each in (event_page, close)},
}
