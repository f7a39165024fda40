"""The Dockerfile and docker-compose.yml, as far as they can be judged without an engine."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
# Read by docker compose and by the images of others, not by this program.
NOT_OURS = {"POSTGRES_PASSWORD"}


def test_the_compose_file_fits_its_schema() -> None:
    schema = ["--builtin-schema", "vendor.compose-spec"]
    _succeeds("check-jsonschema", *schema, "docker-compose.yml")


def test_the_dockerfile_passes_hadolint() -> None:
    _succeeds("hadolint", "Dockerfile")


def test_every_part_that_was_promised_is_there() -> None:
    assert SERVICES.keys() == {"migrate", "web", "worker", "relay", "postgres", "redis", "mail"}


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_refers_to_exists(name: str) -> None:
    service = SERVICES[name]
    assert set(service.get("depends_on", {})) <= SERVICES.keys()
    named = {volume.partition(":")[0] for volume in service.get("volumes", [])}
    assert named <= COMPOSE["volumes"].keys()
    for needed, how in service.get("depends_on", {}).items():
        if how["condition"] == "service_healthy":
            assert "test" in SERVICES[needed]["healthcheck"]


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned_and_ports_stay_on_this_machine(name: str) -> None:
    service = SERVICES[name]
    if "build" not in service:
        assert re.search(r":v?\d+\.\d+", service["image"])
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


@pytest.mark.parametrize("name", [n for n, s in SERVICES.items() if "build" in s])
def test_a_role_is_a_command_of_the_product(name: str) -> None:
    command = SERVICES[name]["command"]
    _succeeds(*command, "--help")


def test_every_variable_is_explained_in_the_example() -> None:
    asked = set(re.findall(r"\$\{(\w+)", (ROOT / "docker-compose.yml").read_text()))
    explained = set(re.findall(r"^#? ?(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert asked - NOT_OURS <= explained


@pytest.mark.parametrize("name", [n for n, s in SERVICES.items() if "build" in s])
def test_every_setting_of_the_example_reaches_the_program(name: str) -> None:
    assert {"path": ".env", "required": False} in SERVICES[name]["env_file"]


def test_nothing_that_the_parts_of_the_file_need_can_be_set_aside() -> None:
    """A copy of the example whose lines are all in force would move the port and the keyring."""
    given = COMPOSE["x-onboarding"]["environment"]
    fixed = {name for name, value in given.items() if not re.match(r"\$\{ONBOARDING", value)}
    assert fixed == {
        f"ONBOARDING_{name}" for name in ("DATABASE_URL", "BROKER_URL", "HOST", "PORT", "KEYS_DIR")
    }


def test_the_image_gets_every_file_that_its_steps_copy() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    kept = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    copied = re.findall(
        r"^COPY (?!--from)(.+) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE
    )
    assert {source for line in copied for source in line.split()} == kept
    assert all((ROOT / source).exists() for source in kept)


def _succeeds(program: str, *arguments: str) -> None:
    done = subprocess.run(
        [BIN / program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
