"""The console and a terminal export the same: to the byte."""

import shlex

import pytest
from sqlalchemy import Engine

from onboarding import population
from onboarding.filters import Filter
from onboarding.sealing import Keyring
from onboarding.settings import settings
from tests.commands.conftest import Run
from tests.web.operating import a_quiet_site, at_console

VIEWS = [
    Filter(),
    Filter(state="started"),
    Filter(waiting_on="seller", overdue="yes"),
    Filter(failing="yes"),
    Filter(q="nothing"),
]


@pytest.mark.parametrize("wanted", VIEWS, ids=lambda wanted: wanted.query() or "all")
def test_a_page_and_a_terminal_give_the_same_bytes(
    database: Engine, ring: Keyring, run_on_both: Run, wanted: Filter
) -> None:
    population.populate(30, ring, settings())
    visitor = at_console(a_quiet_site(ring), "viewer")
    for choice, options in (
        ("csv", ["--format", "csv"]),
        ("csv-marked", ["--format", "csv", "--bom"]),
        ("ndjson", ["--format", "ndjson"]),
    ):
        taken = visitor.post("/en/console/export", {"view": wanted.query(), "form": choice})
        assert taken.status_code == 200
        printed = run_on_both("ls", *shlex.split(wanted.options()), *options)
        assert printed.out.encode() == taken.content
