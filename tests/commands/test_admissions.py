"""What a terminal changes of what others may do here stands in the trail: every verb, done or refused."""

from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import Engine, delete

from onboarding import audit
from onboarding.audit import Attempt
from onboarding.commands import exits, roles
from onboarding.db import reading, transaction
from onboarding.models import AuditEntry, AuditHead
from onboarding.sealing import Keyring
from tests.acting import a_lead, trail
from tests.commands.conftest import Outcome, Run
from tests.listening import an_endpoint, an_owner
from tests.telling import REGISTRY, a_source, an_aggregator, an_ed25519_key

WHY: Final = "INC-442: asked for on the phone"
# A part of its path that is as good as a password, as chats have it.
HOOK: Final = "https://hooks.example/services/T0-K3N?sig=S1-GN"
ANOTHER: Final = "https://stock.example"
# Each verb: what is typed, what the trail calls it, and what it keeps of it.
VERBS: Final[dict[str, tuple[str, str, dict[str, Any]]]] = {
    "aggregators set": (
        "feedwise --status suspended --soap",
        "aggregator.set",
        {"aggregator": "feedwise", "before": "registered", "after": "suspended"},
    ),
    "keys create": ("shop --scope audit:read", "key.create", {"scopes": ["audit:read"]}),
    "keys rotate": ("{key} --overlap 1h", "key.rotate", {"key": "{key}", "overlap": "1h"}),
    "keys revoke": ("{key}", "key.revoke", {"key": "{key}"}),
    "source add": (ANOTHER, "source.add", {"source": ANOTHER, "signature": "hmac"}),
    "source rotate": (
        f"{REGISTRY} --public-key {an_ed25519_key().shown}",
        "source.rotate",
        {"source": REGISTRY, "signature": "ed25519", "overlap": "24h"},
    ),
    "source rm": (REGISTRY, "source.remove", {"source": REGISTRY}),
    "webhook add": (
        f"{HOOK} --system {{key}} --type onboarding.started",
        "webhook.add",
        {"host": "hooks.example", "system": "{key}", "types": ["onboarding.started"]},
    ),
    "webhook rm": (
        "{webhook}",
        "webhook.remove",
        {"webhook": "{webhook}", "host": "hooks.example", "system": "{key}"},
    ),
}


@pytest.fixture
def there(run_on_both: Run, database: Engine, ring: Keyring) -> dict[str, str]:
    """One of each kind, so that it can be changed; their IDs."""
    an_aggregator()
    a_source()
    key = an_owner()
    return {"key": str(key), "webhook": str(an_endpoint(HOOK, key))}


def do(run: Run, verb: str, there: dict[str, str], *options: str) -> Outcome:
    typed = VERBS[verb][0].format(**there)
    done = run(*verb.split(), *typed.split(), *options)
    assert done.code == 0, done.err
    return done


def about(verb: str, there: dict[str, str]) -> dict[str, Any]:
    """What the trail is to keep of it."""
    said = VERBS[verb][2]
    return {
        name: value.format(**there) if isinstance(value, str) else value
        for name, value in said.items()
    }


def kept(entry: AuditEntry) -> dict[str, Any]:
    """What a row is about; of an aggregator only how it stood and stands."""
    return {
        name: value["status"] if isinstance(value, dict) else value
        for name, value in entry.details.items()
    }


def test_no_verb_of_theirs_is_forgotten() -> None:
    groups = {verb.split()[0] for verb in VERBS}
    assert set(VERBS) == {verb for verb in roles.VERBS["manage"] if verb.split()[0] in groups}


@pytest.mark.parametrize("verb", VERBS)
def test_what_is_changed_stands_in_the_trail(
    verb: str, run_on_both: Run, there: dict[str, str]
) -> None:
    do(run_on_both, verb, there, "--reason", WHY)
    (entry,) = trail()
    assert (entry.action, entry.outcome, entry.reason) == (VERBS[verb][1], "done", WHY)
    assert (entry.actor[:4], entry.role, entry.onboarding_id) == ("cli:", None, None)
    assert kept(entry) == kept(entry) | about(verb, there)
    assert run_on_both("audit", "verify").code == 0


@pytest.mark.parametrize("verb", VERBS)
def test_a_script_needs_no_reason_and_the_trail_says_that_there_was_none(
    verb: str, run_on_both: Run, there: dict[str, str]
) -> None:
    do(run_on_both, verb, there)
    (entry,) = trail()
    assert (entry.action, entry.reason) == (VERBS[verb][1], "")
    shown = "".join(run_on_both("audit", "ls").out.split())
    assert all(word in shown for word in ("no", "reason", "given", audit.subject(entry)[:8]))


def test_no_secret_stands_in_the_trail(
    run_on_both: Run, there: dict[str, str], database: Engine
) -> None:
    secrets = ["T0-K3N", "S1-GN"]
    # What others need goes last.
    for verb in sorted(VERBS, key=lambda verb: verb in ("keys revoke", "source rm")):
        for line in do(run_on_both, verb, there, "--json").lines:
            secrets += [str(line["key"])] if "key" in line else []
    assert {secret.partition("_")[0] for secret in secrets} >= {"onbk", "whsec", "whpk"}
    told = run_on_both("audit", "ls", "--limit", "50", "--json").out
    assert len(told.splitlines()) == len(VERBS)
    assert [secret for secret in secrets if secret in told] == []


