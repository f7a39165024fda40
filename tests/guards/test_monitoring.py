"""Alerts, their cases, their runbooks and the dashboard speak of metrics that `/metrics` has.

That each alert fires and is silent as its cases say is shown by promtool, which no package index that
the tests are installed from carries: `make alerts`.
"""

import json
import re
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from promql_parser import AggregateExpr, Expr, VectorSelector
from sqlalchemy import Engine

from onboarding import audit, causes
from onboarding.causes import CAUSES
from onboarding.chart import NEXT_MOVE
from onboarding.db import transaction
from onboarding.sealing import Keyring
from onboarding.web.runbooks import FOLDER, PATH
from tests.builders import an_onboarding
from tests.web.calling import System, served
from tests.web.measuring import families
from tests.web.test_metrics import a_failure
from tools import dashboard

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
ALERTS: list[dict[str, Any]] = yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"][0][
    "rules"
]
CASES: list[dict[str, Any]] = yaml.safe_load((DEPLOY / "alerts_test.yml").read_text())["tests"]
NAMES = [alert["alert"] for alert in ALERTS]
ASKED = {alert["alert"]: alert["expr"] for alert in ALERTS} | {
    panel.title: panel.asks for panels in dashboard.ROWS.values() for panel in panels
}
RUNBOOKS = {path.stem for path in FOLDER.glob("*.md")}
Labels = dict[str, set[str]]


@pytest.fixture
def told(sqlite: Engine, ring: Keyring) -> dict[str, Labels]:
    """Each metric of a real answer, with its labels and their values, while something is wrong."""
    a_failure("mail_server_away", "send_email")
    a_failure("of_another_version", "send_email", final=True)
    a_failure("address_refused", "send_email", final=True, onboarding_id=an_onboarding("confirmed"))
    a_failure("busy", "check_aggregator")
    a_failure("worker_died", "check_aggregator", final=True)
    with transaction() as session:
        for outcome in ("done", "refused"):
            attempt = audit.Attempt("operator:1", "lead", "note", "why", outcome)
            audit.append(session, ring, attempt)
    found: dict[str, Labels] = defaultdict(lambda: defaultdict(set))
    for family in families(System(served(ring))):
        for sample in family.samples:
            for label, value in (sample.labels | {"": ""}).items():
                found[sample.name][label].add(value)
    return found


def test_all_that_is_asked_for_is_told(told: dict[str, Labels]) -> None:
    for name, expression in ASKED.items():
        assert selected(promql_parser.parse(expression)), name
        for one in selected(promql_parser.parse(expression)):
            assert one.name in told, f"{name}: {one.name}"
            for matcher in one.matchers.matchers:
                values = told[str(one.name)][matcher.name]
                assert matcher.value in values | {"$type"}, f"{name}: {matcher.name}"


def test_what_is_grouped_by_is_a_label(told: dict[str, Labels]) -> None:
    """A label that a metric does not have would melt all its series into one."""
    for name, expression in ASKED.items():
        labels = set().union(
            *(told[str(one.name)] for one in selected(promql_parser.parse(expression)))
        )
        grouped = ",".join(re.findall(r"\bby \(([^)]+)\)", expression))
        assert {label.strip() for label in grouped.split(",")} - {""} <= labels, name


def test_nothing_adds_up_what_two_processes_tell() -> None:
    for name, expression in ASKED.items():
        for node in within(promql_parser.parse(expression)):
            if isinstance(node, AggregateExpr) and str(node.op) == "sum":
                assert isinstance(node.expr, AggregateExpr), name
                assert str(node.expr.op) == "max", name


def selected(expression: Expr) -> list[VectorSelector]:
    """What an expression asks for."""
    return [node for node in within(expression) if isinstance(node, VectorSelector)]


def within(expression: Expr) -> list[Expr]:
    """An expression and all its parts."""
    found: list[Expr] = []

    def note(node: Expr) -> bool:
        found.append(node)
        return True

    promql_parser.walk(expression, note)
    return found


