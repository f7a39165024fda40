"""What `/metrics` answers, as Prometheus reads it."""

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.web.calling import System


def families(server: System) -> list[Metric]:
    """Every metric with its samples."""
    answer = server.get("/metrics")
    assert answer.status_code == 200
    return list(text_string_to_metric_families(answer.text))


def measured(server: System) -> dict[str, float]:
    """Each series by its name and the values of its labels: "onboarding_incidents/task_failed/send_email"."""
    return {
        "/".join([sample.name, *sample.labels.values()]): sample.value
        for family in families(server)
        for sample in family.samples
    }