@pytest.mark.parametrize(
    ("typed", "action"),
    [
        (("aggregators", "set", "onbk_" + "x" * 120), "aggregator.set"),
        (("keys", "create", "onbk_typed", "--scope", "everything"), "key.create"),
        (("source", "add", "onbk_typed here"), "source.add"),
        (("source", "add", REGISTRY), "source.add"),
        (("source", "rotate", REGISTRY, "--public-key", "onbk_typed"), "source.rotate"),
        (("webhook", "add", "https://10.0.0.1/onbk_typed", "--system", "{key}"), "webhook.add"),
        (("keys", "revoke", "{key}", "--reason", "x"), "key.revoke"),
    ],
)
def test_what_is_refused_stands_there_too_without_what_was_typed(
    typed: tuple[str, ...], action: str, run_on_both: Run, there: dict[str, str]
) -> None:
    refused = run_on_both(*(each.format(**there) for each in typed))
    assert refused.code == exits.USAGE
    (entry,) = trail()
    assert (entry.action, entry.outcome) == (action, "refused")
    assert entry.details["why"] == "invalid"
    assert "onbk_" not in run_on_both("audit", "ls", "--json").out
    assert run_on_both("audit", "verify").code == 0


def test_what_is_not_there_leaves_no_row(run_on_both: Run, there: dict[str, str]) -> None:
    for typed in ("keys revoke x", "keys rotate x", "source rm x", "webhook rm x"):
        assert run_on_both(*typed.split()).code == exits.NOT_FOUND
    assert run_on_both("webhook", "add", HOOK, "--system", "nobody").code == exits.NOT_FOUND
    assert trail() == []


@pytest.mark.parametrize("verb", VERBS)
def test_what_cannot_be_written_down_is_not_done(
    verb: str, run_on_both: Run, there: dict[str, str]
) -> None:
    do(run_on_both, "aggregators set", there)
    # Without what says where it ends, the next row would be the first one again.
    with transaction() as session:
        session.execute(delete(AuditHead))
    listed = (verb.partition(" ")[0], "ls", "--json")
    before = run_on_both(*listed).out
    typed = VERBS[verb][0].format(**there).split()
    assert run_on_both(*verb.split(), *typed).code == exits.REFUSED
    assert run_on_both(*listed).out == before
    with reading() as session:
        assert len(audit.latest(session, 9)) == 1


@pytest.mark.parametrize("verb", VERBS)
def test_without_the_keyring_nothing_is_done_and_it_says_where_it_looked(
    verb: str, run_on_both: Run, there: dict[str, str], tmp_path: Path
) -> None:
    typed = VERBS[verb][0].format(**there).split()
    failed = run_on_both(*verb.split(), *typed, KEYS_DIR=str(tmp_path / "elsewhere"))
    assert failed.code not in {0, exits.USAGE}
    assert f"{tmp_path / 'elsewhere'}" in failed.err
    assert trail() == []


def test_a_link_into_the_console_stands_in_the_trail_without_what_opens_it(
    run_on_both: Run,
) -> None:
    asked = ("operators", "link", "--role", "viewer")
    link = run_on_both(*asked, "--reason", WHY).out.strip()
    (entry,) = trail()
    assert (entry.action, entry.actor[:4], entry.reason) == ("operators.link", "cli:", WHY)
    assert entry.details == {"opens_as": "viewer"}
    assert link.rpartition("/")[2] not in run_on_both("audit", "ls", "--json").out


def test_where_sellers_are_real_there_is_no_link_and_no_row(run_on_both: Run) -> None:
    real = {"OIDC_ISSUER": "https://id.shop.example", "OIDC_CLIENT_ID": "us"}
    assert run_on_both("operators", "link", **real).code == exits.USAGE
    assert trail() == []


def a_key(run: Run, name: str) -> str:
    (made,) = run("keys", "create", name, "--scope", "audit:read", "--json").lines
    return str(made["id"])


@pytest.mark.parametrize("verb", ["rotate", "revoke"])
def test_a_key_is_meant_by_its_name_its_end_or_the_beginning_of_its_id(
    run_on_both: Run, verb: str
) -> None:
    ids = {name: a_key(run_on_both, name) for name in ("portal", "ledger", "watcher")}
    ends = {each["id"]: each["ending"] for each in run_on_both("keys", "ls", "--json").lines}
    for key_id, typed in (
        (ids["portal"], "portal"),
        (ids["ledger"], ends[ids["ledger"]]),
        (ids["watcher"], ids["watcher"][:-1]),
    ):
        assert run_on_both("keys", verb, typed).code == 0
        assert trail()[0].details["key"] == key_id


def test_of_several_keys_that_are_meant_none_is_revoked(run_on_both: Run) -> None:
    ids = [a_key(run_on_both, "portal") for _ in range(2)]
    before = len(trail())
    asked = run_on_both("keys", "revoke", "portal")
    assert asked.code == exits.USAGE
    assert all(key_id in asked.err for key_id in ids)
    assert run_on_both("keys", "revoke", ids[0][:2]).code == exits.NOT_FOUND
    assert run_on_both("keys", "revoke", ids[0]).code == 0
    # What has ended is meant by nobody.
    assert run_on_both("keys", "revoke", "portal").code == 0
    assert run_on_both("keys", "revoke", "portal").code == exits.NOT_FOUND
    assert len(trail()) == before + 2


def test_the_trail_names_operators_at_a_terminal_and_their_ids_for_programs(
    run_on_both: Run, database: Engine, ring: Keyring
) -> None:
    who = a_lead("Mara")
    with transaction() as session:
        audit.append(session, ring, Attempt(who.id, "lead", "note", WHY))
    shown = run_on_both("audit", "ls").out
    assert "Mara" in shown
    assert who.id not in shown
    assert run_on_both("audit", "ls", "--json").lines[0]["actor"] == who.id


def test_a_scope_that_there_is_not_is_told_which_there_are(run: Run) -> None:
    refused = run("keys", "create", "shop", "--scope", "everything")
    assert refused.code == exits.USAGE
    assert "No such scope: everything. There are onboardings:read," in refused.err
