"""The published client against the service itself: each method as it promises, and with each of its refusals.

What the service answers otherwise one day goes red here, and not first with those who call.
"""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from threading import Timer
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Engine

from onboarding import access
from onboarding.client import (
    Client,
    Onboarding,
    Problem,
    RevealedSecret,
    Unreachable,
)
from onboarding.db import transaction
from onboarding.sealing import Keyring
from tests import builders
from tests.client_promises import EMAIL, GOOD, PLUGIN, ready
from tests.serving import serving
from tests.web.calling import served


@pytest.fixture
def url(sqlite: Engine, ring: Keyring) -> Iterator[str]:
    """Where the service is."""
    with serving(served(ring)) as address:
        yield address


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    """With a key that may do everything."""
    with a_client(url) as made:
        yield made


def a_client(url: str, *scopes: str) -> Client:
    with transaction() as session:
        _, key = access.create_api_key(session, "test", scopes or access.SCOPES)
    return Client(url, key, rest=lambda _: None)


SECRET: Final = RevealedSecret("cid_1", 1, "mps_test_" + "x" * 49)
# Each method that asks something, of an onboarding where it is about one.
ASKED: Final[dict[str, Callable[[Client, Onboarding], object]]] = {
    "start": lambda client, _: client.start(),
    "show": lambda client, seen: client.show(seen.id),
    "list": lambda client, _: [*client.list()],
    "fire": lambda client, seen: client.fire(seen, "cancel"),
    "wait": lambda client, seen: client.wait(seen, 1),
    "reveal_secret": lambda client, seen: client.reveal_secret(seen),
    "acknowledge": lambda client, seen: client.acknowledge(seen.id, SECRET),
    "continue_link": lambda client, seen: client.continue_link(seen.id),
    "history": lambda client, seen: client.history(seen.id),
    "requirements": lambda client, seen: client.requirements(seen.id),
    "events": lambda client, _: [*client.events()],
    "event_page": lambda client, _: client.event_page(),
}
# What would lead elsewhere as a part of an address: out of it, up, nowhere.
NO_IDS: Final = ("1?x=1#y", "..", ".", "")
OF_ALL: Final = {"start", "list", "events", "event_page"}


def moved(client: Client) -> Onboarding:
    """As it was before it was cancelled."""
    seen = client.start(email=EMAIL)
    client.fire(seen, "cancel")
    return seen


def ended(client: Client) -> Onboarding:
    return client.show(moved(client).id)


def begun_twice(client: Client) -> None:
    client.start(idempotency_key="1")
    client.start(idempotency_key="1", locale="fr")


def acknowledged_wrongly(client: Client) -> None:
    seen = ready(client)
    client.acknowledge(seen.id, replace(client.reveal_secret(seen), client_secret="x" * 60))


# Method, what it is refused for, status, and code.
REFUSED: Final[list[tuple[str, Callable[[Client], object], int, str]]] = [
    ("start", lambda c: c.start(email="nobody"), 422, "invalid"),
    ("start", lambda c: c.start(locale="de"), 422, "invalid"),
    ("start", begun_twice, 422, "idempotency_key_reused"),
    ("list", lambda c: [*c.list(state="lost")], 422, "invalid"),
    ("list", lambda c: [*c.list(colour="red")], 422, "invalid"),
    ("fire", lambda c: c.fire(moved(c), "cancel"), 412, "stale"),
    ("fire", lambda c: c.fire(ended(c), "cancel"), 409, "event_not_allowed"),
    ("fire", lambda c: c.fire(c.start(), "fly"), 422, "event_unknown"),
    ("fire", lambda c: c.fire(c.start(), "expire"), 403, "event_not_yours"),
    ("fire", lambda c: c.fire(c.start(), "choose_type"), 422, "invalid"),
    ("reveal_secret", lambda c: c.reveal_secret(moved(c)), 412, "stale"),
    ("reveal_secret", lambda c: c.reveal_secret(c.start()), 409, "event_not_allowed"),
    ("acknowledge", lambda c: c.acknowledge(c.start().id, SECRET), 409, "event_not_allowed"),
    ("acknowledge", acknowledged_wrongly, 422, "invalid"),
    ("continue_link", lambda c: c.continue_link("a/../b?c#d"), 404, "not_found"),
    ("events", lambda c: [*c.events(after="1")], 422, "invalid"),
    ("event_page", lambda c: c.event_page(type=["lost"]), 422, "invalid"),
    ("event_page", lambda c: c.event_page(limit="0"), 422, "invalid"),
]


