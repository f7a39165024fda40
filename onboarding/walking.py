"""One sample journey, from the first event to its end, through the public API and a browser's pages.

It proves that a running system works, and shows another system's developer how to talk to it. It
signs in at the sandbox Seller Portal only: a real seller account is nobody's sample.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, NamedTuple

import httpx

from onboarding.client import Client, Onboarding, Problem
from onboarding.walking_forms import Form, forms, leads_to

SAMPLE_SELLER: Final = "one-shop"
SANDBOX: Final = "/sandbox/seller-portal/"
# Of an API key that walks every type.
SCOPES: Final = ("onboardings:read", "onboardings:write", "secrets:reveal", "contacts:vouch")

# Seconds: how long the platform may take for its turn.
PATIENCE: Final = 30.0

CHOICES: Final[Mapping[str, Mapping[str, str]]] = {
    "aggregator": {
        "connection_type": "aggregator",
        "credential_mode": "delegated",
        "aggregator": "feedwise",
    },
    "plugin": {"connection_type": "plugin"},
    "own_development": {"connection_type": "own_development"},
    "legacy_soap": {"connection_type": "legacy_soap"},
    "credentials_only": {"connection_type": "credentials_only"},
}


class WalkFailed(Exception):
    """The journey cannot go on; the text says where and why."""


class Moment(NamedTuple):
    """A transition, and the milliseconds since the journey began."""

    milliseconds: int
    event: str
    state: str


def walk(
    http: httpx.Client, base_url: str, api_key: str, connection_type: str
) -> dict[str, object]:
    """Walk one journey of a connection type to its end. Raises WalkFailed, or Unreachable."""
    begun = time.monotonic()
    try:
        arrived, secret = _walk(Client(base_url, api_key, http=http), http, connection_type)
    except Problem as problem:
        raise WalkFailed(f"The service refuses: {problem}") from None
    return {
        "type": connection_type,
        "state": arrived.state,
        "onboarding_id": arrived.id,
        "client_id": arrived.client_id,
        "client_secret": secret,
        "seller_id": arrived.seller_id,
        "seconds": round(time.monotonic() - begun, 3),
    }


def timeline(
    http: httpx.Client, base_url: str, api_key: str, onboarding_id: object
) -> list[Moment]:
    """What happened to an onboarding and when, as its history tells it."""
    steps = Client(base_url, api_key, http=http).history(str(onboarding_id))
    return [
        Moment(round((step.at - steps[0].at).total_seconds() * 1000), step.event, step.target)
        for step in steps
    ]


def _walk(
    client: Client, http: httpx.Client, connection_type: str
) -> tuple[Onboarding, str | None]:
    """Where it ends, and the secret where there is one."""
    email = f"{connection_type.replace('_', '-')}@sample.example"
    now, secret = client.start(email=email), None
    now = _fire(client, now, "choose_type", CHOICES[connection_type])
    if connection_type == "aggregator":
        _expect(now, "awaiting_seller")
    elif connection_type != "legacy_soap":
        now, secret = _take_the_secret(client, now)
    if now.state == "awaiting_seller":
        now = _link_the_seller(client, http, now)
    return now, secret


def _take_the_secret(client: Client, now: Onboarding) -> tuple[Onboarding, str]:
    """Issue the client ID, take its secret, and say that it has arrived."""
    ready = _fire(client, now, "issue_id")
    _expect(ready, "secret_ready")
    secret = client.reveal_secret(ready)
    return client.acknowledge(now.id, secret), secret.client_secret


def _link_the_seller(client: Client, http: httpx.Client, now: Onboarding) -> Onboarding:
    """The seller's part, in a browser; then the calling system confirms."""
    _sign_in(http, client.continue_link(now.id))
    linked = client.show(now.id)
    confirmed = _fire(client, linked, "confirm") if linked.state == "seller_linked" else linked
    confirmed = _settled(client, confirmed)
    _expect(confirmed, "confirmed")
    return confirmed


def _sign_in(http: httpx.Client, link: str) -> None:
    """From the link to the sandbox and back, and the answer to "Is this the right account?"."""
    http.cookies.clear()
    page = http.get(link, follow_redirects=True)
    page = _submit(http, page, "go on", lambda form: "/resume/" in form.action)
    page = _submit(http, page, "sign in", lambda form: form.action.endswith("/sign-in"))
    if SANDBOX not in page.url.path or page.url.host != httpx.URL(link).host:
        raise WalkFailed(f"Sellers sign in at {page.url.host} here: only the sandbox has samples.")
    page = _submit(http, page, "choose a seller", lambda f: "seller" in f.choices, SAMPLE_SELLER)
    _submit(http, page, "link this account", lambda form: form.action.endswith("/link"))


def _submit(
    http: httpx.Client,
    page: httpx.Response,
    purpose: str,
    wanted: Callable[[Form], bool],
    *answers: str,
) -> httpx.Response:
    """Submit the first form that is wanted, as a browser would. Raises WalkFailed where none is."""
    form = next((f for f in forms(page.text) if f.method == "post" and wanted(f)), None)
    if form is None:
        raise WalkFailed(f"The page {page.url.path} ({page.status_code}) has no form to {purpose}.")
    chosen = {name: _choice(offered, answers) for name, offered in form.choices.items()}
    address = page.url.join(form.action)
    answer = http.post(address, data=form.filled(**chosen), follow_redirects=True)
    onward = leads_to(answer.text)
    return http.get(answer.url.join(onward), follow_redirects=True) if onward else answer


def _choice(offered: Sequence[str], answers: Sequence[str]) -> str:
    """The answer that is among what is offered, else the first."""
    return next((answer for answer in answers if answer in offered), offered[0])


def _fire(
    client: Client, now: Onboarding, event: str, data: Mapping[str, object] | None = None
) -> Onboarding:
    """As it stands once the platform has had its turn."""
    return _settled(client, client.fire(now, event, data, wait=int(PATIENCE)))


def _settled(client: Client, now: Onboarding) -> Onboarding:
    """Once it is not the platform's turn any more. Raises WalkFailed where it stays so."""
    deadline = time.monotonic() + PATIENCE
    while now.waiting_on == "platform":
        if time.monotonic() > deadline:
            raise WalkFailed(
                f"It is still in {now.state} after {PATIENCE:.0f} s: does any worker run?"
            )
        now = client.wait(now, seconds=5)
    return now


def _expect(found: Onboarding, wanted: str) -> None:
    if found.state != wanted:
        raise WalkFailed(f"It came to {found.state} instead of {wanted}.")
