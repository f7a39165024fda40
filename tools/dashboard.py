"""The Grafana dashboard: `python -m tools.dashboard > deploy/dashboard.json`.

Made from code, so that a metric or a state that is renamed cannot stay behind in it. Every process
that serves pages gives the same figures, so each question takes the greatest.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

UID: Final = "onboarding"
WIDTH: Final = 24
HEIGHT: Final = 8
SOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
OURS: Final = 'onboarding_overdue{waiting_on="platform"}'
SERVED: Final = 'onboarding_onboardings{type=~"$type"}'


@dataclass(frozen=True)
class Panel:
    """One picture: what it asks, how its answers are called, and what a reader may conclude."""

    title: str
    about: str
    asks: str
    legend: str = ""
    kind: str = "timeseries"
    unit: str = "short"
    width: int = 12
    # From which value on it is red; a number that is only a number has none.
    red_from: float | None = None


def most(metric: str, *by: str) -> str:
    """The figures of one process, whichever."""
    return f"max by ({', '.join(by)}) ({metric})"


def standing(by: str) -> str:
    """Each onboarding is in one state and of one type, so these can be added up."""
    return f"sum by ({by}) ({most(SERVED, 'state', 'type', 'waiting_on')})"


WORKS: Final = (
    Panel(
        "A worker took work",
        "So long ago. Runbook: /help/runbooks/workers-not-consuming",
        "max(onboarding_worker_last_canary_age_seconds)",
        kind="stat",
        unit="s",
        width=6,
        red_from=90,
    ),
    Panel(
        "Oldest message that no worker has taken",
        "Milliseconds when all is well. Runbook: /help/runbooks/outbox-stalled",
        "max(onboarding_outbox_oldest_age_seconds)",
        kind="stat",
        unit="s",
        width=6,
        red_from=60,
    ),
    Panel(
        "Overdue, and it is our turn",
        "Their sellers look at a page that waits. Runbook: /help/runbooks/platform-overdue",
        f"sum({most(OURS, 'state')})",
        kind="stat",
        width=6,
        red_from=1,
    ),
    Panel(
        "Incidents",
        "What has failed for good and waits for an operator. Runbook: /help/runbooks/dead-letters",
        f"sum({most('onboarding_dead_letters', 'kind')}) or vector(0)",
        kind="stat",
        width=6,
        red_from=1,
    ),
)

STAND: Final = (
    Panel("By state", "All there are.", standing("state"), "{{state}}", kind="bargauge"),
    Panel("By type", "All there are.", standing("type"), "{{type}}", kind="bargauge"),
    Panel(
        "By whose turn it is",
        "Those who have ended are nobody's turn.",
        standing("waiting_on"),
        "{{waiting_on}}",
    ),
    Panel(
        "Client secrets that wait to be shown",
        "Sealed, for a day at most. Runbook: /help/runbooks/deadlines-not-kept",
        "max(onboarding_secret_escrow_pending)",
        "sealed",
    ),
)
TURNS: Final = (
    Panel(
        "Overdue, by state",
        "For longer than the chart allows. Runbook for our own: /help/runbooks/platform-overdue",
        most("onboarding_overdue", "state", "waiting_on"),
        "{{state}}, on the {{waiting_on}}",
    ),
    Panel(
        "How long the oldest of each state has been there",
        "Whose turn it is stands behind the state.",
        most("onboarding_oldest_age_seconds", "state", "waiting_on"),
        "{{state}}, on the {{waiting_on}}",
        unit="s",
    ),
)
CAUSES: Final = (
    Panel(
        "Incidents by cause",
        "Each cause has a runbook: /help/runbooks/ and the cause, with dashes.",
        most("onboarding_incidents", "cause", "task"),
        "{{cause}}: {{task}}",
    ),
    Panel(
        "Tried again, by cause",
        "Not lost, and not done. Runbook: /help/runbooks/retries-piling-up",
        most("onboarding_retrying", "cause", "task"),
        "{{cause}}: {{task}}",
    ),
)
OUTBOX: Final = (
    Panel(
        "Messages whose effect is to come",
        "Those that rest after a failure, too.",
        "max(onboarding_outbox_pending)",
        "pending",
    ),
    Panel(
        "How long ago a worker took work",
        "A canary is sent every half minute. Runbook: /help/runbooks/workers-not-consuming",
        "max(onboarding_worker_last_canary_age_seconds)",
        "worker",
        unit="s",
    ),
    Panel(
        "How long the oldest message has waited for a worker",
        "What rests after a failure is not counted. Runbook: /help/runbooks/outbox-stalled",
        "max(onboarding_outbox_oldest_age_seconds)",
        "oldest",
        unit="s",
    ),
    Panel(
        "Versions that answer",
        "More than one while an upgrade is rolled out.",
        "count by (version) (onboarding_build_info)",
        "{{version}}",
    ),
)
OPERATORS: Final = (
    Panel(
        "What operators have done",
        "Since the first day of the trail; who and why: /console/audit, or onboarding audit ls.",
        most('onboarding_operator_actions_total{outcome="done"}', "action"),
        "{{action}}",
    ),
    Panel(
        "What operators were refused",
        "A role that is too small, a view that was too old, or somebody who tries.",
        most('onboarding_operator_actions_total{outcome="refused"}', "action"),
        "{{action}}",
    ),
)
ROWS: Final[dict[str, tuple[Panel, ...]]] = {
    "Does it work?": WORKS,
    "Where onboardings stand": STAND,
    "Whose turn lasts": TURNS,
    "Why something does not go on": CAUSES,
    "The outbox and workers": OUTBOX,
    "Operators": OPERATORS,
}


def dashboard() -> dict[str, Any]:
    """All of it, as Grafana imports it."""
    return {
        "uid": UID,
        "title": "Onboarding",
        "tags": ["onboarding"],
        "schemaVersion": 39,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-24h", "to": "now"},
        "templating": {"list": [_data_source(), _type()]},
        "panels": list(_panels()),
    }


def text() -> str:
    """The file's content."""
    return json.dumps(dashboard(), indent=2, ensure_ascii=False) + "\n"


def _data_source() -> dict[str, Any]:
    return {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
    }


def _type() -> dict[str, Any]:
    return {
        "name": "type",
        "label": "Type",
        "type": "query",
        "datasource": SOURCE,
        "query": "label_values(onboarding_onboardings, type)",
        "refresh": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def _panels() -> Iterator[dict[str, Any]]:
    """Row by row, each panel beside the one before as long as there is room."""
    number = y = 0
    for title, panels in ROWS.items():
        number, x = number + 1, 0
        yield {"id": number, "type": "row", "title": title, "gridPos": _place(0, y, WIDTH, 1)}
        y += 1
        for panel in panels:
            if x + panel.width > WIDTH:
                x, y = 0, y + HEIGHT
            number += 1
            yield _panel(number, panel, _place(x, y, panel.width, HEIGHT))
            x += panel.width
        y += HEIGHT


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": panel.unit, "min": 0}
    if panel.red_from is not None:
        steps = [{"color": "green", "value": None}, {"color": "red", "value": panel.red_from}]
        defaults["thresholds"] = {"mode": "absolute", "steps": steps}
    asked = {"refId": "A", "expr": panel.asks, "legendFormat": panel.legend, "datasource": SOURCE}
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "targets": [asked],
    }


def _place(x: int, y: int, width: int, height: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": width, "h": height}


if __name__ == "__main__":
    sys.stdout.write(text())
