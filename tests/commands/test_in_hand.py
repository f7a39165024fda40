"""`show` tells who looks after an onboarding and what was noted about it, as the console does."""

from onboarding.actions import hands
from onboarding.db import transaction
from onboarding.models import Note
from tests import builders
from tests.commands.conftest import Run
from tests.watched import an_operator

LINES = "The plugin asks for three values.\nCalled back at noon."


def test_show_tells_who_looks_after_it_and_what_was_noted(run_on_both: Run) -> None:
    one = builders.an_onboarding("awaiting_seller")
    reference = builders.the(one).reference
    (before,) = run_on_both("show", reference, "--json").lines
    assert (before["owner"], before["notes"]) == (None, [])
    mara = an_operator("Mara")
    with transaction() as session:
        hands.give(session, one, mara.operator_id)
        session.add(Note(onboarding_id=one, author=mara.id, text=LINES))
    assert run_on_both("note", reference, "Nothing since.").code == 0
    (facts,) = run_on_both("show", reference, "--json").lines
    assert facts["owner"] == "Mara"
    said = [(each["author"], each["text"]) for each in facts["notes"]]
    assert said[0] == ("Mara", LINES)
    assert said[1][1] == "Nothing since."
    shown = run_on_both("show", reference).out
    assert "In hand of  Mara\n" in shown
    assert "Note: Mara, " in shown
    assert "\n  The plugin asks for three values.\n  Called back at noon.\n" in shown
