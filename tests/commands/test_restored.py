"""`restored`: nothing that a backup brings back is shown a second time."""

from onboarding import queries
from onboarding.commands import exits
from onboarding.db import reading
from tests.builders import an_onboarding, state_of
from tests.commands.conftest import Run
from tests.commands.incidents import reference


def test_restored_destroys_everything_that_waits_to_be_shown(run_on_both: Run) -> None:
    waiting = an_onboarding("secret_ready")
    shown = an_onboarding("secret_revealed")
    told = run_on_both("restored", "--json")
    assert told.code == exits.DONE
    assert told.lines[0]["destroyed"] == [reference(waiting)]
    with reading() as session:
        last = queries.history(session, waiting)[-1]
    assert (last.target, last.details) == ("secret_lapsed", {"cause": "other_history"})
    assert state_of(shown) == "secret_revealed"


def test_restored_says_how_far_this_database_knows(run: Run) -> None:
    an_onboarding("type_chosen")
    told = run("restored")
    assert told.out == ""
    assert "Destroyed 0 client secrets" in told.err
    assert "This database knows nothing after 20" in told.err
