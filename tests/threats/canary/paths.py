"""The ways of a secret after its journey, each gone once: replaced, handed over, encrypted, presented, found elsewhere."""

import json
import time
from typing import Any, Final
from uuid import uuid4

import httpx
from joserfc import jwe
from joserfc.jwk import ECKey

from onboarding import own_keys, signing, sources
from onboarding.commands import exits
from onboarding.db import transaction
from tests.faults.journeys import Journey
from tests.faults.stage import ENDS, PATIENCE
from tests.telling import as_key, now
from tests.threats.canary import terminal
from tests.threats.canary.browsing import Person, somebody
from tests.threats.canary.watched import Watched

GRANT: Final = {"grant_type": "client_credentials"}
PARTNER: Final = "https://scanning.example"


def go_every_way(watched: Watched) -> tuple[list[str], list[str]]:
    """The secrets that were shown as they are, and those that were shown encrypted."""
    by_pages, encrypted_by_page = shown_and_replaced_by_pages(watched)
    shown = [*replaced_by_api(watched), *by_pages, handed_over(watched), presented(watched)]
    return shown, [encrypted_by_api(watched), encrypted_by_page]


def replaced_by_api(watched: Watched) -> list[str]:
    """A new secret beside the old one, by /v1; both work, then the old one is ended."""
    journey = _done(watched, "credentials_only")
    old = journey.shown[-1][1]
    named = {"Idempotency-Key": str(uuid4())}
    answer = _post(watched, journey, "/client/secrets", {"overlap_days": 3}, **named)
    assert answer.status_code == 202
    shown = _revealed(watched, journey)
    for secret in (shown["client_secret"], old):
        assert _token(watched, shown["client_id"], secret).status_code == 200
    watched.stage.http.delete(f"{journey.path}/client/secrets/1", headers=journey.headers)
    return [old, shown["client_secret"]]


def encrypted_by_api(watched: Watched) -> str:
    """A secret that is revealed to a public key: no answer may have it."""
    journey, key = watched.stage.journey("credentials_only"), ECKey.generate_key("P-256")
    assert journey.walk(PATIENCE, {"secret_ready"}) == "secret_ready"
    shown = _revealed(watched, journey, {"jwk": key.as_dict(private=False)})
    secret = _opened(shown["client_secret"], key)
    assert _token(watched, shown["client_id"], secret).status_code == 200
    return secret


def shown_and_replaced_by_pages(watched: Watched) -> tuple[list[str], str]:
    """By pages: shown, replaced, tested, and replaced by one that is encrypted to a key, which comes last."""
    with somebody(watched, "ada@shop.example") as person:
        person.press("/onboardings", connection_type="credentials_only")
        account = {"organisation": "Shop", "role": "developer", "email": person.letterbox.address}
        person.press("/answers/account", **account)
        _to_secret(person)
        person.press("/secret-reveal")
        first, client_id = person.read("client_secret"), person.read("client_id")
        person.press("/secret-acknowledgement", stored="yes")
        person.open(f"{person.home}/client-secret")
        second = _replace(person)
        home = person.home
        _test(person, client_id, second)
        person.open(f"{home}/client-secret")
        person.press("/old-secret-end")
        person.press("/new-secret", overlap_days="0")
        person.waits_for("/new-secret-reveal", f"{person.home}/client-secret")
        key = ECKey.generate_key("P-256")
        person.open(f"{person.home}/public-key")
        public = json.dumps(key.as_dict(private=False))
        person.press("/public-key", use="encrypt", jwk=public)
        return [first, second], _opened(person.read("client_secret_jwe"), key)


def handed_over(watched: Watched) -> str:
    """A developer whom the seller has named is shown it, by a page of their own."""
    with (
        somebody(watched, "sam@shop.example") as seller,
        somebody(watched, "dora@dev.example") as developer,
    ):
        seller.press("/onboardings", connection_type="own_development")
        seller.press("/answers/developer", developer="me")
        _to_secret(seller)
        seller.open(f"{seller.home}/developer")
        seller.press("/developer", email=developer.letterbox.address)
        developer.open(developer.link_in_a_letter())
        developer.prove("/code", "/proof")
        developer.press("/secret-reveal")
        secret = developer.read("client_secret")
        developer.press("/secret-acknowledgement", stored="yes")
        seller.open(seller.home)
        return secret


