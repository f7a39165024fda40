"""A view as a file: its rows are the view's, whoever asks for it; masked, harmless, and of any length."""

import csv
import io
import json
import subprocess
import sys
from datetime import timedelta

import pytest
from fastapi import FastAPI
from sqlalchemy import Engine

from onboarding import audit, db, exports, finding, population
from onboarding.db import reading, snapshot, transaction
from onboarding.exports import MARK, Row
from onboarding.filters import Filter
from onboarding.sealing import Keyring
from onboarding.settings import settings
from tests import builders
from tests.commands.incidents import an_incident
from tests.composing import put
from tests.web.operating import a_quiet_site, at_console
from tests.web.visiting import form_of, text

VIEWS = [
    Filter(),
    Filter(state="started"),
    Filter(waiting_on="seller", overdue="yes"),
    Filter(overdue="yes", type="plugin"),
    Filter(failing="yes"),
    Filter(q="nothing"),
]


@pytest.fixture
def app(database: Engine, ring: Keyring) -> FastAPI:
    return a_quiet_site(ring)


ALL = Filter()


def exported(wanted: Filter = ALL, form: str = "csv", most: int | None = None) -> bytes:
    out = io.BytesIO()
    with snapshot() as session:
        exports.write(session, wanted, form, out, most=most)
    return out.getvalue()


def rows_of(said: bytes) -> list[dict[str, str]]:
    return [*csv.DictReader(io.StringIO(said.decode("utf-8-sig"), newline=""))]


@pytest.mark.parametrize("wanted", VIEWS, ids=lambda wanted: wanted.query() or "all")
@pytest.mark.parametrize("batch", [1, 7, 1000])
def test_an_export_is_its_view_in_the_same_order(app: FastAPI, wanted: Filter, batch: int) -> None:
    population.populate(40, app.state.ring, settings())
    an_incident()
    with reading() as session:
        view = [one.reference for one in finding.page(session, wanted, 1000)]
        walked = [one.reference for many in finding.every(session, wanted, batch) for one in many]
    assert walked == view
    assert [row["reference"] for row in rows_of(exported(wanted))] == view
    assert [
        json.loads(line)["reference"] for line in exported(wanted, "ndjson").splitlines()
    ] == view


def test_those_late_since_one_instant_are_each_there_once(app: FastAPI) -> None:
    ids = {builders.an_onboarding("started") for _ in range(7)}
    with transaction() as session:
        since = db.clock(session) - timedelta(days=8)
    for one in ids:
        put(one, entered_at=since)
    late = Filter(overdue="yes")
    for size in range(1, 9):
        with snapshot() as session:
            walked = [one.id for many in finding.every(session, late, size) for one in many]
        assert (len(walked), {*walked}) == (7, ids)


def test_personal_data_is_masked_and_a_formula_is_none(app: FastAPI) -> None:
    """T39."""
    onboarding_id = builders.an_onboarding("seller_linked")
    put(onboarding_id, contact_email="=alexandra@harbour-shop.example")
    for aggregator in ("=1+1", "+1", "-1", "@sum", "\tx", "\rx", "plain", 'a,"b"'):
        put(onboarding_id, aggregator_name=aggregator)
        (row,) = rows_of(exported())
        harmless = aggregator if aggregator[0] in "pa" else f"'{aggregator}"
        assert row["aggregator"] == harmless
        assert row["contact_email"] == "'=a***@ha***.example"
        (line,) = exported(form="ndjson").splitlines()
        assert json.loads(line)["aggregator"] == aggregator
    assert (row["seller_id"], row["shop_name"]) == ("S-***", "Co***") != ("", "")
    for said in (exported(), exported(form="ndjson")):
        for whole in (b"alexandra", b"harbour", b"S-4711", b"Corner"):
            assert whole not in said


def test_what_is_taken_away_is_in_the_trail_and_names_nobody(app: FastAPI) -> None:
    one = builders.an_onboarding("started")
    put(one, contact_email="alexandra@shop.example")
    visitor = at_console(app, "viewer")
    page = visitor.get("/en/console/onboardings?q=alexandra@shop.example")
    assert f"at most {exports.AT_MOST} rows" in text(page)
    action, hidden = form_of(page, "/console/export")
    taken = visitor.post(action, hidden | {"form": "csv-marked"})
    assert taken.content.startswith(MARK)
    assert [row["reference"] for row in rows_of(taken.content)] == [builders.the(one).reference]
    assert taken.headers["content-disposition"] == 'attachment; filename="onboardings.csv"'
    with reading() as session:
        (entry,) = audit.latest(session, 5)
    assert (entry.action, entry.outcome, entry.role) == ("export", "done", "viewer")
    request = taken.headers["x-request-id"]
    view = {"q": "al***"}
    assert entry.details == {"view": view, "format": "csv", "rows": 1, "request_id": request}
    assert "alexandra" not in entry.reason


@pytest.mark.parametrize(("view", "form"), [("state=gone", "csv"), ("", "xlsx")])
def test_what_is_no_view_is_refused_and_not_written_down(
    app: FastAPI, view: str, form: str
) -> None:
    answer = at_console(app, "lead").post("/en/console/export", {"view": view, "form": form})
    assert answer.status_code in {404, 422}
    with reading() as session:
        assert not audit.latest(session, 5)


def test_no_more_rows_than_announced(app: FastAPI) -> None:
    ids = [builders.an_onboarding("started") for _ in range(3)]
    rows = rows_of(exported(most=2))
    assert [row["id"] for row in rows] == [str(one) for one in reversed(ids[1:])]
    assert tuple(rows[0]) == Row._fields


def test_a_long_view_takes_no_more_memory_than_a_short_one(own_database: Engine) -> None:
    """In a process of its own, whose greatest size the system tells."""
    url = own_database.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "benchmarks.exporting", "--database", url]
    told = subprocess.run(command, check=True, capture_output=True, text=True)
    measured = json.loads(told.stdout)
    assert measured["rows"] == 100_000
    assert measured["grown_mib"] < 64