def public() -> set[str]:
    found = inspect.getmembers(Client, inspect.isfunction)
    return {name for name, _ in found if not name.startswith("_")}


def test_every_public_method_has_its_contract() -> None:
    assert public() == {*GOOD} == {*ASKED} | {"close"}
    # Whichever is about no onboarding in particular is refused for something of its own.
    assert OF_ALL <= {method for method, *_ in REFUSED} <= {*ASKED}


@pytest.mark.parametrize("method", GOOD)
def test_a_method_does_what_it_promises(client: Client, method: str) -> None:
    GOOD[method](client)


@pytest.mark.parametrize(
    ("method", "ask", "status", "code"),
    REFUSED,
    ids=[f"{method}-{code}-{number}" for number, (method, _, _, code) in enumerate(REFUSED)],
)
def test_a_method_is_refused_as_it_promises(
    client: Client, method: str, ask: Callable[[Client], object], status: int, code: str
) -> None:
    problem = refusal(ask, client)
    assert (problem.status, problem.code, problem.retryable) == (status, code, False)
    if code == "stale":
        assert {"onboarding_state", "allowed_events", "sequence"} <= problem.facts.keys()
    if code == "invalid":
        assert {"field", "code", "detail"} <= problem.facts["errors"][0].keys()


@pytest.mark.parametrize("method", ASKED)
def test_who_may_not_is_told_so(client: Client, url: str, method: str) -> None:
    seen = client.start()
    with Client(url, access.KEY_PREFIX + "a" * 49) as stranger:
        problem = refusal(ASKED[method], stranger, seen)
        assert (problem.status, problem.code) == (401, "unauthorised")
    with a_client(url, "webhooks:write") as other:
        problem = refusal(ASKED[method], other, seen)
        assert (problem.status, problem.code) == (403, "forbidden")


@pytest.mark.parametrize("method", sorted(ASKED.keys() - OF_ALL))
def test_one_that_is_not_there_or_not_yours_is_not_found(
    client: Client, url: str, method: str
) -> None:
    theirs = client.start()
    with a_client(url) as other:
        for seen in (theirs, *(replace(theirs, id=each) for each in (str(uuid4()), *NO_IDS))):
            problem = refusal(ASKED[method], other, seen)
            assert (problem.status, problem.code, problem.retryable) == (404, "not_found", False)
            assert problem.title
            assert problem.detail
            assert problem.instance.startswith("urn:uuid:")


@pytest.mark.parametrize("method", ASKED)
def test_where_nobody_answers_it_is_unreachable(method: str) -> None:
    found: dict[str, Any] = dict.fromkeys(
        ("connection_type", "credential_mode", "client_id", "seller_id", "waiting_on")
    )
    seen = Onboarding("1", "ONB-1", "started", 1, **found, allowed_events=(), json={})
    away = Client("http://127.0.0.1:9", "onbk_x", rest=lambda _: None)
    with away, pytest.raises(Unreachable):
        ASKED[method](away, seen)


def test_one_that_a_list_has_shown_is_waited_for_as_well(client: Client) -> None:
    """A list says no ETag, and the number alone is not always all of it."""
    client.fire(client.start(email=EMAIL), "choose_type", PLUGIN)
    (seen,) = client.list()
    builders.age(UUID(seen.id), timedelta(days=8))
    later = Timer(0.5, builders.handle, (UUID(seen.id), "cancel"))
    later.start()
    assert client.wait(seen, seconds=20).state == "cancelled"
    later.join()
    assert client.wait(seen, seconds=20).state == "cancelled"


def refusal(ask: Callable[..., object], *given: object) -> Problem:
    with pytest.raises(Problem) as refused:
        ask(*given)
    return refused.value
