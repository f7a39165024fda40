"""`secret replace` and `secret end`: asked for at a terminal, kept in the trail, and shown to nobody there."""

from sqlalchemy import select

from onboarding import replacing
from onboarding.db import reading, transaction
from onboarding.models import AuditEntry
from tests import builders
from tests.commands.conftest import Run
from tests.commands.incidents import reference

WHY = ("--reason", "a laptop was stolen")


def test_a_secret_is_replaced_and_the_old_one_ended(run_on_both: Run) -> None:
    one = builders.an_onboarding("confirmed")
    asked = run_on_both("secret", "replace", reference(one), "--overlap-days", "2", *WHY, "--json")
    assert asked.lines == [{"reference": reference(one), "replaces_version": 1, "overlap_days": 2}]
    again = run_on_both("secret", "replace", reference(one), *WHY)
    assert again.code == 1
    assert "nothing to act on" in again.err
    builders.work(one)
    with transaction() as session:
        revealed = replacing.reveal(session, one, builders.keyring())
        secret = revealed.secret.get_secret_value()
    early = run_on_both("secret", "end", reference(one), "--version", "1", *WHY)
    assert early.code == 1
    with transaction() as session:
        replacing.acknowledge(session, one, builders.SELLER, version=2, ending=secret[-6:])
    ended = run_on_both("secret", "end", reference(one), "--version", "1", *WHY)
    assert (ended.code, "works no more" in ended.err + ended.out) == (0, True)
    with reading() as session:
        trail = session.scalars(select(AuditEntry).order_by(AuditEntry.number)).all()
    assert [(each.action, each.reason) for each in trail] == [
        ("replace_secret", WHY[1]),
        ("end_secret", WHY[1]),
    ]
    for each in (asked, again, early, ended):
        assert secret not in each.out + each.err


def test_where_there_is_no_secret_in_use_it_is_refused(run_on_both: Run) -> None:
    one = builders.an_onboarding("secret_ready")
    assert run_on_both("secret", "replace", reference(one), *WHY).code == 1
    assert run_on_both("secret", "replace", reference(one), "--overlap-days", "8", *WHY).code != 0
    assert run_on_both("secret", "replace", reference(one), "--reason", " ").code != 0
