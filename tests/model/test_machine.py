"""Whatever happens in whatever order, the database says what a dict kept by hand says."""

from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import Engine

from tests.expected_moves import OPEN
from tests.model.machine import Onboardings


def test_any_order_of_events_tasks_and_time_leads_where_it_must(database: Engine) -> None:
    Onboardings.stood.clear()
    run_state_machine_as_test(
        Onboardings,
        settings=settings(
            max_examples=30,
            stateful_step_count=12,
            derandomize=True,
            database=None,
            deadline=None,
            # At most twelve steps: shorter ones would take minutes to look for.
            phases=(Phase.generate,),
            print_blob=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
    print(f"\n{Onboardings.stood.total():,} looks: {dict(Onboardings.stood)}")  # noqa: T201
    assert len(set(OPEN) - set(Onboardings.stood)) <= 2, "it hardly gets anywhere"
