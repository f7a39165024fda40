"""What the checks after a fault wait for: nothing is quiet while something is still to be done or told."""

import pytest

from tests.builders import promised, work
from tests.faults import checking
from tests.listening import an_endpoint, owner_of, started_by
from tests.receiving import Receiver
from workers.webhooks import note_events, promise_deliveries


@pytest.mark.usefixtures("database", "ring")
def test_it_is_not_quiet_until_endpoints_were_told(receiver: Receiver) -> None:
    """Neither before an event is noted down, nor before it is promised, nor before it is sent."""
    started_by(owner_of(an_endpoint(receiver.url)))
    work()
    seen = [(len(promised()), checking.all_is_quiet())]
    note_events()
    seen.append((len(promised()), checking.all_is_quiet()))
    promise_deliveries()
    seen.append((len(promised()), checking.all_is_quiet()))
    work()
    assert seen == [(0, False), (0, False), (1, False)]
    assert checking.all_is_quiet()
