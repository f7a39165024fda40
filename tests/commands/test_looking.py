"""`ls`, `show` and `incidents`: the same for people and for programs."""

import os
import re
import shlex
from contextlib import redirect_stdout
from datetime import timedelta

import pytest

from onboarding import access, finding, population
from onboarding.commands import exits, terminal
from onboarding.db import reading, transaction
from onboarding.filters import Filter
from onboarding.ids import new_id
from onboarding.sealing import Keyring
from onboarding.settings import settings
from tests import builders
from tests.commands.conftest import Run, on_a_terminal
from tests.commands.incidents import an_incident, failing, reference
from tests.composing import put
from tests.web.signing_clients import a_key, bring, public


@pytest.mark.parametrize(
    ("command", "next_step"),
    [
        ("ls", "onboarding walk --type plugin"),
        ("ls --overdue", "Nothing is overdue."),
        ("ls --state confirmed", "onboarding ls"),
        ("incidents", "nothing has failed for good"),
        ("aggregators ls", "onboarding aggregators set"),
        ("keys ls", "onboarding keys create"),
    ],
)
def test_an_empty_list_says_so_and_what_to_do_next(run: Run, command: str, next_step: str) -> None:
    shown = run(*command.split())
    assert (shown.code, shown.out) == (0, "")
    assert next_step in shown.err


def test_ls_prints_a_line_of_json_for_each(run: Run) -> None:
    first = builders.an_onboarding("awaiting_aggregator")
    second = builders.an_onboarding("confirmed")
    shown = run("ls", "--json")
    assert [line["id"] for line in shown.lines] == [str(second), str(first)]
    assert shown.lines[1] == {
        "id": str(first),
        "reference": reference(first),
        "state": "awaiting_aggregator",
        "sequence": 3,
        "connection_type": "aggregator",
        "credential_mode": "full",
        "aggregator": "Catalogue Express",
        "connection_name": None,
        "created_at": shown.lines[1]["created_at"],
        "entered_at": shown.lines[1]["entered_at"],
        "next_move": "aggregator",
        "overdue_at": shown.lines[1]["overdue_at"],
        "overdue": False,
    }
    assert shown.lines[0]["next_move"] is None


def test_ls_can_be_narrowed(run_on_both: Run) -> None:
    old = builders.an_onboarding("type_chosen")
    builders.age(old, timedelta(days=8))
    builders.an_onboarding("type_chosen")
    builders.an_onboarding("started")
    assert len(run_on_both("ls", "--json", "--state", "type_chosen").lines) == 2
    assert len(run_on_both("ls", "--json", "--limit", "1").lines) == 1
    assert [line["id"] for line in run_on_both("ls", "--json", "--overdue").lines] == [str(old)]
    late = run_on_both("ls", "--json", "--overdue", "--state", "type_chosen")
    assert [line["id"] for line in late.lines] == [str(old)]
    assert not run_on_both("ls", "--json", "--overdue", "--state", "started").lines
    assert run_on_both("ls", "--state", "stuck").code == exits.USAGE


def test_one_is_found_by_its_reference_however_much_of_it_is_typed(run: Run) -> None:
    one = builders.an_onboarding("started")
    builders.an_onboarding("started")
    whole = reference(one)
    bare = whole.removeprefix("ONB-").replace("-", "")
    for typed in (
        whole,
        whole.lower(),
        bare,
        bare.lower(),
        whole.removeprefix("ONB-"),
        f"ONB{bare}",
    ):
        assert [line["id"] for line in run("ls", "--json", "--q", typed).lines] == [str(one)]
        assert run("show", typed, "--json").lines[0]["id"] == str(one)


def test_ls_finds_by_an_aggregator(run: Run) -> None:
    one = builders.an_onboarding("awaiting_aggregator")
    builders.an_onboarding("seller_linked", delegated=True)
    for typed in ("catalogue-express", "catalogue EXPRESS"):
        assert [line["id"] for line in run("ls", "--json", "--q", typed).lines] == [str(one)]


def test_the_table_fits_in_80_columns_and_cuts_nothing_off(run: Run) -> None:
    late = builders.an_onboarding("checking_aggregator")
    builders.age(late, timedelta(days=400))
    builders.an_onboarding("awaiting_aggregator")
    shown = on_a_terminal(run, "ls").splitlines()
    assert max(map(len, shown)) <= 80
    assert shown[2].split() == [
        reference(late),
        "checking_aggregator",
        "aggregator",
        "platform",
        "400",
        "d",
        "late",
    ]


