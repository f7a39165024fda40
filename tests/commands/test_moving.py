"""`fire`, `retry`, `note`, `aggregators` and `keys`: what they change, and what they refuse."""

import pytest
from sqlalchemy import update

from onboarding import queries
from onboarding.commands import exits
from onboarding.db import reading, transaction
from onboarding.models import AuditEntry
from tests import builders
from tests.commands.conftest import Run
from tests.commands.incidents import an_incident, reference


def test_fire_moves_and_history_keeps_who_and_why(run_on_both: Run) -> None:
    onboarding_id = builders.an_onboarding("secret_ready")
    moved = run_on_both("fire", reference(onboarding_id), "start_over", "--reason", "wrong shop")
    assert moved.out == f"{reference(onboarding_id)}: secret_ready → started\n"
    with reading() as session:
        last = queries.history(session, onboarding_id)[-1]
    assert last.actor_kind == "operator"
    assert last.actor_id.startswith("cli:")
    assert last.details == {"reason": "wrong shop"}


def test_fire_prints_json(run: Run) -> None:
    onboarding_id = builders.an_onboarding("started")
    moved = run("fire", onboarding_id, "cancel", "--reason", "a duplicate", "--json")
    assert moved.lines[0]["state"] == "cancelled"


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        ("confirm --reason INC-4", exits.REFUSED, "You may not do this."),
        (
            "unlink_seller --reason INC-4",
            exits.REFUSED,
            "cannot be done where the onboarding stands",
        ),
        ("unstick --reason INC-4", exits.USAGE, "There is no such event."),
        ("cancel", exits.USAGE, "Missing option '--reason'"),
    ],
)
def test_fire_refuses_and_writes_nothing(
    run: Run, arguments: str, code: int, sentence: str
) -> None:
    onboarding_id = builders.an_onboarding("started")
    refused = run("fire", onboarding_id, *arguments.split())
    assert refused.code == code
    assert sentence in refused.err
    assert builders.the(onboarding_id).sequence == 1


@pytest.mark.parametrize("reason", ["", " ", "no", "bell\a", "x" * 501])
def test_a_reason_is_a_line_that_says_something(run: Run, reason: str) -> None:
    onboarding_id = builders.an_onboarding("started")
    refused = run("fire", onboarding_id, "cancel", "--reason", reason)
    assert refused.code == exits.USAGE
    assert "reason: Say why, in 3 to 500 characters." in refused.err
    assert builders.the(onboarding_id).sequence == 1


def test_whatever_comes_of_it_is_in_the_trail(run: Run) -> None:
    """T37."""
    onboarding_id = builders.an_onboarding("started")
    run("fire", onboarding_id, "cancel", "--reason", "a duplicate")
    run("fire", onboarding_id, "cancel", "--reason", "and again")
    run("note", reference(onboarding_id), "They know.")
    told = [
        (line["actor"][:4], line["action"], line["outcome"], line["reason"], line["details"])
        for line in run("audit", "ls", "--json").lines
    ]
    assert told == [
        ("cli:", "note", "done", "They know.", {}),
        ("cli:", "cancel", "refused", "and again", {"why": "event_not_allowed"}),
        ("cli:", "cancel", "done", "a duplicate", {"from": "started", "to": "cancelled"}),
    ]
    assert reference(onboarding_id) in run("audit", "ls").out


def test_the_trail_is_checked(run: Run) -> None:
    onboarding_id = builders.an_onboarding("started")
    assert run("audit", "ls").err == "No operator has done anything yet.\n"
    run("fire", onboarding_id, "cancel", "--reason", "a duplicate")
    assert run("audit", "verify").out == "The trail is as it was written, up to row 1.\n"
    with transaction() as session:
        session.execute(update(AuditEntry).values(reason="something else"))
    found = run("audit", "verify", "--json")
    assert found.code == exits.FINDINGS
    assert found.lines == [{"rows": 1, "findings": ["Row 1 is not as it was written."]}]


