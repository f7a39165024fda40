"""`views`, and `ls` of one: the same onboardings as in the console."""

from onboarding import db, filters, handover, operators, views, watching
from onboarding.commands import exits
from onboarding.db import transaction
from onboarding.filters import Filter
from onboarding.operators import Who
from tests import builders
from tests.builders import SELLER
from tests.commands.conftest import Run
from tests.watched import a_watched_view, an_operator


def saved(name: str, *, by: str, shared: bool = False) -> None:
    with transaction() as session:
        operator = operators.known(session, "tests", by, by, "operator")
        who = Who(f"operator:{operator.id}", by, "operator", operator.id)
        views.save(session, who, name, Filter(state="type_chosen"), shared=shared)


def test_views_are_listed_with_how_many_are_in_each(run: Run) -> None:
    builders.an_onboarding("type_chosen")
    saved("Chosen", by="Mara", shared=True)
    lines = {line["name"]: line for line in run("views", "ls", "--json").lines}
    assert [*lines] == [*views.QUICK, "Chosen"]
    chosen = lines["Chosen"]
    assert (chosen["count"], chosen["owner"], chosen["shared"]) == (1, "Mara", True)
    assert chosen["options"] == "--state type_chosen"
    assert lines["late"]["count"] == 0
    shown = run("views", "ls").out
    assert "Chosen" in shown
    assert "ls --overdue" in shown


def test_who_is_told_above_how_many_is_listed(run: Run) -> None:
    mara = an_operator()
    view_id = a_watched_view("state=started", above=7, who=mara)
    sam = an_operator("Sam")
    with transaction() as session:
        watching.ask(session, builders.keyring(), sam, view_id, "20", "en")
    lines = {line["name"]: line for line in run("views", "ls", "--json").lines}
    told = [{"operator": "Mara", "above": 7}, {"operator": "Sam", "above": 20}]
    assert lines["Ours"]["alerts"] == told
    assert lines["late"]["alerts"] == []
    assert "7 (Mara), 20 (Sam)" in run("views", "ls").out


def test_ls_lists_a_view_and_narrows_it(run: Run) -> None:
    one, other = builders.an_onboarding("type_chosen"), builders.an_onboarding("started")
    saved("Chosen", by="Mara")
    assert [line["id"] for line in run("ls", "--view", "Chosen", "--json").lines] == [str(one)]
    ours = run("ls", "--view", "needs-seller", "--json").lines
    assert [line["id"] for line in ours] == [str(other), str(one)]
    narrow = run("ls", "--view", "needs-seller", "--state", "started", "--json").lines
    assert [line["id"] for line in narrow] == [str(other)]


def test_a_move_of_a_named_developer_is_in_the_view_of_theirs(run: Run) -> None:
    one, _other = builders.an_onboarding("secret_ready"), builders.an_onboarding("secret_ready")
    with transaction() as session:
        handover.name(session, one, SELLER, "dora@dev.example")
    counts = {line["name"]: line["count"] for line in run("views", "ls", "--json").lines}
    assert (counts["needs-developer"], counts["needs-seller"]) == (1, 1)
    theirs = run("ls", "--view", "needs-developer", "--json").lines
    assert [(line["id"], line["next_move"]) for line in theirs] == [(str(one), "developer")]


def test_a_shared_view_goes_before_ones_own_and_two_of_a_name_need_an_id(run: Run) -> None:
    saved("Chosen", by="Mara")
    saved("Chosen", by="Sam")
    assert "say its ID" in run("ls", "--view", "Chosen").err
    assert run("ls", "--view", "nothing").code == exits.NOT_FOUND
    with db.reading() as session:
        first = views.saved(session)[0]
    assert run("ls", "--view", str(first.id)).code == exits.DONE
    saved("Chosen", by="Li", shared=True)
    assert run("ls", "--view", "Chosen").code == exits.DONE
    with db.reading() as session:
        assert views.named(session, "late") == Filter(overdue=filters.YES)