def test_no_table_breaks_what_is_copied_or_searched_for(run: Run) -> None:
    message = an_incident("mail_login_refused")
    why = "The vendor says that it is mended; see " + "their page, " * 12
    run("retry", message.onboarding_id, "--reason", why.strip())
    with transaction() as session:
        key, _ = access.create_api_key(
            session, "A portal with quite a long name", ["onboardings:read"]
        )
    failing("generate_secret", builders.an_onboarding("issuing_secret"), "mail_login_refused")
    whole = {
        "audit ls": (reference(message.onboarding_id), terminal.operator().id),
        "causes ls": ("mail_login_refused",),
        "keys ls": (str(key.id), key.name),
    }
    for command, words in whole.items():
        piped = run(*command.split()).out
        for shown in (piped, on_a_terminal(run, *command.split())):
            assert all(word in shown for word in words), command
    assert why.strip() in run("audit", "ls").out
    assert why.strip() not in on_a_terminal(run, "audit", "ls")


@pytest.mark.parametrize("form", [[], ["--json"], ["--format", "csv"]])
def test_whoever_reads_no_further_is_told_nothing(run: Run, form: list[str]) -> None:
    builders.an_onboarding("confirmed")
    unread, end = os.pipe()
    os.close(unread)
    with os.fdopen(end, "w") as pipe, redirect_stdout(pipe):
        ended = run("ls", *form)
    assert (ended.code, ended.err) == (exits.UNREAD, "")


def test_show_tells_all_but_the_secret(run_on_both: Run) -> None:
    walked = builders.a_walk("secret_revealed", email="seller@shop.example")
    assert walked.revealed is not None
    shown = run_on_both("show", reference(walked.id), "--json")
    (facts,) = shown.lines
    assert facts["state"] == "secret_revealed"
    assert facts["client_id"] == walked.revealed.client_id
    assert facts["secret_version"] == 1
    assert facts["contact_email"] == "se***@sh***.example"
    assert facts["operator_may"] == ["reissue_secret", "start_over", "cancel"]
    assert [step["event"] for step in facts["history"]][-1] == "reveal_secret"
    assert facts["history"][0]["source"] is None
    assert walked.revealed.secret.get_secret_value()[:-6] not in shown.out


def test_show_offers_what_the_console_offers(run: Run) -> None:
    failed = reference(an_incident().onboarding_id)
    assert f'  onboarding retry {failed} --reason "…"\n' in run("show", failed).err
    sleepy = builders.an_onboarding("awaiting_seller", email="seller@shop.example")
    builders.work(sleepy)
    builders.age(sleepy, timedelta(days=8))
    asleep = reference(sleepy)
    offered = run("show", asleep).err
    for command in ("act {} nudge", "act {} extend --choice …", "fire {} cancel"):
        assert f'onboarding {command.format(asleep)} --reason "…"\n' in offered
    assert f'onboarding note {asleep} "…"\n' in offered
    assert "retry" not in offered
    assert "nudge" in str(run("show", asleep, "--json").lines[0]["actions"])


def test_show_tells_the_public_key_in_a_secrets_place(run_on_both: Run) -> None:
    one, key = builders.an_onboarding("secret_ready"), a_key()
    (before,) = run_on_both("show", reference(one), "--json").lines
    assert before["public_key"] is None
    bring(one, key)
    name = public(key).thumbprint
    (facts,) = run_on_both("show", reference(one), "--json").lines
    assert (facts["secret_version"], facts["public_key"]) == (1, name)
    said = " ".join(run_on_both("show", reference(one)).out.split())
    assert f"a public key (ES256, {name}), not yet used" in said


def test_whoever_wants_to_know_who_it_is_says_why(run_on_both: Run) -> None:
    onboarding_id = builders.an_onboarding("seller_linked", email="seller@shop.example")
    assert "se***@sh***.example" in run_on_both("show", onboarding_id).out
    asked = ("show", onboarding_id, "--unmask", "seller_id")
    assert run_on_both(*asked).code == exits.USAGE
    assert run_on_both("show", onboarding_id, "--unmask", "secret").code == exits.USAGE
    (facts,) = run_on_both(*asked, "--json", "--reason", "INC-442").lines
    assert (facts["contact_email"], facts["seller_id"]) == ("se***@sh***.example", "S-4711")
    assert facts["history"][-1]["details"]["seller_id"] == "S-4711"
    assert "S-4711 (Co***)" in run_on_both(*asked, "--reason", "INC-442").out
    (latest, first) = run_on_both("audit", "ls", "--json").lines
    assert latest["onboarding_id"] == first["onboarding_id"] == str(onboarding_id)
    assert (first["action"], first["reason"]) == ("unmask", "INC-442")
    assert first["details"]["field"] == "seller_id"
    assert "S-4711" not in str(first)


