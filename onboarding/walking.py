"""One sample journey, from the first event to its end, through the public API and a browser's pages.

It proves that a running system works, and shows another system's developer how to talk to it. It
signs in at the sandbox Seller Portal only: a real seller account is nobody's sample.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, NamedTuple
from uuid import uuid4

import httpx

from onboarding.walking_forms import Form, forms, leads_to

SAMPLE_SELLER: Final = "one-shop"
SANDBOX: Final = "/sandbox/seller-portal/"
# Of an API key that walks every type.
SCOPES: Final = ("onboardings:read", "onboardings:write", "secrets:reveal", "contacts:vouch")

# Seconds: how long the platform may take for its turn, and between two looks.
PATIENCE: Final = 30.0
PAUSE: Final = 0.02

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


@dataclass(frozen=True, slots=True)
class Api:
    """The API as a calling system with a key sees it."""

    http: httpx.Client
    base_url: str
    key: str

    def get(self, path: str) -> dict[str, Any]:
        return self._send("GET", path)

    def post(
        self, path: str, body: Mapping[str, object] | None = None, **headers: str
    ) -> dict[str, Any]:
        """A name of our own lets a request be sent twice and be carried out once."""
        return self._send("POST", path, body, {"Idempotency-Key": str(uuid4()), **headers})

    def fire(self, path: str, event: str, data: Mapping[str, object]) -> dict[str, Any]:
        """The onboarding after an event, unless it has moved on since this look."""
        seen = {"If-Match": self.seen(path)}
        return self.post(f"{path}/events", {"event": event, "data": dict(data)}, **seen)

    def reveal(self, path: str) -> dict[str, Any]:
        """The one request that has no name: its answer is never repeated."""
        return self._send("POST", f"{path}/secret-reveal", None, {"If-Match": self.seen(path)})

    def seen(self, path: str) -> str:
        """The ETag of an onboarding whose turn is not the platform's."""
        return f'"{self.get(path)["sequence"]}"'

    def _send(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> dict[str, Any]:
        """The JSON of an answer. Raises WalkFailed with what a refusal says."""
        headers = {"Authorization": f"Bearer {self.key}", **more}
        answer = self.http.request(method, self.base_url + path, json=body, headers=headers)
        if not answer.is_success:
            raise WalkFailed(f"{method} {path} answers {answer.status_code}: {_refusal(answer)}")
        found: dict[str, Any] = answer.json()
        return found


def walk(
    http: httpx.Client, base_url: str, api_key: str, connection_type: str
) -> dict[str, object]:
    """Walk one journey of a connection type to its end. Raises WalkFailed, or httpx's errors."""
    begun = time.monotonic()
    api = Api(http, base_url.rstrip("/"), api_key)
    contact = {"email": f"{connection_type.replace('_', '-')}@sample.example"}
    started = api.post("/v1/onboardings", {"locale": "en", "contact": contact})
    path = started["links"]["self"]
    _fire(api, path, "choose_type", CHOICES[connection_type])
    secret = None
    if connection_type == "aggregator":
        _expect(_leaves(api, path, "checking_aggregator"), "awaiting_seller")
    elif connection_type != "legacy_soap":
        secret = _take_the_secret(api, path)
    if api.get(path)["state"] == "awaiting_seller":
        _link_the_seller(api, path)
    arrived = api.get(path)
    return {
        "type": connection_type,
        "state": arrived["state"],
        "onboarding_id": arrived["id"],
        "client_id": arrived["client_id"],
        "client_secret": secret,
        "seller_id": arrived["seller"]["seller_id"] if arrived["seller"] else None,
        "seconds": round(time.monotonic() - begun, 3),
    }


def timeline(
    http: httpx.Client, base_url: str, api_key: str, onboarding_id: object
) -> list[Moment]:
    """What happened to an onboarding and when, as its history tells it."""
    api = Api(http, base_url.rstrip("/"), api_key)
    steps = api.get(f"/v1/onboardings/{onboarding_id}/history")["items"]
    at = [datetime.fromisoformat(step["at"]) for step in steps]
    return [
        Moment(round((when - at[0]).total_seconds() * 1000), step["event"], step["target"])
        for when, step in zip(at, steps, strict=True)
    ]


def _take_the_secret(api: Api, path: str) -> str:
    """Issue the client ID, take its secret, and say that it has arrived."""
    _fire(api, path, "issue_id")
    _expect(_leaves(api, path, "issuing_secret"), "secret_ready")
    revealed = api.reveal(path)
    secret = str(revealed["client_secret"])
    proof = {"version": revealed["version"], "ending": secret[-6:]}
    _fire(api, path, "acknowledge_secret", proof)
    return secret


def _link_the_seller(api: Api, path: str) -> None:
    """The seller's part, in a browser; then the calling system confirms."""
    _sign_in(api.http, str(api.post(f"{path}/continue-links")["url"]))
    linked = api.get(path)["state"]
    if linked == "seller_linked":
        _fire(api, path, "confirm")
    _expect(_leaves(api, path, "verifying"), "confirmed")


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


def _fire(api: Api, path: str, event: str, data: Mapping[str, object] | None = None) -> None:
    api.fire(path, event, data or {})


def _leaves(api: Api, path: str, state: str) -> str:
    """The state that follows once the platform has had its turn. Raises WalkFailed after a while."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = str(api.get(path)["state"])
        if found != state:
            return found
        time.sleep(PAUSE)
    raise WalkFailed(f"It is still in {state} after {PATIENCE:.0f} s: does any worker run?")


def _expect(found: str, wanted: str) -> None:
    if found != wanted:
        raise WalkFailed(f"It came to {found} instead of {wanted}.")


def _refusal(answer: httpx.Response) -> str:
    """What a problem says, or the beginning of anything else."""
    try:
        problem = answer.json()
        return f"{problem['code']}: {problem['detail']}"
    except (ValueError, KeyError, TypeError):
        return answer.text[:200]
