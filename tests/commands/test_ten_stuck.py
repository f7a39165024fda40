"""The same ten stuck onboardings, with a terminal only."""

import pytest

from onboarding.chart import MAY_FIRE
from onboarding.setting_values import RISKY
from tests import builders
from tests.at_runs import work
from tests.commands.conftest import Run
from tests.ten_stuck import TEN, Stuck

WHY = ("--reason", "INC-442")
# What is offered before all else: a command can tell no more than a page.
FIRST = {
    "no secret": "retry",
    "refused by mistake": "recheck_aggregator",
    "seller asleep": "nudge",
    "seller on holiday": "nudge",
    "secret destroyed unseen": "reissue_secret",
}


@pytest.mark.parametrize("stuck", TEN, ids=lambda stuck: stuck.name.replace(" ", "-"))
def test_each_of_ten_is_found_understood_and_moved(
    run: Run, stuck: Stuck, monkeypatch: pytest.MonkeyPatch
) -> None:
    onboarding_id = stuck.make()
    reference = builders.the(onboarding_id).reference
    option = f"--{stuck.view.partition('=')[0]}"
    assert reference in {line["reference"] for line in run("ls", option, "--json").lines}
    shown = run("show", reference)
    assert stuck.says in shown.out
    if stuck.name in FIRST:
        offered = shown.err.partition("You may:\n")[2].split()
        assert FIRST[stuck.name] in offered[1:4]
    moved = run(*command(stuck, reference))
    assert moved.code == 0
    if stuck.action in RISKY and "somebody else agrees" in moved.err:
        monkeypatch.setenv("LOGNAME", "somebody-else")
        assert run("bulk", "agree", "1", *WHY).code == 0
    work()
    assert stuck.is_well(onboarding_id)


def command(stuck: Stuck, reference: str) -> tuple[str, ...]:
    """As the console's pages print it."""
    if stuck.action == "retry":
        return ("retry", reference, *WHY)
    if stuck.action in MAY_FIRE:
        return ("fire", reference, stuck.action, *WHY)
    choice = ("--choice", stuck.choice) if stuck.choice else ()
    return ("act", reference, stuck.action, *choice, *WHY)