@pytest.mark.parametrize("by", ["message", "onboarding"])
def test_retry_gives_an_incident_one_attempt_more(run: Run, by: str) -> None:
    message = an_incident()
    wanted = message.id if by == "message" else reference(message.onboarding_id)
    assert run("retry", wanted, "--reason", "mended", "--json").lines == [
        {"retried": str(message.id)}
    ]
    (retried,) = builders.promised("generate_secret", message.onboarding_id)
    assert (retried.failed_at, retried.max_attempts) == (None, message.attempts + 1)
    again = run("retry", wanted, "--reason", "mended")
    assert again.code == exits.REFUSED
    assert "has failed for good" in again.err


def test_an_aggregator_is_added_and_changed(run: Run) -> None:
    (added,) = run("aggregators", "set", "Data Carrier", "--json").lines
    assert added == {
        "id": "data-carrier",
        "name": "Data Carrier",
        "status": "registered",
        "uses_rest": True,
        "asks_for": "delegated",
        "changed_at": added["changed_at"],
    }
    run("aggregators", "set", "data-carrier", "--soap", "--status", "suspended")
    (changed,) = run("aggregators", "ls", "--json").lines
    kept = {"id": "data-carrier", "name": "Data Carrier", "asks_for": "delegated"}
    assert kept | {"uses_rest": False, "status": "suspended"} == {
        name: changed[name] for name in changed if name != "changed_at"
    }


def test_a_key_is_shown_once_and_can_be_ended(run: Run) -> None:
    (made,) = run("keys", "create", "shop", "--scope", "onboardings:read", "--json").lines
    assert made["key"].startswith("onbk_")
    assert made["key"] not in run("keys", "ls", "--json").out
    assert run("keys", "revoke", made["id"]).code == 0
    assert run("keys", "ls", "--json").lines[0]["revoked_at"]
    assert run("keys", "revoke", made["id"]).code == exits.NOT_FOUND
    assert run("keys", "create", "shop", "--scope", "everything").code == exits.USAGE


def test_a_system_has_several_keys_and_changes_them(run: Run) -> None:
    (first,) = run("keys", "create", "shop", "--scope", "onboardings:read", "--json").lines
    more = ("keys", "create", "second", "--scope", "onboardings:read", "--json")
    (second,) = run(*more, "--system", "shop").lines
    (third,) = run("keys", "rotate", first["id"], "--overlap", "30m", "--json").lines
    assert {second["system"], third["system"]} == {first["system"]}
    listed = {key["id"]: key for key in run("keys", "ls", "--json").lines}
    assert listed[first["id"]]["expires_at"]
    assert listed[third["id"]]["ending"] == third["key"][-6:]
    assert run(*more, "--system", "shopp").code == exits.NOT_FOUND
    run("keys", "create", "shop", "--scope", "onboardings:read")
    assert run(*more, "--system", "shop").code == exits.USAGE
    assert run("keys", "rotate", "nothing").code == exits.NOT_FOUND
    assert run("keys", "rotate", first["id"], "--overlap", "soon").code == exits.USAGE


def test_the_text_of_a_key_is_all_there_is_on_stdout(run: Run) -> None:
    made = run("keys", "create", "shop", "--scope", "onboardings:read")
    assert made.out.startswith("onbk_")
    assert len(made.out.split()) == 1


def test_the_trail_is_searched_for_a_part_of_why(run_on_both: Run) -> None:
    onboarding_id = builders.an_onboarding("secret_ready")
    for why in ("INC-442: 100 %", "INC-443: the_other"):
        run_on_both("note", onboarding_id, why)
    assert [e["reason"] for e in run_on_both("audit", "ls", "--json", "--q", "inc-442").lines] == [
        "INC-442: 100 %"
    ]
    assert "the_other" in run_on_both("audit", "ls", "--q", "the_").out
    assert "No row says this." in run_on_both("audit", "ls", "--q", "INC_442").err