def presented(watched: Watched) -> str:
    """At the token endpoint and beside it: right, in the URL, for another client, cut off, as another thing."""
    journey, http = _done(watched, "credentials_only"), watched.stage.http
    secret = journey.shown[-1][1]
    client_id = _client_id(watched, journey)
    token = _token(watched, client_id, secret).json()["access_token"]
    for name, value in (("cid_nobody", secret), (client_id, secret[:-1])):
        assert _token(watched, name, value).status_code == 401
    for path in ("introspect", "revoke"):
        for presented in (token, secret):
            http.post(f"/oauth2/{path}", data={"token": presented}, auth=(client_id, secret))
    whole = {"client_id": client_id, "client_secret": secret}
    assert http.post("/oauth2/token", data=GRANT | whole).status_code == 200
    http.post("/oauth2/token", params={"client_secret": secret}, data=GRANT)
    http.get("/v1/onboardings", params={"client_secret": secret}, headers=journey.headers)
    http.get(f"/v1/onboardings/{secret}", headers=journey.headers)
    http.get("/v1/whoami", headers={"Authorization": f"Bearer {secret}"})
    http.get("/en/", headers={"Cookie": f"onboarding={secret}", "User-Agent": secret})
    # Its page offers the same address in French, so it is not kept: whoever typed it has it anyway.
    httpx.get(f"{watched.stage.system.url}/en/onboardings/{secret}")
    told = {"event": "acknowledge_secret", "data": {"version": secret, "ending": secret}}
    _post(watched, journey, "/events", told, **{"Idempotency-Key": secret, "If-Match": "*"})
    _at_a_terminal(watched, client_id, secret)
    return secret


def disclosed(watched: Watched) -> str:
    """Found elsewhere and told by a partner: in the body and, against all reason, in the place's address."""
    journey = _done(watched, "credentials_only")
    secret = journey.shown[-1][1]
    with transaction() as session:
        key = as_key(sources.add(session, watched.stage.ring, PARTNER))
    place = f"https://git.example/shop?client_secret={secret}"
    said = {"source": PARTNER, "candidates": [{"token": secret, "url": place}]}
    body = json.dumps(said).encode()
    headers = signing.headers([key], "found-1", body, now())
    headers["content-type"] = "application/json"
    answer = watched.stage.http.post("/v1/disclosures", content=body, headers=headers)
    assert answer.status_code == 202, answer.text
    watched.stage.http.post("/v1/disclosures", json=said)
    address = f"seller-{journey.number}@sample.example"
    watched.stage.smtp.wait_for(
        lambda one: one["To"] == address and "git.example" in str(one), PATIENCE
    )
    return secret


def _done(watched: Watched, kind: str) -> Journey:
    journey = watched.stage.journey(kind)
    assert journey.walk(PATIENCE) == ENDS[kind]
    return journey


def _post(
    watched: Watched, journey: Journey, path: str, body: Any = None, **headers: str
) -> httpx.Response:
    return watched.stage.http.post(
        f"{journey.path}{path}", json=body, headers=journey.headers | headers
    )


def _revealed(watched: Watched, journey: Journey, body: Any = None) -> dict[str, Any]:
    """The answer that shows it, as soon as there is one to show."""
    deadline = time.monotonic() + PATIENCE
    while True:
        answer = _post(watched, journey, "/secret-reveal", body, **{"If-Match": "*"})
        if answer.is_success:
            return dict(answer.json())
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.05)


def _client_id(watched: Watched, journey: Journey) -> str:
    found = watched.stage.http.get(str(journey.path), headers=journey.headers)
    return str(found.json()["client_id"])


def _token(watched: Watched, client_id: str, secret: str) -> httpx.Response:
    return watched.stage.http.post("/oauth2/token", data=GRANT, auth=(client_id, secret))


def _opened(sealed: str, key: ECKey) -> str:
    opened = jwe.decrypt_compact(sealed, key, algorithms=["ECDH-ES+A256KW", own_keys.CONTENT])
    assert opened.plaintext is not None
    return opened.plaintext.decode()


def _at_a_terminal(watched: Watched, client_id: str, secret: str) -> None:
    terminal.tested(watched, client_id, secret)
    terminal.said(watched, "scan", "-", stdin=f"CLIENT_SECRET={secret}\n", code=exits.FINDINGS)
    terminal.said(watched, "explain-error", stdin=f"invalid_client {secret}\n", code=exits.DONE)


def _to_secret(person: Person) -> None:
    person.prove("/contact", "/contact-code", email=person.letterbox.address)
    person.press("/client-id")
    person.waits_for("/secret-reveal")


def _replace(person: Person) -> str:
    person.press("/new-secret", overlap_days="3")
    person.waits_for("/new-secret-reveal", f"{person.home}/client-secret")
    person.press("/new-secret-reveal")
    secret = person.read("client_secret")
    person.press("/new-secret-acknowledgement", stored="yes")
    return secret


def _test(person: Person, client_id: str, secret: str) -> None:
    """As it is, cut off, in the wrong field, and in an error that is pasted."""
    for first, second in ((client_id, secret), (client_id, secret[:-1]), ("cid_x", secret)):
        person.open("/en/test-credentials")
        person.press("/test-credentials", test_client_id=first, test_client_secret=second)
        assert "Result" in person.page.text
    for swapped in ({"test_client_id": secret}, {"test_seller_id": secret}):
        person.open("/en/test-credentials")
        form = {"test_client_id": client_id, "test_client_secret": client_id} | swapped
        person.press("/test-credentials", **form)
        assert "This is a client secret" in person.page.text
    person.press(
        "/explain-error", error_text=f'{{"error": "invalid_client", "secret": "{secret}"}}'
    )
