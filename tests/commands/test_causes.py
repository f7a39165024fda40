"""`causes`: why something fails, and what is said about it at a terminal."""

from onboarding import audit
from onboarding.causes import CAUSES
from onboarding.commands import exits
from onboarding.db import reading
from tests import builders
from tests.commands.conftest import Run
from tests.commands.incidents import an_incident, failing


def test_a_cause_is_listed_marked_and_in_the_trail(run: Run) -> None:
    assert "Nothing fails." in run("causes", "ls").err
    message = an_incident()
    cause = (message.task, str(message.cause))
    known = CAUSES["task_failed"]
    (line,) = run("causes", "ls", "--json").lines
    assert (line["task"], line["code"]) == cause
    assert (line["failed"], line["status"], line["owner"]) == (1, "open", None)
    assert (line["means"], line["acts"]) == (known.means, known.acts)
    assert known.means in run("causes", "show", *cause).out
    why = ("--reason", "fixed by the vendor")
    done = run("causes", "mark", *cause, "--status", "fixed", "--release", "1.4.2", *why)
    assert done.code == exits.DONE
    assert "fixed (1.4.2)" in run("causes", "ls").out
    with reading() as session:
        (entry,) = audit.latest(session, 5)
    assert (entry.action, entry.reason) == ("cause.mark", "fixed by the vendor")


def test_what_is_said_about_one_place_leaves_the_others(run: Run) -> None:
    an_incident()
    again = builders.an_onboarding("secret_lapsed")
    builders.fire(again, "reissue_secret", builders.SELLER)
    failing("generate_secret", again)
    cause, place = ("generate_secret", "task_failed"), ("--event", "reissue_secret")
    why = ("--status", "acknowledged", "--reason", "seen")
    assert run("causes", "mark", *cause, *why, *place, "--state", "issuing_secret").code == 0
    lines = run("causes", "ls", "--json").lines
    assert [(line["event"], line["status"]) for line in lines] == [
        ("issue_id", "open"),
        ("reissue_secret", "acknowledged"),
    ]
    shown = run("causes", "show", *cause, *place, "--state", "issuing_secret").out
    assert "reissue_secret" in shown
    assert "issue_id" not in shown
    assert "acknowledged: seen" in shown


def test_a_note_is_kept_and_shown(run: Run) -> None:
    message = an_incident()
    cause = (message.task, str(message.cause))
    assert run("causes", "note", *cause, "see the vendor's page").code == exits.DONE
    assert "note: see the vendor's page" in run("causes", "show", *cause).out
    assert run("causes", "note", *cause, "no").code == exits.USAGE
    assert run("causes", "note", "send_email", "nothing", "seen it").code == exits.NOT_FOUND
    assert run("causes", "show", "send_email", "nothing").code == exits.NOT_FOUND
    *_, said = run("causes", "show", *cause, "--json").lines
    assert (said["what"], said["words"]) == ("note", "see the vendor's page")


def test_what_cannot_be_marked_is_said(run: Run) -> None:
    message = an_incident()
    cause = (message.task, str(message.cause))
    why = ("--status", "acknowledged", "--reason", "seen")
    assert run("causes", "mark", "send_email", "nothing", *why).code == exits.NOT_FOUND
    assert run("causes", "mark", *cause, *why, "--owner", "x").code == exits.USAGE
    done = run("causes", "mark", *cause, *why, "--owner", "nobody", "--json")
    assert done.lines[0]["status"] == "acknowledged"
