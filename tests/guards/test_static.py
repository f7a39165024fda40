"""What browsers load is what tools/vendor builds: listed, licensed, unchanged, and from nowhere else."""

import json
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from onboarding.web.assets import STATIC

ROOT = Path(__file__).parents[2]
VENDOR = ROOT / "tools" / "vendor"
TEMPLATES = sorted((ROOT / "onboarding").rglob("templates/**/*.html"))
# Names of XML vocabularies; nobody fetches them.
VOCABULARIES = ("http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink")


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((STATIC / "manifest.json").read_text())
    return content


def test_every_file_is_listed_and_unchanged(manifest: dict[str, Any]) -> None:
    found = {
        str(path.relative_to(STATIC)): digest(path) for path in STATIC.rglob("*") if path.is_file()
    }
    del found["manifest.json"]
    assert found == manifest["files"]


def test_the_sources_have_not_changed_since_they_were_built(manifest: dict[str, Any]) -> None:
    names = ["build.mjs", "favicon.svg", "package-lock.json"]
    names += [
        str(path.relative_to(VENDOR))
        for path in (*VENDOR.glob("styles/*"), *VENDOR.glob("scripts/*"))
    ]
    assert {name: digest(VENDOR / name) for name in names} == manifest["sources"], (
        "run `make vendor`"
    )


def test_every_package_is_pinned_and_licensed(manifest: dict[str, Any]) -> None:
    locked = json.loads((VENDOR / "package-lock.json").read_text())["packages"]
    asked = json.loads((VENDOR / "package.json").read_text())["devDependencies"]
    for package in (*manifest["packages"], *manifest["built_with"]):
        lock = locked[f"node_modules/{package['name']}"]
        assert package["integrity"] == lock["integrity"]
        assert package["version"] == lock["version"] == asked.pop(package["name"])
        assert package["licence"] == "MIT"
    assert not asked, "a package that the manifest does not name"
    for package in manifest["packages"]:
        assert "Permission is hereby granted" in (STATIC / package["licence_text"]).read_text()


def test_the_lock_names_no_host() -> None:
    assert "://" not in (VENDOR / "package-lock.json").read_text()


@pytest.mark.parametrize(
    "path", [*STATIC.glob("*.css"), *STATIC.glob("*.js"), *STATIC.glob("*.svg")], ids=str
)
def test_a_static_file_loads_nothing_else(path: Path) -> None:
    text = path.read_text()
    for vocabulary in VOCABULARIES:
        text = text.replace(vocabulary, "")
    assert not re.findall(
        r"https?://\w|@import|@font-face|url\(|GDS Transport|eval\(|innerHTML", text
    )


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_holds_no_script_style_or_foreign_address(path: Path) -> None:
    text = path.read_text()
    assert not re.findall(r"<style|\sstyle=|\son[a-z]+=|javascript:|[\"'=(]https?://", text)
    assert not re.findall(r"<script(?! type=\"module\" src=\"{{ static_url\()", text)


def digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()
