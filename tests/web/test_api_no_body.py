"""Where nothing is said in a body, nothing may be: whoever has sent something has meant it."""

from typing import Any

import pytest
from sqlalchemy import Engine

from onboarding.sealing import Keyring
from tests.web.calling import System, a_system, expect, refused, served

JSON = {"content-type": "application/json"}
NAMED = {"idempotency-key": "one"}


@pytest.fixture
def system(sqlite: Engine, ring: Keyring) -> System:
    """A calling system that may do everything."""
    return a_system(served(ring))


def without_body(system: System) -> list[str]:
    """Every POST that takes no body, at an address where it succeeds."""
    done = system.with_secret("credentials_only")
    ending = expect(system.post(done["links"]["secret_reveal"]), 200)["client_secret"][-6:]
    system.fire(done, "acknowledge_secret", version=1, ending=ending)
    made = system.post("/v1/webhooks", {"url": "https://hooks.example/"})
    webhook = expect(made, 201)["links"]["self"]
    delivery = expect(system.post(f"{webhook}/test"), 202)["id"]
    return [
        system.start()["links"]["continue"],
        f"/v1/onboardings/{done['id']}/seller-invitations",
        f"{webhook}/rotate-key",
        f"{webhook}/test",
        f"{webhook}/deliveries/{delivery}/redeliver",
    ]


def test_where_no_body_is_taken_one_with_members_is_refused(system: System) -> None:
    paths = without_body(system)
    document = expect(system.send("GET", "/v1/openapi.json"), 200)["paths"]
    posts = [each["post"] for each in document.values() if "post" in each]
    assert len(paths) == sum("requestBody" not in each for each in posts)
    for path in paths:
        (error,) = refused(system.post(path, {"locale": "fr"}), 422, "invalid")["errors"]
        assert (error["field"], error["code"]) == ("locale", "extra_forbidden")
        assert error["pointer"] == "#/locale"
        for body in ("fr", ["fr"]):
            (error,) = refused(system.post(path, body), 422, "invalid")["errors"]
            assert error["field"] == "body"
        text = {"content-type": "text/plain"} | NAMED
        refused(system.send("POST", path, text, content=b"{}"), 415, "wrong_media_type")
        refused(System(system.app).post(path, {"locale": "fr"}), 401, "unauthorised")
        assert system.post(path, None).is_success
        assert system.post(path, {}).is_success
        assert system.send("POST", path, JSON | NAMED, content=b"null").is_success


def deletes(system: System) -> dict[str, str]:
    """An address for every DELETE, by the one that is described."""
    onboarding, webhook = system.start(), "/v1/webhooks/{webhook_id}"
    made = expect(system.post("/v1/webhooks", {"url": "https://hooks.example/"}), 201)
    document = expect(system.get("/v1/openapi.json"), 200)["paths"]
    ids = {"onboarding_id": onboarding["id"], "webhook_id": made["id"], "version": "1"}
    ids |= {"link_id": onboarding["id"], "invitation_id": onboarding["id"]}
    found = {path: path.format_map(ids) for path in document if "delete" in document[path]}
    assert webhook in found
    return found


def test_no_delete_takes_a_body_with_members(system: System) -> None:
    for address in deletes(system).values():

        def delete(body: bytes, kind: str = "application/json", asker: System = system) -> Any:
            return asker.send("DELETE", address, {"content-type": kind}, content=body)  # noqa: B023

        (error,) = refused(delete(b'{"reason":"x"}'), 422, "invalid")["errors"]
        assert (error["field"], error["code"]) == ("reason", "extra_forbidden")
        for body in (b"[]", b'"x"', b"1"):
            (error,) = refused(delete(body), 422, "invalid")["errors"]
            assert error["field"] == "body"
        refused(delete(b"{"), 400, "not_json")
        refused(delete(b"reason=x", "application/x-www-form-urlencoded"), 415, "wrong_media_type")
        refused(delete(b'{"reason":"x"}', asker=System(system.app)), 401, "unauthorised")


@pytest.mark.parametrize("body", [b"", b"{}", b"null"])
def test_a_delete_without_members_is_carried_out(system: System, body: bytes) -> None:
    webhook = deletes(system)["/v1/webhooks/{webhook_id}"]
    answer = system.send("DELETE", webhook, JSON, content=body)
    assert answer.status_code == 204
    # What is not there is of no kind and of no length.
    assert not {"content-type", "content-length"} & answer.headers.keys()
    refused(system.get(webhook), 404, "not_found")
