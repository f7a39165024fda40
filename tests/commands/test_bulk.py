"""`bulk` and `act`: from a view to what came of each, at a terminal."""

import pytest

from onboarding import queries
from onboarding.commands import exits
from onboarding.db import reading
from onboarding.operators import Who
from onboarding.sealing import Keyring
from tests import builders
from tests.acting import a_lead
from tests.at_runs import begin, look, some, work
from tests.commands.conftest import Run
from tests.commands.incidents import an_incident, failing, reference

WHY = ("--reason", "INC-442")


def test_a_view_is_looked_at_then_done_then_shown(run_on_both: Run) -> None:
    message = an_incident()
    some(1, "secret_ready")
    seen = run_on_both("bulk", "start", "retry", "--all", "--dry-run", "--json")
    assert sorted(str(line["why_not"]) for line in seen.lines) == [
        "None",
        "Nothing has failed for good",
    ]
    begun = run_on_both("bulk", "start", "retry", "--view", "failing=yes", "--yes", *WHY)
    assert (begun.code, begun.out) == (0, "B-1\n")
    assert "It will be done to 1; 0 letters follow." in begun.err
    work()
    shown = run_on_both("bulk", "show", "1", "--json")
    assert (shown.lines[0]["status"], shown.lines[0]["items"]) == ("done", {"done": 1})
    assert shown.lines[1]["reference"] == reference(message.onboarding_id)
    assert "done" in run_on_both("bulk", "show", "b-1", "--follow").out
    assert "INC-442" in run_on_both("bulk", "show", "1").out
    assert run_on_both("bulk", "ls", "--json").lines[0]["run"] == 1
    assert "B-1" in run_on_both("bulk", "ls").out


def test_a_letter_that_is_tried_again_counts_as_one_that_follows(run: Run) -> None:
    cancelled = builders.an_onboarding("type_chosen", email="alex@shop.example")
    builders.fire(cancelled, "cancel")
    failing("send_email", cancelled)
    an_incident()
    begun = run("bulk", "start", "retry", "--view", "failing=yes", "--yes", *WHY)
    assert "It will be done to 2; 1 letter follows." in begun.err


@pytest.mark.parametrize(
    ("state", "task", "notice"),
    [
        ("issuing_secret", "generate_secret", "secret_ready"),
        ("checking_aggregator", "check_aggregator", "aggregator_approved"),
        ("verifying", "verify_connection", "confirmed"),
    ],
)
def test_a_letter_that_comes_of_what_is_tried_again_follows(
    run: Run, state: str, task: str, notice: str
) -> None:
    one, mute = (builders.an_onboarding(state, email=each) for each in ("alex@shop.example", None))
    for onboarding_id in (one, mute):
        failing(task, onboarding_id)
    moved_on = builders.an_onboarding(state, email="alex@shop.example")
    failing(task, moved_on)
    builders.fire(moved_on, "cancel")
    begun = run("bulk", "start", "retry", "--view", "failing=yes", "--yes", *WHY)
    assert "; 1 letter follows." in begun.err
    work()
    with reading() as session:
        assert notice in {each.notice for each in queries.mails_of(session, one)}


def test_a_letter_that_comes_of_what_an_event_begins_follows(run: Run) -> None:
    builders.an_onboarding("secret_lapsed", email="alex@shop.example")
    begun = run("bulk", "start", "reissue_secret", "--all", "--yes", *WHY)
    assert "It will be done to 1; 1 letter follows." in begun.err


def test_a_view_goes_by_its_name_as_well(run: Run) -> None:
    message = an_incident()
    some(1, "secret_ready")
    named = run("bulk", "start", "retry", "--view", "failed", "--dry-run", "--json")
    assert [line["reference"] for line in named.lines] == [reference(message.onboarding_id)]
    run("bulk", "start", "retry", "--view", "failed", "--yes", *WHY)
    assert "failing=yes" in run("bulk", "show", "1").out


