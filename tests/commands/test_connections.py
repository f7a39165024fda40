"""`connection …`: asked for at a terminal, kept in the trail, and final."""

import pytest
from sqlalchemy import select

from onboarding import credentials, links
from onboarding.db import reading
from onboarding.models import AuditEntry
from tests import builders
from tests.commands.conftest import Run
from tests.commands.incidents import reference

WHY = ("--reason", "they have left")


def trail() -> list[tuple[str, str]]:
    with reading() as session:
        found = session.scalars(select(AuditEntry).order_by(AuditEntry.number)).all()
    return [(each.action, each.outcome) for each in found]


def test_a_connection_is_unlinked_then_revoked(run_on_both: Run) -> None:
    one = builders.an_onboarding("confirmed")
    unlinked = run_on_both("connection", "unlink", reference(one), *WHY)
    assert unlinked.code == 0
    with reading() as session:
        assert links.live_link(session, one) is None
        assert credentials.live_client(session, one)
    revoked = run_on_both("connection", "revoke", reference(one), *WHY)
    assert revoked.code == 0
    assert "until 20" in revoked.err
    with reading() as session:
        assert credentials.live_client(session, one) is None
    again = run_on_both("connection", "revoke", reference(one), *WHY)
    assert again.code != 0
    assert trail() == [
        ("end_link", "done"),
        ("revoke_credentials", "done"),
        ("revoke_credentials", "refused"),
    ]


def test_json_is_one_line(run_on_both: Run) -> None:
    one = builders.an_onboarding("credentials_issued")
    told = run_on_both("connection", "revoke", reference(one), *WHY, "--json")
    assert [each["reference"] for each in told.lines] == [reference(one)]


def test_a_connection_gets_another_name_that_the_trail_does_not_have(run_on_both: Run) -> None:
    one = builders.an_onboarding("confirmed")
    named = run_on_both("connection", "rename", reference(one), "My shop", *WHY)
    assert (named.code, builders.the(one).connection_name) == (0, "My shop")
    assert trail() == [("rename", "done")]
    with reading() as session:
        (entry,) = session.scalars(select(AuditEntry)).all()
    assert "My shop" not in str(entry.details)


@pytest.mark.parametrize("state", ["secret_ready", "seller_linked"])
def test_what_is_not_done_is_refused(run_on_both: Run, state: str) -> None:
    one = builders.an_onboarding(state)
    for command in (("revoke",), ("unlink",)):
        told = run_on_both("connection", *command, reference(one), *WHY)
        assert told.code == 1
    assert run_on_both("connection", "rename", reference(one), "x", *WHY).code == 1


def test_a_name_with_a_control_character_is_refused(run_on_both: Run) -> None:
    one = builders.an_onboarding("confirmed")
    told = run_on_both("connection", "rename", reference(one), "a\x1b[31mb", *WHY)
    assert told.code != 0
    assert "\x1b" not in told.err