def test_what_was_answered_about_people_is_told_and_masked(run_on_both: Run) -> None:
    one, other = builders.an_onboarding("type_chosen"), builders.an_onboarding("type_chosen")
    answered = {"organisation": "Harbour SARL", "role": "integration_partner"}
    put(one, answers=answered | {"developer_email": "alexandra@partner.example"})
    shown = run_on_both("show", one)
    said = " ".join(shown.out.split())
    assert "Organisation Ha*** What they are Integration partner" in said
    assert "Partner al***@pa***.example" in said
    (facts,) = run_on_both("show", one, "--json").lines
    asked = ("show", one, "--reason", "INC-442", "--json", "--unmask")
    (whose,) = run_on_both(*asked, "organisation").lines
    (by_whom,) = run_on_both(*asked, "developer_email").lines
    names = ("organisation", "role", "developer_email")
    assert [[each[name] for name in names] for each in (facts, whose, by_whom)] == [
        ["Ha***", "integration_partner", "al***@pa***.example"],
        ["Harbour SARL", "integration_partner", "al***@pa***.example"],
        ["Ha***", "integration_partner", "alexandra@partner.example"],
    ]
    assert "What they are" not in run_on_both("show", other).out
    (nothing,) = run_on_both("show", other, "--json").lines
    assert [nothing[name] for name in names] == [None, None, None]


def test_show_tells_what_failed_also_when_it_works_by_now(run: Run) -> None:
    message = an_incident()
    assert message.onboarding_id
    run("retry", message.onboarding_id, "--reason", "INC-442")
    builders.work(message.onboarding_id)
    (facts,) = run("show", message.onboarding_id, "--json").lines
    assert facts["messages"] == []
    (failed,) = facts["failed_attempts"]
    assert (failed["attempt"], failed["cause"]) == (1, message.cause)
    said = run("show", message.onboarding_id).out
    assert f"Failed: {message.task}, attempt 1 of {message.max_attempts}" in said


def test_show_for_people_says_whose_turn_it_is_and_what_they_may_do(run: Run) -> None:
    onboarding_id = builders.an_onboarding("secret_ready")
    shown = run("show", onboarding_id)
    assert "Client secret ready to be shown" in shown.out
    assert re.search(r"Turn        seller's for \d s, overdue from", shown.out)
    assert f'onboarding fire {reference(onboarding_id)} reissue_secret --reason "…"' in shown.err


def test_incidents_say_what_failed_and_why(run: Run) -> None:
    message = an_incident()
    (line,) = run("incidents", "--json").lines
    assert line["onboarding"] == reference(message.onboarding_id)
    assert (line["task"], line["cause"]) == ("generate_secret", "task_failed")
    assert (line["id"], line["last_error"]) == (str(message.id), "it broke")
    assert "it broke" in run("incidents").out


def test_history_fits_in_80_columns_and_says_why(run: Run) -> None:
    onboarding_id = builders.an_onboarding("awaiting_aggregator")
    history = on_a_terminal(run, "show", onboarding_id).split("History (UTC)\n")[1].splitlines()
    assert max(map(len, history)) <= 80
    at = next(number for number, line in enumerate(history) if "refuse_aggregator" in line)
    assert history[at].split()[3:] == ["refuse_aggregator", "awaiting_aggregator", "platform"]
    assert history[at + 1].strip() == "(aggregator_soap_only)"


@pytest.mark.parametrize(
    "wanted",
    [
        Filter(),
        Filter(state="started"),
        Filter(waiting_on="seller", overdue="yes"),
        Filter(type="plugin"),
        Filter(failing="yes", cause="task_failed"),
        Filter(q="it's $HOME at `id`"),
        Filter(aggregator="feedwise", owner=str(new_id())),
    ],
)
def test_what_a_page_says_at_a_terminal_lists_the_same(
    run_on_both: Run, ring: Keyring, wanted: Filter
) -> None:
    population.populate(40, ring, settings())
    an_incident()
    with reading() as session:
        same = [str(one.id) for one in finding.page(session, wanted, 1000)]
    printed = f"ls {wanted.options()} --limit 1000 --json"
    assert [line["id"] for line in run_on_both(*shlex.split(printed)).lines] == same
