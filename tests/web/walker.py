"""schemathesis beside the running program: what it is told, what it asks, and what came of it.

It is told what no document says: a key, a token, and onboardings that stand where a request can
succeed. Who takes a secret, replaces one or ends one needs one that is there.
"""

import base64
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from onboarding import access, signing
from onboarding.client import Client
from onboarding.walking import walk
from tests.served import Served, environment, onboarding
from tests.telling import as_key
from tests.web.walker_hooks import KNOWN, SOURCE_SECRET

Values = dict[str, object]

SCHEMATHESIS: Final = Path(sys.executable).with_name("schemathesis")
HOOKS: Final = "tests.web.walker_hooks"
# As in the examples of the document.
SOURCE: Final = "https://registry.marketplace.example"
# Of each operation: the same ones on every machine, however fast it is.
EXAMPLES: Final = 15
# Of events more: most of them are not allowed where an onboarding stands.
EVENTS: Final = 60
# Walks, and how many requests each may make: schemathesis gives each link its share of them.
WALKS: Final = 35
STEPS: Final = 60
# Onboardings that a phase finds where its request can succeed, of each kind that is used up.
STARTED: Final = 12
OTHERS: Final = 2
# Seconds.
PATIENCE: Final = 30
# Of schemathesis, before it walks.
PHASES: Final = ("examples", "coverage", "fuzzing")
EMAIL: Final = "dev@shop.example"
_START: Final = "POST /v1/onboardings"
# What a text may hold is said to one character less than the program knows, so 422 may be the answer
# to data that fits. An answer can be 404 or 409 to anybody: another was faster. Links are our own, not
# guessed. Whoever asks everything without a key is soon held up as one who guesses: what becomes of a
# request without a key, or without another header that it needs, `test_api_matrix` asks of every route. A stream goes on for minutes: `test_api_event_stream`.
_SETTINGS: Final = """
[warnings]
fail-on = true

[headers]
Authorization = "Bearer {key}"

[[operations]]
include-operation-id = "onboardings_fire"
phases = {{ fuzzing = {{ generation = {{ max-examples = {events} }} }} }}

[[operations]]
include-operation-id = "clients_whoami"
headers = {{ Authorization = "Bearer {token}" }}

[[operations]]
include-operation-id-regex = "events_stream.*"
enabled = false

[phases.stateful]
max-steps = {steps}
inference = {{ algorithms = [] }}
generation = {{ mode = "positive", max-examples = {walks} }}

[checks.missing_required_header]
enabled = false

[checks.ignored_auth]
enabled = false

[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", 401, 403, 404, 409, 412, 422, 428, 429]
"""


@dataclass(frozen=True)
class Answer:
    """One answer within a walk, and the name of the link that led to its request, if one did."""

    link: str
    operation: str
    onboarding_id: str
    status: int
    body: Any


@dataclass(frozen=True)
class Asked:
    """What schemathesis reports, what it says at a terminal, and each answer of its walks."""

    report: dict[str, Any]
    said: str
    answers: Sequence[Answer]

    def walked(self, operation: str, status: int, link: str = "") -> int:
        """How often one answered so, within walks, about an onboarding that a walk has started."""
        started = {a.body["id"] for a in self.answers if (a.operation, a.status) == (_START, 201)}
        return sum(
            (each.operation, each.status) == (operation, status)
            and link in each.link
            and each.onboarding_id in started
            for each in self.answers
        )


def ask(served: Served) -> Asked:
    """Everything, of the program as it runs."""
    folder = served.folder
    scopes = [word for scope in access.SCOPES for word in ("--scope", scope)]
    key = onboarding(folder, "keys", "create", "walker", *scopes).stdout.strip()
    secret = onboarding(folder, "source", "add", SOURCE).stdout.strip()
    for name, text in _told(served, key, secret).items():
        (folder / name).write_text(text)
    done = subprocess.run(
        [
            *(SCHEMATHESIS, "--config-file", folder / "schemathesis.toml"),
            *("run", f"{served.url}/v1/openapi.json"),
            *("--max-examples", str(EXAMPLES), "--generation-deterministic"),
            "--continue-on-failure",
            *("--report-json-path", folder / "report.json"),
            *("--report-ndjson-path", folder / "report.ndjson"),
        ],
        cwd=folder,
        env=environment(SCHEMATHESIS_HOOKS=HOOKS, **{SOURCE_SECRET: secret, KNOWN: "known.json"}),
        capture_output=True,
        text=True,
        check=False,
    )
    report = json.loads((folder / "report.json").read_text())
    said = done.stdout[-6000:] + done.stderr[-2000:]
    return Asked(report, said, [*_answers(folder / "report.ndjson")])


