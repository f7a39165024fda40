"""`connection …`: asked for at a terminal, kept in the trail, and final."""

import pytest
from sqlalchemy import select

from onboarding import credentials, further_sellers, invitations, links
from onboarding.db import reading
from onboarding.models import AuditEntry
from tests import another_seller, builders
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


def test_the_trail_has_as_what_a_terminal_gave_it_another_name(run_on_both: Run) -> None:
    one = builders.an_onboarding("confirmed")
    asked = ("connection", "rename", reference(one), "My shop", *WHY)
    assert run_on_both(*asked, TERMINAL_ROLE="lead").code == 0
    with reading() as session:
        (entry,) = session.scalars(select(AuditEntry)).all()
    assert entry.role == "lead"


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


def test_a_link_for_another_seller_is_printed_and_leads_to_the_page(run_on_both: Run) -> None:
    one = builders.an_onboarding("credentials_issued")
    told = run_on_both("connection", "invite", reference(one), *WHY)
    assert told.code == 0, told.err
    (url,) = told.out.splitlines()
    assert "/en/invitations/" in url
    with reading() as session:
        token = url.rpartition("/")[2]
        found = invitations.find(session, builders.keyring(), token)
    assert found
    assert found[1].id == one
    assert trail() == [("invite_seller", "done")]
    listed = run_on_both("connection", "sellers", reference(one), "--json").lines
    assert [(each["id"], each["state"]) for each in listed] == [(str(found[0].id), "asked")]


def test_one_seller_of_several_is_unlinked_by_the_links_id(run_on_both: Run) -> None:
    one = builders.an_onboarding("confirmed")
    link = another_seller.linked(one)
    listed = run_on_both("connection", "sellers", reference(one), "--json")
    assert [each["state"] for each in listed.lines] == ["linked"]
    assert another_seller.OTHER.seller_id not in listed.out
    unlink = ("connection", "unlink", reference(one), "--link")
    ended = run_on_both(*unlink, str(link), *WHY)
    assert ended.code == 0, ended.err
    with reading() as session:
        assert links.live_link(session, one)
        assert further_sellers.alive(session, one) == []
    foreign = another_seller.linked(builders.an_onboarding("confirmed"))
    for wrong in (str(foreign), "S-4712"):
        told = run_on_both(*unlink, wrong, *WHY)
        assert (told.code, "no such link" in told.err) == (3, True), told.err
    assert trail() == [("end_further_link", "done")]


def test_before_it_is_done_no_seller_is_asked(run_on_both: Run) -> None:
    told = run_on_both(
        "connection", "invite", reference(builders.an_onboarding("secret_ready")), *WHY
    )
    assert told.code == 1
    assert "no credentials" in told.err
