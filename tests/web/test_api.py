"""The API moves an onboarding from its start to its end, and says where it stands."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select

from onboarding import links, proofs
from onboarding.access import CLOCK
from onboarding.db import reading, transaction
from onboarding.models import SealedSecret
from onboarding.sealing import Keyring
from tests import builders
from tests.racing import race
from tests.web.calling import System, a_system, expect, refused, served

COMPANY = {"email": "dev@shop.example"}


@pytest.fixture
def system(database: Engine, ring: Keyring) -> System:
    """A calling system that may do everything."""
    return a_system(served(ring))


def reveal(system: System, onboarding: dict[str, Any]) -> dict[str, Any]:
    return expect(system.post(f"/v1/onboardings/{onboarding['id']}/secret-reveal"), 200)


def test_an_onboarding_is_walked_from_its_start_to_its_confirmation(system: System) -> None:
    onboarding = system.start(contact=COMPANY, connection_name="Corner Shop sync")
    assert (onboarding["state"], onboarding["sequence"]) == ("started", 1)
    assert system.fire(onboarding, "choose_type", connection_type="plugin")["next_move"] == {
        "whom": "seller",
        "overdue_after_seconds": 7 * 86400,
        "overdue": False,
        "then": "expire",
        "then_at": _later(system.look(onboarding)["entered_at"], days=30),
    }
    ready = system.fire(onboarding, "issue_id")
    assert (ready["state"], ready["connection_name"]) == ("secret_ready", "Corner Shop sync")
    shown = reveal(system, onboarding)
    assert shown["client_id"] == ready["client_id"]
    saved = {"version": shown["version"], "ending": shown["client_secret"][-6:]}
    assert system.fire(onboarding, "acknowledge_secret", **saved)["state"] == "awaiting_seller"
    with transaction() as session:
        links.link_seller(session, UUID(onboarding["id"]), builders.SELLER, builders.ACCOUNT)
    confirmed = system.fire(onboarding, "confirm")
    assert confirmed["state"] == "confirmed"
    assert confirmed["seller"] == {"seller_id": "S-4711", "shop_name": "Corner Shop"}
    assert (confirmed["next_move"], confirmed["allowed_events"]) == (None, [])


def test_credentials_only_ends_once_the_secret_is_saved(system: System) -> None:
    onboarding = system.with_secret("credentials_only")
    shown = reveal(system, onboarding)
    saved = {"version": shown["version"], "ending": shown["client_secret"][-6:]}
    assert system.fire(onboarding, "acknowledge_secret", **saved)["state"] == "credentials_issued"


def test_an_aggregator_needs_no_secret_where_it_asks_for_one_value(system: System) -> None:
    _record(system, "feedwise", "Feedwise")
    onboarding = system.fire(
        system.start(),
        "choose_type",
        connection_type="aggregator",
        credential_mode="delegated",
        aggregator="feedwise",
    )
    assert onboarding["state"] == "awaiting_seller"
    assert onboarding["aggregator"] == {"id": "feedwise", "name": "Feedwise"}


def test_an_event_says_what_may_follow(system: System) -> None:
    onboarding = system.start()
    assert onboarding["allowed_events"] == ["choose_type", "cancel"]
    answer = system.post(onboarding["links"]["events"], {"event": "confirm"})
    problem = refused(answer, 409, "event_not_allowed")
    assert problem["state"] == "started"
    assert problem["allowed_events"] == ["choose_type", "cancel"]
    assert problem["retryable"] is False


@pytest.mark.parametrize(
    ("event", "status", "code"),
    [
        ("fly", 422, "event_unknown"),
        ("verification_passed", 403, "event_not_yours"),
        ("expire", 403, "event_not_yours"),
        ("link_seller", 403, "event_not_yours"),
        ("reveal_secret", 409, "event_not_allowed"),
    ],
)
def test_events_of_others_are_refused(system: System, event: str, status: int, code: str) -> None:
    onboarding = system.with_secret()
    problem = refused(system.post(onboarding["links"]["events"], {"event": event}), status, code)
    assert problem["onboarding_state"] == onboarding["state"] == "secret_ready"
    assert problem["allowed_events"] == onboarding["allowed_events"] != []
    assert system.look(onboarding)["sequence"] == onboarding["sequence"]


def test_only_a_system_that_may_vouch_has_its_contact_counted_as_verified(system: System) -> None:
    modest = a_system(system.app, ["onboardings:read", "onboardings:write"])
    onboarding = modest.start(contact=COMPANY)
    modest.fire(onboarding, "choose_type", connection_type="plugin")
    answer = modest.post(onboarding["links"]["events"], {"event": "issue_id"})
    assert refused(answer, 409, "event_not_allowed")["unmet"] == "contact_verified"
    kept = builders.the(UUID(onboarding["id"]))
    assert (kept.contact_email, kept.contact_verified_at) == (COMPANY["email"], None)
    assert system.with_secret()["state"] == "secret_ready"


def test_a_secret_is_revealed_once_and_told_nowhere_else(system: System, ring: Keyring) -> None:
    onboarding = system.with_secret()
    answer = system.post(onboarding["links"]["secret_reveal"])
    secret = expect(answer, 200)["client_secret"]
    assert answer.headers["cache-control"] == "no-store"
    with reading() as session:
        assert session.scalar(select(func.count()).select_from(SealedSecret)) == 0
    again = system.post(onboarding["links"]["secret_reveal"])
    problem = refused(again, 409, "event_not_allowed")
    assert problem["allowed_events"] == ["reissue_secret", "acknowledge_secret", "cancel"]
    for told in ("self", "history"):
        assert secret[-6:] not in system.get(onboarding["links"][told]).text
    assert system.look(onboarding)["secret"]["ending"] == secret[-4:]


def test_of_many_who_ask_for_a_secret_one_gets_it(system: System) -> None:
    onboarding = system.with_secret()
    path = onboarding["links"]["secret_reveal"]
    answers = race(*[lambda: system.post(path).status_code] * 6)
    assert sorted(map(str, answers)) == ["200", "409", "409", "409", "409", "409"]


def test_a_reveal_with_an_idempotency_key_is_refused_and_costs_nothing(system: System) -> None:
    onboarding = system.with_secret()
    path = onboarding["links"]["secret_reveal"]
    refused(system.post(path, idempotency_key="again"), 400, "never_replayed")
    assert system.look(onboarding)["state"] == "secret_ready"
    refused(system.post(path, if_match='"1"'), 412, "stale")
    assert reveal(system, onboarding)["version"] == 1


def test_a_continue_link_leads_a_browser_on(system: System, ring: Keyring) -> None:
    onboarding = system.start(locale="fr")
    link = expect(system.post(onboarding["links"]["continue"]), 201)
    base, _, token = link["url"].rpartition("/")
    assert base == "http://127.0.0.1:8000/fr/resume"
    with reading() as session:
        found = proofs.find_resume_link(session, ring, token)
        assert found is not None
        assert str(found.onboarding_id) == onboarding["id"]
    lasts = datetime.fromisoformat(link["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=71) < lasts < timedelta(hours=73)


def test_history_tells_every_step_and_no_account(system: System) -> None:
    onboarding = system.with_secret()
    steps = expect(system.get(onboarding["links"]["history"]), 200)["items"]
    assert [(s["sequence"], s["event"], s["type"], s["actor"]) for s in steps] == [
        (1, "start", "onboarding.started", "api"),
        (2, "choose_type", "onboarding.type_chosen", "api"),
        (3, "issue_id", "onboarding.id_issued", "api"),
        (4, "secret_generated", "onboarding.secret_generated", "platform"),
    ]
    assert steps[1]["details"] == {"connection_type": "own_development"}
    assert str(system.id) not in str(steps)
    noted = {"cause": "lost", "note": "called S-4711"}
    builders.fire(UUID(onboarding["id"]), "cancel", builders.OPERATOR, details=noted)
    last = expect(system.get(onboarding["links"]["history"]), 200)["items"][-1]
    assert (last["actor"], last["details"]) == ("operator", {"cause": "lost"})


def test_onboardings_are_listed_page_by_page(system: System) -> None:
    started = [system.start()["id"] for _ in range(5)]
    expect(system.post(f"/v1/onboardings/{started[0]}/events", {"event": "cancel"}), 200)
    seen: list[str] = []
    path = "/v1/onboardings?limit=2&state=started"
    while path and len(seen) < 9:
        page = expect(system.get(path), 200)
        seen += [each["id"] for each in page["items"]]
        path = page["next"]
    assert seen == started[:0:-1]
    assert expect(a_system(system.app).get("/v1/onboardings"), 200) == {"items": [], "next": None}


def test_overdue_is_seen(system: System) -> None:
    onboarding = system.start()
    builders.age(UUID(onboarding["id"]), timedelta(days=8))
    assert system.look(onboarding)["next_move"]["overdue"] is True


def test_what_has_expired_shows_no_client(system: System) -> None:
    onboarding = system.fire(system.with_secret(), "cancel")
    assert (onboarding["state"], onboarding["client_id"], onboarding["secret"]) == (
        "cancelled",
        None,
        None,
    )
    lapsed = system.with_secret()
    builders.fire(UUID(lapsed["id"]), "lapse_secret", CLOCK)
    assert system.look(lapsed)["secret"] is None


def test_the_registry_is_kept_and_those_who_wait_are_checked_again(system: System) -> None:
    created = _record(system, "slow-feeds", "Slow Feeds", status="unregistered")
    assert created["id"] == "slow-feeds"
    parked = system.fire(
        system.start(),
        "choose_type",
        connection_type="aggregator",
        credential_mode="full",
        aggregator="slow feeds",
    )
    assert parked["state"] == "awaiting_aggregator"
    _record(system, "slow-feeds", "Slow Feeds", 200)
    builders.work()
    assert system.look(parked)["state"] == "type_chosen"
    assert expect(system.get("/v1/aggregators"), 200)["items"][0]["status"] == "registered"


def test_a_name_leads_to_one_aggregator(system: System) -> None:
    _record(system, "feedwise", "Feedwise")
    body = {"name": "FEEDWISE!", "status": "suspended", "uses_rest": True, "asks_for": "full"}
    problem = refused(system.put("/v1/aggregators/feed-wise-2", body), 409, "name_taken")
    said = {"field": "name", "code": "taken", "pointer": "#/name"}
    assert problem["errors"] == [said | {"detail": "feedwise has this name."}]
    (only,) = expect(system.get("/v1/aggregators"), 200)["items"]
    assert (only["name"], only["status"]) == ("Feedwise", "registered")


def _record(
    system: System, aggregator_id: str, name: str, code: int = 201, status: str = "registered"
) -> dict[str, object]:
    body = {"name": name, "status": status, "uses_rest": True, "asks_for": "delegated"}
    return expect(system.put(f"/v1/aggregators/{aggregator_id}", body), code)


def _later(moment: str, *, days: int) -> str:
    return (
        (datetime.fromisoformat(moment) + timedelta(days=days)).isoformat().replace("+00:00", "Z")
    )