@pytest.mark.parametrize("alert", ALERTS, ids=NAMES)
def test_an_alert_says_what_happens_how_bad_it_is_and_where_to_read_on(
    alert: dict[str, Any],
) -> None:
    assert alert["labels"] in (
        {"severity": "page", "service": "onboarding"},
        {"severity": "ticket", "service": "onboarding"},
    )
    said = alert["annotations"]
    assert said.keys() == {"summary", "description", "runbook_url"}
    assert said["summary"].endswith(".")
    assert said["description"].endswith(".")
    base, path, name = said["runbook_url"].partition(f"{PATH}/")
    assert (base, path) == ("http://127.0.0.1:8000", f"{PATH}/")
    assert name in RUNBOOKS


def test_every_runbook_belongs_to_an_alert_or_a_cause() -> None:
    of_alerts = {alert["annotations"]["runbook_url"].rpartition("/")[2] for alert in ALERTS}
    of_causes = {causes.runbook(code) for code in (*CAUSES, causes.OTHER)}
    assert of_alerts | of_causes == RUNBOOKS


def test_the_runbook_of_an_alert_starts_with_its_name() -> None:
    for alert in ALERTS:
        name = alert["annotations"]["runbook_url"].rpartition("/")[2]
        code = name.replace("-", "_") if name == causes.OTHER else alert["alert"]
        assert (FOLDER / f"{name}.md").read_text().startswith(f"# {code}: ")


def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_is_silent() -> None:
    for alert in NAMES:
        fires, silent = [case for case in CASES if case["name"].startswith(f"{alert} ")]
        assert fires["name"].startswith(f"{alert} fires ")
        assert silent["name"].startswith(f"{alert} is silent ")
        asked = [each for case in (fires, silent) for each in case["promql_expr_test"]]
        assert all(f'alertname="{alert}"' in each["expr"] for each in asked)
        assert all(each["exp_samples"] for each in fires["promql_expr_test"])
        assert not any(each["exp_samples"] for each in silent["promql_expr_test"])
    assert len(CASES) == 2 * len(ALERTS)


def test_cases_are_about_metrics_that_there_are(told: dict[str, Labels]) -> None:
    for case in CASES:
        for given in case["input_series"]:
            (one,) = selected(promql_parser.parse(given["series"]))
            labels = {matcher.name for matcher in one.matchers.matchers} - {"instance"}
            assert labels == told[str(one.name)].keys() - {""}, case["name"]


def test_the_deadline_of_a_secret_is_the_chart_s() -> None:
    lapses = NEXT_MOVE["secret_ready"].then_after
    (limit,) = re.findall(r'"secret_ready"}\) > (\d+)', ASKED["DeadlinesNotKept"])
    assert lapses is not None
    assert lapses.total_seconds() < int(limit) <= lapses.total_seconds() + 600


def test_the_dashboard_is_what_the_code_makes_today() -> None:
    advice = "Make it again: python -m tools.dashboard > deploy/dashboard.json"
    assert (DEPLOY / "dashboard.json").read_text(encoding="utf-8") == dashboard.text(), advice


def test_a_dashboard_is_found_again_after_it_was_imported() -> None:
    made = json.loads(dashboard.text())
    assert made["uid"] == "onboarding"
    numbers = [panel["id"] for panel in made["panels"]]
    assert numbers == [*range(1, len(numbers) + 1)]


def test_panels_do_not_lie_on_each_other() -> None:
    places = [panel["gridPos"] for panel in json.loads(dashboard.text())["panels"]]
    for one, other in pairwise(places):
        below = other["y"] >= one["y"] + one["h"]
        beside = other["y"] == one["y"] and other["x"] >= one["x"] + one["w"]
        assert below or beside
        assert other["x"] + other["w"] <= dashboard.WIDTH


def test_every_runbook_that_a_panel_names_is_there() -> None:
    for panels in dashboard.ROWS.values():
        for panel in panels:
            assert set(re.findall(rf"{PATH}/([a-z-]+)", panel.about)) <= RUNBOOKS
