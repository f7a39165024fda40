"""`doctor --deep`: the fifteen invariants, asked of every onboarding while the system goes on."""

from collections.abc import Sequence

from rich.console import Console
from rich.progress import Progress

from onboarding import invariants
from onboarding.commands import printing
from onboarding.invariants import FIFTEEN, Invariant, Outcome


def look(*, as_json: bool) -> tuple[int, int]:
    """Ask every rule and print what came of it; returns how many there are, and how many are broken."""
    outcomes = _asked()
    if as_json:
        for outcome in outcomes:
            _lines(outcome)
    else:
        for invariant in FIFTEEN:
            mine = [outcome for outcome in outcomes if outcome.rule.number == invariant.number]
            _print(invariant, mine)
    return len(outcomes), sum(bool(outcome.count) for outcome in outcomes)


def _asked() -> list[Outcome]:
    """With a bar on stderr where somebody watches it."""
    console = Console(stderr=True)
    if not console.is_terminal:
        return invariants.check()
    with Progress(console=console, transient=True) as bar:
        walk = bar.add_task("Checking", total=invariants.rows_to_walk())
        return invariants.check(advance=lambda rows: bar.advance(walk, rows))


def _lines(outcome: Outcome) -> None:
    """A line for the rule, and one for each finding that is named."""
    name = str(outcome.rule)
    found = f"{outcome.count} broken" if outcome.count else outcome.rule.sentence
    do = outcome.rule.do if outcome.count else ""
    printing.line(
        {"name": name, "found": found, "do": do, "ok": not outcome.count, "count": outcome.count}
    )
    for finding in outcome.named:
        printing.line(
            {
                "name": name,
                "onboarding": finding.reference,
                "id": finding.onboarding_id,
                "found": finding.what,
                "do": finding.do,
                "ok": False,
            }
        )


def _print(invariant: Invariant, outcomes: Sequence[Outcome]) -> None:
    """A line for the invariant, then its findings, and how many more there are."""
    broken = [outcome for outcome in outcomes if outcome.count]
    # What no rule asks for is not "ok": it was not looked at here.
    sign = "FIND" if broken else "ok" if outcomes else "–"
    sentence = invariant.sentence if outcomes else invariant.elsewhere
    printing.text(f"{sign:<5} {invariant.number:<11} {sentence}")
    for outcome in broken:
        for finding in outcome.named:
            printing.text(f"{'':<17} {finding.reference}: {finding.what}")
            printing.text(f"{'':<17} → {finding.do}")
        more = outcome.count - len(outcome.named)
        if more:
            printing.text(f"{'':<17} … and {more} more of {outcome.rule}")
