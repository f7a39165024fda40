"""`bulk`: one action on all onboardings of a view, from a terminal, by the rules of the console."""

import sys
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from rich.progress import Progress
from sqlalchemy.orm import Session

from onboarding import filters, queries, runs, steering, views
from onboarding.commands import printing, terminal
from onboarding.commands.exits import NOT_FOUND, REFUSED, USAGE, Failure
from onboarding.commands.terminal import known, operator
from onboarding.db import reading, transaction
from onboarding.errors import Invalid, NotFound, Refusal
from onboarding.filters import Filter
from onboarding.models import OUTCOMES, Run
from onboarding.runs import Plan, Verdict
from onboarding.sealing import Keyring
from onboarding.settings import settings

# Seconds between two looks at a run that is watched.
_LOOK_EVERY: Final = 0.5


def look(action: str, choice: str, view: str | None, *, as_json: bool) -> None:
    """What would happen to each of a view; None: of all. Raises Failure or any Refusal."""
    with reading() as session:
        seen = runs.look(session, operator(), known(action), choice, _filter(session, view))
    lines = [
        {"reference": each.reference, "state": each.state, "why_not": each.why_not} for each in seen
    ]
    rows = [(each.reference, each.state, each.why_not or "it will be done") for each in seen]
    head = ("Reference", "State", "What will happen")
    printing.listed(lines, head, rows, empty="There is none of these.", as_json=as_json)
    if seen:
        printing.say(_summary(seen))


def start(
    ring: Keyring,
    action: str,
    choice: str,
    view: str | None,
    reason: str,
    plan: Mapping[str, int],
    *,
    sure: bool,
    as_json: bool,
) -> str:
    """Begin or propose it, after a question; returns its number. Raises Failure or any Refusal."""
    who = operator()
    with reading() as session:
        wanted = _filter(session, view)
        seen = runs.look(session, who, known(action), choice, wanted)
        chosen = runs.preview(session, who, action, choice, wanted, seen)
    printing.say(_summary(seen))
    if not sure and not terminal.agrees("Begin?"):
        raise Failure("Nothing was begun.", "With --yes, nobody is asked.", REFUSED)
    proposed = runs.needs_another(settings(), action, many=True)
    with transaction() as session:
        run = runs.begin(session, ring, who, chosen, reason, Plan(**plan), proposed=proposed)
        number = str(run.number)
    if as_json:
        printing.line({"run": int(number), "status": run.status})
    else:
        printing.text(f"B-{number}")
    if proposed:
        printing.say(f"Somebody else has to agree: onboarding bulk agree {number} --reason …")
    return number


def ls(limit: int, *, as_json: bool) -> None:
    """Runs, newest first."""
    with reading() as session:
        more = runs.latest(session, limit + 1)
        found = more[:limit]
        lines = [_facts(run, runs.tally(session, run.id)) for run in found]
    rows = [
        (
            f"B-{run.number}",
            run.action,
            run.status,
            str(sum(line["items"].values())),
            str(line["items"].get("failed", 0)),
            run.actor,
            printing.moment(run.created_at),
        )
        for run, line in zip(found, lines, strict=True)
    ]
    head = ("Run", "Action", "Status", "All", "Failed", "Who", "At (UTC)")
    printing.listed(lines, head, rows, empty="There has been no run yet.", as_json=as_json)
    printing.goes_on(more, limit)


def show(number: str, outcome: str | None, *, as_json: bool) -> None:
    """A run, and what came of each. Raises Failure."""
    if outcome is not None and outcome not in OUTCOMES:
        raise Failure(f"There is no outcome {outcome}.", f"Some of {', '.join(OUTCOMES)}.", USAGE)
    with reading() as session:
        run = _run(session, number)
        facts = _facts(run, runs.tally(session, run.id))
        items = runs.items(session, run.id, runs.AT_MOST, outcome=outcome)
        named = queries.references(session, [item.onboarding_id for item in items])
    if as_json:
        printing.line(facts)
    else:
        _print_facts(run, facts["items"])
    lines = [
        {"reference": named[item.onboarding_id], "outcome": item.outcome, "why": item.why}
        for item in items
    ]
    rows = [(named[item.onboarding_id], item.outcome, item.why or "") for item in items]
    head = ("Reference", "Outcome", "Why")
    printing.listed(lines, head, rows, empty="There is none of these.", as_json=as_json)


