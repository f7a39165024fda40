"""`causes`: why something fails, and what is said about it at a terminal."""

from onboarding import audit
from onboarding.commands import exits
from onboarding.db import reading
from tests.commands.conftest import Run
from tests.commands.incidents import an_incident


def test_a_cause_is_listed_marked_and_in_the_trail(run: Run) -> None:
    assert "Nothing fails." in run("causes", "ls").err
    message = an_incident()
    cause = (message.task, str(message.cause))
    (line,) = run("causes", "ls", "--json").lines
    assert (line["task"], line["code"]) == cause
    assert (line["failed"], line["status"], line["owner"]) == (1, "open", None)
    why = ("--reason", "fixed by the vendor")
    done = run("causes", "mark", *cause, "--status", "fixed", "--release", "1.4.2", *why)
    assert done.code == exits.DONE
    assert "fixed (1.4.2)" in run("causes", "ls").out
    with reading() as session:
        (entry,) = audit.latest(session, 5)
    assert (entry.action, entry.reason) == ("cause.mark", "fixed by the vendor")


def test_what_cannot_be_marked_is_said(run: Run) -> None:
    message = an_incident()
    cause = (message.task, str(message.cause))
    why = ("--status", "acknowledged", "--reason", "seen")
    assert run("causes", "mark", "send_email", "nothing", *why).code == exits.NOT_FOUND
    assert run("causes", "mark", *cause, *why, "--owner", "x").code == exits.USAGE
    done = run("causes", "mark", *cause, *why, "--owner", "nobody", "--json")
    assert done.lines[0]["status"] == "acknowledged"
