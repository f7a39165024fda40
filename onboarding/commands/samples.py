"""`demo`: sample onboardings in bulk, for operators to look at."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress

from onboarding import population
from onboarding.commands import opening, printing
from onboarding.commands.exits import USAGE, Failure
from onboarding.population import Advance, Population
from onboarding.sealing import Keyring
from onboarding.settings import Settings


def prepare(chosen: Settings) -> Keyring:
    """Open what samples need. Raises Failure, before anything is opened, where sellers are real."""
    if not population.is_welcome(chosen):
        raise Failure(
            "Sellers are real here: samples among them would be taken for some.",
            "Use another database, with ONBOARDING_OIDC_ISSUER and ONBOARDING_LIVE unset.",
            USAGE,
        )
    return opening.prepare(chosen)


def add(chosen: Settings, ring: Keyring, number: int, seed: int, *, as_json: bool) -> None:
    """Write so many and print how many are in which state, with which causes of incidents."""
    written = Population()
    try:
        with _bar(number) as advance:
            population.populate(number, ring, chosen, seed=seed, into=written, advance=advance)
    except KeyboardInterrupt:
        printing.say(f"{written.states.total()} of {number} were added; each of them is whole.")
        raise
    if as_json:
        printing.line({"states": written.states, "incidents": written.causes, "seed": seed})
    else:
        _print(written)


@contextmanager
def _bar(number: int) -> Iterator[Advance | None]:
    """On stderr, where somebody watches it."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("Adding", total=number)
        yield lambda added: bar.advance(task, added)


def _print(written: Population) -> None:
    rows = [(state, str(count)) for state, count in written.states.most_common()]
    printing.table(("State", "Onboardings"), rows)
    printing.text("")
    causes = [(cause, str(count)) for cause, count in written.causes.most_common()]
    printing.table(("Cause", "Incidents"), causes)
    printing.say("\nLook at them: `onboarding ls --overdue`, `onboarding incidents`.")