def steer(ring: Keyring, step: str, number: str, reason: str) -> None:
    """Agree, decline, pause, go on, or end it. Raises any Refusal; the trail has that, too."""
    who = operator()
    with reading() as session:
        run = _run(session, number)
    try:
        with transaction() as session:
            status = steering.STEPS[step](session, ring, who, run.number, reason).status
    except Invalid:
        raise
    except Refusal as error:
        with transaction() as session:
            steering.refused(session, ring, who, run, step, reason, error)
        raise
    printing.text(f"B-{run.number}: {run.status} → {status}")


def follow(number: str) -> None:
    """Watch a run until it rests or is over: a bar on a terminal, else nothing. Raises Failure."""
    with Progress(transient=True, disable=not sys.stderr.isatty()) as progress:
        bar = progress.add_task(f"B-{number.upper().removeprefix('B-')}")
        while True:
            with reading() as session:
                run = _run(session, number)
                counts = runs.tally(session, run.id)
            finished = counts["done"] + counts["failed"] + counts["refused"]
            total = counts.total() - counts["not_eligible"]
            progress.update(bar, completed=finished, total=total)
            if run.status != "running":
                return
            time.sleep(_LOOK_EVERY)


def _filter(session: Session, view: str | None) -> Filter:
    """Of a view by its name, or as in its address. Raises NotFound, Invalid."""
    if view is None:
        return Filter()
    return filters.parse(view) if "=" in view else views.named(session, view)


def _run(session: Session, number: str) -> Run:
    wanted = number.upper().removeprefix("B-")
    try:
        return runs.by_number(session, int(wanted))
    except (ValueError, OverflowError, NotFound):
        advice = "`onboarding bulk ls` shows those that there are."
        raise Failure(f"There is no run {number}.", advice, NOT_FOUND) from None


def _summary(seen: list[Verdict]) -> str:
    """How many it will be done to, why not to the others, and how many letters follow."""
    able = [each for each in seen if each.why_not is None]
    letters = sum(each.letter is not None for each in able)
    why_not = Counter(each.why_not for each in seen if each.why_not)
    left = "".join(f"\n{number} left as they are: {why}." for why, number in why_not.most_common())
    follow = "1 letter follows" if letters == 1 else f"{letters} letters follow"
    return f"It will be done to {len(able)}; {follow}.{left}"


def _facts(run: Run, counts: Counter[str]) -> dict[str, Any]:
    return {
        "run": run.number,
        "action": run.action,
        "choice": run.choice,
        "view": run.query,
        "status": run.status,
        "why": run.why,
        "reason": run.reason,
        "actor": run.actor,
        "agreed_by": run.agreed_by,
        "created_at": run.created_at,
        "ended_at": run.ended_at,
        "items": dict(counts),
    }


def _print_facts(run: Run, counts: Mapping[str, int]) -> None:
    printing.facts(
        {
            "Run": f"B-{run.number}",
            "Action": f"{run.action} {run.choice}".strip(),
            # One that was proposed by itself is of no view.
            "View": run.query or ("all" if sum(counts.values()) > 1 else ""),
            "Status": f"{run.status} ({run.why})" if run.why else run.status,
            "Begun by": f"{run.actor}: {run.reason}",
            "Agreed by": run.agreed_by or "",
            "Items": ", ".join(f"{counts[each]} {each}" for each in OUTCOMES if each in counts),
        }
    )