def _told(served: Served, key: str, secret: str) -> dict[str, str]:
    """What is told in files: settings, and for each operation and phase the values that will do."""
    with httpx.Client() as http, Client(served.url, key, http=http) as client:
        seen = _seen(http, served, key, secret)
        used = walk(http, served.url, key, "plugin")
        seen["clients_whoami"] = [{"SellerId": used["seller_id"]}] * OTHERS
        known = {phase: seen | _known(http, served.url, key, client) for phase in PHASES}
        token = _token(http, served.url, str(used["client_id"]), str(used["client_secret"]))
    settings = _SETTINGS.format(key=key, token=token, events=EVENTS, steps=STEPS, walks=WALKS)
    return {"schemathesis.toml": settings, "known.json": json.dumps(known)}


def _known(http: httpx.Client, url: str, key: str, client: Client) -> dict[str, list[Values]]:
    started = [client.start(email=EMAIL).id for _ in range(STARTED)]
    ready = [_ready(client) for _ in range(OTHERS)]
    in_use = [_in_use(http, url, key)["onboarding_id"] for _ in range(OTHERS)]
    named = _named(http, url, key, client)
    replaced = _replaced(http, url, key)
    return {
        "onboardings_fire": [{"onboarding_id": each} for each in started],
        "onboardings_reveal_secret": [{"onboarding_id": each} for each in ready],
        "clients_bring_key": [{"onboarding_id": _ready(client)} for _ in range(OTHERS)],
        "clients_replace": [{"onboarding_id": each} for each in in_use],
        "clients_rename": [{"onboarding_id": each} for each in in_use],
        "clients_unlink": [_linked(http, url, key)] * OTHERS,
        "clients_invite_seller": [{"onboarding_id": each} for each in in_use],
        "clients_seller_invitations": [{"onboarding_id": each} for each in in_use],
        "clients_withdraw_invitation": [_asked(http, url, key, in_use[0])] * OTHERS,
        "onboardings_name_developer": [{"onboarding_id": named}] * OTHERS,
        "onboardings_show_developer": [{"onboarding_id": named}] * OTHERS,
        "onboardings_withdraw_developer": [{"onboarding_id": named}] * OTHERS,
        "clients_end_old": [{"onboarding_id": replaced, "version": "1"}] * OTHERS,
    }


def _seen(http: httpx.Client, served: Served, key: str, secret: str) -> dict[str, list[Values]]:
    """What is looked at only: a run, an endpoint, and what the marketplace has told."""
    begun = ("bulk", "start", "note", "--view", "state=started", "--reason", "INC-442", "--yes")
    run = onboarding(served.folder, *begun, "--json").stdout
    number = str(json.loads(run.splitlines()[0])["run"])
    asking = {"Authorization": f"Bearer {key}", "Idempotency-Key": "seen"}
    hook = {"url": "https://hooks.example/"}
    made = http.post(f"{served.url}/v1/webhooks", json=hook, headers=asking).json()
    told = {"specversion": "1.0", "id": "seen", "source": SOURCE, "type": "shop.painted"}
    told |= {"subject": "S-1", "time": "2026-11-27T12:00:00Z"}
    body = json.dumps(told).encode()
    signed = signing.headers([as_key(secret)], "seen", body, int(time.time()))
    sent = {**signed, "Content-Type": "application/json"}
    event = http.post(f"{served.url}/v1/inbound-events", content=body, headers=sent).json()
    return {
        "operations_one_run": [{"number": number}] * OTHERS,
        "operations_endpoint": [{"webhook_id": made["id"]}] * OTHERS,
        "operations_delivered": [{"webhook_id": made["id"]}] * OTHERS,
        "inbound_one": [{"event_id": event["id"]}] * OTHERS,
    }


