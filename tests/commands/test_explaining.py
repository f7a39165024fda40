"""`route`, `chart` and `settings`: answers that need no database."""

import pytest

from onboarding.commands import exits
from tests import builders
from tests.commands.conftest import Run


def test_route_has_the_shape_that_scripts_rely_on(run_anywhere: Run) -> None:
    (found,) = run_anywhere("route", "Seller ID", "--json").lines
    assert [*found] == ["verdict", "connection_type", "credential_mode", "question", "why"]
    assert found["verdict"] == "type"
    assert (found["connection_type"], found["credential_mode"]) == ("aggregator", "delegated")


@pytest.mark.parametrize(
    ("labels", "headline"),
    [
        (["Seller ID"], "Connection type: aggregator, delegated."),
        (["Client ID", "Client secret", "Seller ID"], "Ask first: who_runs_it, full."),
        (["E-mail", "Password"], "Stop: this tool must not get these values."),
        (["API token"], "Unsupported: this is nothing that we issue."),
    ],
)
def test_route_answers_people_in_a_sentence(
    run_anywhere: Run, labels: list[str], headline: str
) -> None:
    assert run_anywhere("route", *labels).out.splitlines()[0] == headline


def test_the_chart_lights_the_state_of_an_onboarding(run: Run) -> None:
    onboarding_id = builders.an_onboarding("secret_ready")
    assert "class secret_ready lit" in run("chart", "--onboarding", onboarding_id).out
    assert (
        "secret_ready – here" in run("chart", "--format", "svg", "--onboarding", onboarding_id).out
    )
    assert run("chart", "--format", "md", "--onboarding", onboarding_id).code == exits.USAGE


def test_settings_show_no_password(run_anywhere: Run) -> None:
    secrets = {
        "DATABASE_URL": "postgresql+psycopg://me:hush@db/onboarding?sslpassword=hush",
        "BROKER_URL": "redis://:hush@broker/0",
        "SMTP_URL": "smtp://me:hush@mail",
        "OIDC_CLIENT_SECRET": "hush",
        "CONSOLE_CLIENT_SECRET": "hush",
    }
    for form in ((), ("--json",)):
        shown = run_anywhere("settings", *form, **secrets)
        assert "redis://:***@broker/0" in shown.out
        assert "hush" not in shown.out