def test_without_a_yes_nothing_is_begun(run: Run) -> None:
    some(1)
    refused = run("bulk", "start", "recheck_aggregator", "--all", *WHY)
    assert (refused.code, refused.out) == (exits.REFUSED, "")
    assert "With --yes, nobody is asked." in refused.err
    assert run("bulk", "ls").err == "There has been no run yet.\n"


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("start", "unstick", "--all", "--yes"), exits.USAGE, "action: One of approve_aggregator"),
        (("start", "retry", "--yes", "--view", "state=gone"), exits.USAGE, "state: Send one of"),
        (("start", "extend", "--all", "--yes"), exits.USAGE, "choice: One of 7, 14, 30."),
        (
            ("start", "cancel", "--all", "--yes", "--pace", "0"),
            exits.USAGE,
            "pace: A number from 1 to 6000.",
        ),
        (("start", "cancel", "--all", "--yes"), exits.USAGE, "reason: Say why"),
        (
            ("start", "retry", "--all", "--yes"),
            exits.REFUSED,
            "There is none that it can be done to",
        ),
        (("start", "retry", "--yes"), exits.USAGE, "either --view, or --all"),
        (("start", "retry", "--all", "--view", "late"), exits.USAGE, "either --view, or --all"),
        (("start", "retry", "--yes", "--view", "overdu=yes"), exits.USAGE, "view: overdu: a view"),
        (("start", "retry", "--yes", "--view", "=yes"), exits.USAGE, "view: : a view"),
        (("start", "retry", "--yes", "--view", "overdue"), exits.NOT_FOUND, "no such view"),
        (("show", "7"), exits.NOT_FOUND, "There is no run 7."),
        (("show", "x"), exits.NOT_FOUND, "There is no run x."),
        (("show", "7", "--outcome", "perhaps"), exits.USAGE, "There is no outcome perhaps."),
        (("abort", "7", "--reason", "INC-442"), exits.NOT_FOUND, "There is no run 7."),
    ],
)
def test_what_cannot_be_is_said(
    run: Run, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    some(1)
    refused = run("bulk", *arguments)
    assert refused.code == code
    assert sentence in refused.err


def test_it_is_steered_from_a_terminal(run: Run) -> None:
    some(1)
    run("bulk", "start", "recheck_aggregator", "--all", "--yes", *WHY)
    assert run("bulk", "pause", "1", *WHY).out == "B-1: running → paused\n"
    assert run("bulk", "resume", "1", *WHY).out == "B-1: paused → running\n"
    assert run("bulk", "abort", "1", *WHY).out == "B-1: running → aborted\n"
    assert run("bulk", "abort", "1", *WHY).code == exits.REFUSED
    actions = [line["action"] for line in run("audit", "ls", "--json").lines]
    assert actions == ["run.abort", "run.abort", "run.resume", "run.pause", "run.begin"]


def test_what_takes_two_takes_two_at_a_terminal_as_well(run: Run, ring: Keyring) -> None:
    one, other = some(2)
    proposed = run("bulk", "start", "cancel", "--all", "--yes", *WHY)
    assert "Somebody else has to agree: onboarding bulk agree 1" in proposed.err
    assert run("bulk", "agree", "1", *WHY).code == exits.REFUSED
    assert run("bulk", "decline", "1", *WHY).out == "B-1: proposed → declined\n"
    number = begin(ring, a_lead(), look(a_lead(), "cancel"), proposed=True)
    assert run("bulk", "agree", number, *WHY).out == f"B-{number}: proposed → running\n"
    work()
    assert {builders.state_of(one), builders.state_of(other)} == {"cancelled"}


@pytest.mark.parametrize("command", ["act", "fire"])
def test_a_single_one_that_takes_two_is_proposed(run: Run, command: str) -> None:
    one = builders.an_onboarding("checking_aggregator")
    proposed = run(command, reference(one), "approve_aggregator", *WHY)
    assert (proposed.code, proposed.out) == (0, "")
    assert "B-1: nothing is done before somebody else agrees" in proposed.err
    assert builders.state_of(one) == "checking_aggregator"
    assert "View" not in run("bulk", "show", "1").out
    alone = run(command, reference(one), "approve_aggregator", *WHY, FOUR_EYES="")
    assert alone.out == f"{reference(one)}: checking_aggregator → type_chosen\n"


def test_any_action_of_the_console_is_there(run: Run) -> None:
    one = builders.an_onboarding("awaiting_seller")
    who: Who = a_lead()
    given = run("act", reference(one), "extend", "--choice", "14", *WHY)
    assert given.code == 0
    assert builders.the(one).extra_days == 14
    handed = run("act", reference(one), "assign", "--choice", str(who.operator_id), *WHY)
    assert handed.code == 0
    assert run("act", reference(one), "let_go", *WHY).code == 0
    moved = run("act", reference(one), "start_over", *WHY)
    assert moved.out == f"{reference(one)}: awaiting_seller → started\n"
    assert run("act", reference(one), "note", *WHY, "--json").lines[0]["state"] == "started"
    unknown = run("act", reference(one), "unstick", *WHY)
    assert unknown.code == exits.USAGE
    assert "action: One of approve_aggregator, assign" in unknown.err


def test_what_there_is_to_choose_is_said(run: Run) -> None:
    one = reference(builders.an_onboarding("awaiting_seller"))
    assert "choice: One of 7, 14, 30." in run("act", one, "extend", "--choice", "400", *WHY).err
    assert "choice: There is none to choose from yet." in run("act", one, "assign", *WHY).err
    who: Who = a_lead()
    refused = run("act", one, "assign", *WHY)
    assert refused.code == exits.USAGE
    assert f"choice: One of {who.operator_id} (" in refused.err


def test_a_refusal_at_a_terminal_does_not_ask_to_reload(run: Run) -> None:
    refused = run("act", reference(builders.an_onboarding("awaiting_seller")), "let_go", *WHY)
    assert refused.code == exits.REFUSED
    assert "(Nobody has taken it on)" in refused.err
    assert "Reload" not in refused.err
    assert "Show it again" in refused.err
