"""Whatever operators, runs and workers do in whichever order: no promise has two effects."""

from collections import Counter

from hypothesis import HealthCheck, example, given
from hypothesis import settings as bounds
from hypothesis import strategies as st
from sqlalchemy import Engine

from onboarding import audit, mail, queries
from onboarding.db import reading
from onboarding.errors import Refusal
from onboarding.sealing import Keyring
from onboarding.settings import settings
from tests import builders
from tests.acting import a_lead, carry_out, findings
from tests.acting import look as look_at
from tests.at_runs import begin, fail_for_good, look, slices
from workers import turns

STEPS = ("fail", "retry", "resend", "run", "slice", "work", "again")


@bounds(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(order=["fail", "retry", "again", "work", "again", "resend", "run"])
@given(order=st.lists(st.sampled_from(STEPS), min_size=3, max_size=12))
def test_a_promise_has_one_effect(database: Engine, ring: Keyring, order: list[str]) -> None:
    onboarding_id = builders.an_onboarding("issuing_secret", email="one@shop.example")
    delivered: set[str] = set()
    for step in [*order, "slice", "work"]:
        waiting = [str(m.id) for m in builders.promised(onboarding_id=onboarding_id)]
        try:
            if step == "fail":
                fail_for_good("generate_secret")
                fail_for_good("send_email")
            elif step in {"retry", "resend"}:
                who = a_lead()
                carry_out(ring, who, look_at(who, onboarding_id, step))
            elif step == "run":
                begin(ring, a_lead(), look(a_lead(), "retry", failing="yes"))
            elif step == "slice":
                slices()
            elif step == "work":
                builders.work(onboarding_id)
        except Refusal:
            continue
        delivered |= {*waiting}
        if step == "again":
            for message_id in [*delivered] * 2:
                turns.run(message_id)
    with reading() as session:
        happened = Counter(step.event for step in queries.history(session, onboarding_id))
        sent = [str(each.id) for each in queries.mails_of(session, onboarding_id)]
        secrets = queries.secrets_of(session, onboarding_id)
        asked = [
            e.action
            for e in audit.latest(session, 500, onboarding_id=onboarding_id)
            if e.outcome == "done"
        ]
    assert happened["secret_generated"] == len(secrets) <= 1
    # One letter for where it came to, and one for each time that somebody asked for it again.
    assert len(sent) == len({*sent}) <= happened["secret_generated"] + asked.count("resend")
    assert sorted(sent) == sorted(letters_of(sent))
    assert findings() == []


def letters_of(sent: list[str]) -> list[str]:
    """Those of these that a mail server has got, each as often as it has."""
    return [letter.name for letter in mail.stored(settings()) if letter.name in sent]