def _in_use(http: httpx.Client, url: str, key: str) -> dict[str, Any]:
    """An onboarding whose secret is in use, with that secret."""
    return walk(http, url, key, "credentials_only")


def _ready(client: Client) -> str:
    """An onboarding whose secret waits to be shown."""
    now = client.start(email=EMAIL)
    now = client.fire(now, "choose_type", {"connection_type": "credentials_only"}, wait=PATIENCE)
    now = client.fire(now, "issue_id", wait=PATIENCE)
    assert now.state == "secret_ready"
    return now.id


def _named(http: httpx.Client, url: str, key: str, client: Client) -> str:
    """An onboarding whose secret waits for a named developer."""
    now = client.start(email=EMAIL)
    now = client.fire(now, "choose_type", {"connection_type": "plugin"}, wait=PATIENCE)
    now = client.fire(now, "issue_id", wait=PATIENCE)
    named = http.put(
        f"{url}/v1/onboardings/{now.id}/developer",
        json={"email": "dora@dev.example"},
        headers={"Authorization": f"Bearer {key}"},
    )
    assert named.is_success, named.text
    return str(now.id)


def _linked(http: httpx.Client, url: str, key: str) -> Values:
    """A connection that is done, and its link with a seller account."""
    found = walk(http, url, key, "plugin")["onboarding_id"]
    bearer = {"Authorization": f"Bearer {key}"}
    (link,) = http.get(f"{url}/v1/onboardings/{found}/links", headers=bearer).json()["items"]
    return {"onboarding_id": found, "link_id": link["id"]}


def _asked(http: httpx.Client, url: str, key: str, onboarding_id: str) -> Values:
    """A connection that is done, and a link for one more seller."""
    headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": "asked"}
    path = f"{url}/v1/onboardings/{onboarding_id}/seller-invitations"
    made = http.post(path, headers=headers)
    assert made.is_success, made.text
    return {"onboarding_id": onboarding_id, "invitation_id": made.json()["id"]}


def _replaced(http: httpx.Client, url: str, key: str) -> str:
    """An onboarding whose first secret was replaced, and works for some days more."""
    found = _in_use(http, url, key)
    itself = f"{url}/v1/onboardings/{found['onboarding_id']}"
    bearer = {"Authorization": f"Bearer {key}"}
    asking = bearer | {"Idempotency-Key": "replace"}
    asked = http.post(f"{itself}/client/secrets", json={"overlap_days": 3}, headers=asking)
    assert asked.status_code == httpx.codes.ACCEPTED, asked.text
    deadline = time.monotonic() + PATIENCE
    shown = http.post(f"{itself}/secret-reveal", headers=bearer | {"If-Match": "*"})
    while not shown.is_success and time.monotonic() < deadline:
        shown = http.post(f"{itself}/secret-reveal", headers=bearer | {"If-Match": "*"})
    # Its first use is what ends the one before.
    _token(http, url, found["client_id"], shown.json()["client_secret"])
    return str(found["onboarding_id"])


def _token(http: httpx.Client, url: str, client_id: str, secret: str) -> str:
    asked = {"grant_type": "client_credentials"}
    answer = http.post(f"{url}/oauth2/token", data=asked, auth=(client_id, secret))
    return str(answer.json()["access_token"])


def _answers(report: Path) -> Iterator[Answer]:
    """Of walks: each request that was answered."""
    for line in report.read_text().splitlines():
        finished = json.loads(line).get("ScenarioFinished", {})
        if finished.get("phase") != "stateful":
            continue
        recorder = finished["recorder"]
        for name, case in recorder["cases"].items():
            answer = recorder["interactions"].get(name, {}).get("response")
            if answer:
                yield _answer(case, answer)


def _answer(case: dict[str, Any], answer: dict[str, Any]) -> Answer:
    asked = case["value"]
    content = base64.b64decode((answer.get("content") or {}).get("$base64", ""))
    followed = case.get("transition") if case.get("is_transition_applied") else None
    return Answer(
        followed["id"] if followed else "",
        f"{asked['method']} {asked['path']}",
        (asked.get("path_parameters") or {}).get("onboarding_id", ""),
        answer["status_code"],
        json.loads(content) if content else None,
    )
