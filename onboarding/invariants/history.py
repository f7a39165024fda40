"""I4: history is whole, and adds up to the row."""

from typing import Any

from sqlalchemy import (
    and_,
    case,
    func,
    or_,
    select,
)
from sqlalchemy.orm import aliased

from onboarding.afterwards import AFTERWARDS
from onboarding.invariants.rules import Rows, Within, rule
from onboarding.models import Onboarding, Transition

_COMPARE = "Compare with a backup: no program of ours changes or removes a transition. `onboarding show REF`"


@rule("I4", Onboarding.id, what="transition {} {}", do=_COMPARE)
def steps_follow_each_other(within: Within) -> Rows:
    """Transitions are numbered from 1 without a gap, and each goes on from the one before, later."""
    step = _steps(within)
    wrong = case(
        (
            step.c.sequence != func.coalesce(step.c.number_before, 0) + 1,
            "does not follow the one before",
        ),
        (
            step.c.source.is_distinct_from(step.c.target_before),
            "begins where the one before did not end",
        ),
        (step.c.at < step.c.at_before, "is earlier than the one before"),
    )
    return select(step.c.onboarding_id, step.c.sequence, wrong).where(wrong.is_not(None))


@rule("I4", Onboarding.id, what="{} is not what history says ({} transitions)", do=_COMPARE)
def row_is_what_history_says(within: Within) -> Rows:
    """The last transition has the row's number and state, the last move its instant; the first one its beginning."""
    first, last, more = aliased(Transition), aliased(Transition), aliased(Transition)
    wrong = case(
        (or_(last.sequence.is_(None), more.sequence.is_not(None)), "sequence"),
        (last.target != Onboarding.state, "state"),
        (_entered_at() != Onboarding.entered_at, "entered_at"),
        (first.at != Onboarding.created_at, "created_at"),
    )
    return (
        select(Onboarding.id, wrong, Onboarding.sequence)
        .outerjoin(first, and_(first.onboarding_id == Onboarding.id, first.sequence == 1))
        .outerjoin(
            last, and_(last.onboarding_id == Onboarding.id, last.sequence == Onboarding.sequence)
        )
        .outerjoin(
            more,
            and_(more.onboarding_id == Onboarding.id, more.sequence == Onboarding.sequence + 1),
        )
        .where(within(Onboarding.id), wrong.is_not(None))
    )


@rule(
    "I4",
    Onboarding.id,
    what="transition {} does not say who fired it, or by which rules",
    do=_COMPARE,
)
def steps_are_signed(within: Within) -> Rows:
    """A transition names its actor, and the rules under which the onboarding was routed."""
    return (
        select(Transition.onboarding_id, Transition.sequence)
        .outerjoin(Onboarding, Onboarding.id == Transition.onboarding_id)
        .where(
            within(Transition.onboarding_id),
            or_(
                Transition.actor_id == "",
                Transition.rule_set.is_distinct_from(Onboarding.rule_set),
            ),
        )
    )


@rule(
    "I4",
    Onboarding.id,
    what="the connection type {} is not the one that was chosen last",
    do=_COMPARE,
)
def choice_is_in_history(within: Within) -> Rows:
    """The connection type and the credential mode are those of the last choice."""
    event = _of_the_last_choice(Transition.event)
    kind, mode = (
        _of_the_last_choice(Transition.details[name].as_string())
        for name in ("connection_type", "credential_mode")
    )
    # Who fires `choose_type` without a choice keeps the one before.
    said = or_(event.is_distinct_from("choose_type"), kind.is_not(None))
    return select(Onboarding.id, Onboarding.connection_type).where(
        within(Onboarding.id),
        said,
        or_(
            Onboarding.connection_type.is_distinct_from(kind),
            Onboarding.credential_mode.is_distinct_from(mode),
        ),
    )


def _steps(within: Within) -> Any:
    """Every transition, with what the one before it says."""
    mine: dict[str, Any] = {
        "partition_by": Transition.onboarding_id,
        "order_by": Transition.sequence,
    }
    before = {"number": Transition.sequence, "target": Transition.target, "at": Transition.at}
    columns = (
        func.lag(column).over(**mine).label(f"{name}_before") for name, column in before.items()
    )
    return (
        select(
            Transition.onboarding_id,
            Transition.sequence,
            Transition.source,
            Transition.at,
            *columns,
        )
        .where(within(Transition.onboarding_id))
        .subquery()
    )


def _entered_at() -> Any:
    """When the last move was: what happens after the end leaves the state as it is."""
    step = aliased(Transition)
    return (
        select(step.at)
        .where(step.onboarding_id == Onboarding.id, step.event.not_in(sorted(AFTERWARDS)))
        .order_by(step.sequence.desc())
        .limit(1)
        .correlate(Onboarding)
        .scalar_subquery()
    )


def _of_the_last_choice(value: Any) -> Any:
    """What the last transition says that chose a type, or took the choice back."""
    return (
        select(value)
        .where(
            Transition.onboarding_id == Onboarding.id,
            Transition.event.in_(("choose_type", "start_over")),
        )
        .order_by(Transition.sequence.desc())
        .limit(1)
        .correlate(Onboarding)
        .scalar_subquery()
    )
