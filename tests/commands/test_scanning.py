"""`scan`: what it prints of what it finds, what it says of what it has not read, and how it ends."""

import io
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from onboarding import checksums
from onboarding.commands import exits
from onboarding.credentials import new_secret
from tests.commands.conftest import Run

SECRET = new_secret("mps", live=True)
KEY = checksums.new(checksums.API_KEY_PREFIX)


def plant(folder: Path) -> None:
    (folder / "src").mkdir()
    (folder / "src" / "config.py").write_text(f"# one\nSECRET = '{SECRET}'\n")
    (folder / "program.bin").write_bytes(os.urandom(100).replace(b"\n", b"") + KEY.encode())
    (folder / "clean.txt").write_text("nothing\n")


def test_it_tells_where_they_are_and_not_what(run_anywhere: Run, tmp_path: Path) -> None:
    plant(tmp_path)
    shown = run_anywhere("scan", ".")
    assert shown.code == exits.FINDINGS
    key, secret = shown.out.splitlines()
    assert secret == f"./src/config.py:2:11: live client secret …{SECRET[-6:]}"
    assert key.startswith("./program.bin:1:")
    assert key.endswith(f": API key …{KEY[-6:]}")
    for each in (SECRET, KEY):
        assert each[:-6] not in shown.out + shown.err


def test_for_programs(run_anywhere: Run, tmp_path: Path) -> None:
    plant(tmp_path)
    _, secret = run_anywhere("scan", ".", "--json").lines
    assert secret == {
        "path": "./src/config.py",
        "line": 2,
        "column": 11,
        "kind": "client_secret",
        "environment": "live",
        "ending": SECRET[-6:],
    }


def test_where_there_is_none_it_says_nothing(run_anywhere: Run, tmp_path: Path) -> None:
    (tmp_path / "clean.txt").write_text("nothing\n")
    shown = run_anywhere("scan", "clean.txt", ".")
    assert (shown.code, shown.out, shown.err) == (exits.DONE, "", "")


def test_stdin(run_anywhere: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    diff = io.BytesIO(f"+++ b/x\n+password: {SECRET}\n".encode())
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=diff))
    shown = run_anywhere("scan", "-")
    assert (shown.code, shown.out.split(": ")[0]) == (exits.FINDINGS, "-:2:12")


def test_a_prefix_of_before(run_anywhere: Run, tmp_path: Path) -> None:
    (tmp_path / "old.txt").write_text(new_secret("old", live=False))
    assert run_anywhere("scan", ".").code == exits.DONE
    assert run_anywhere("scan", ".", "--prefix", "old", "--prefix", "mps").code == exits.FINDINGS
    assert run_anywhere("scan", ".", SECRET_PREFIX="old").code == exits.FINDINGS


def test_a_name_is_looked_at_and_not_repeated(run_anywhere: Run, tmp_path: Path) -> None:
    (tmp_path / SECRET).mkdir()
    (tmp_path / SECRET / f"{KEY}\n\x1b[2J.txt").touch()
    shown = run_anywhere("scan", ".")
    assert shown.code == exits.FINDINGS
    assert shown.out.splitlines() == [
        f"./…{SECRET[-6:]}:in its name: live client secret …{SECRET[-6:]}",
        rf"./…{SECRET[-6:]}/…{KEY[-6:]}\n\x1b[2J.txt:in its name: API key …{KEY[-6:]}",
    ]


def test_a_link_is_followed_once(run_anywhere: Run, tmp_path: Path) -> None:
    elsewhere, here = tmp_path / "elsewhere", tmp_path / "here"
    for folder in (elsewhere, here):
        folder.mkdir()
    plant(elsewhere)
    (here / "link").symlink_to(elsewhere)
    (here / "loop").symlink_to(here)
    shown = run_anywhere("scan", "here")
    assert len(shown.out.splitlines()) == 2


def test_what_is_not_searched_is_said(run_anywhere: Run, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04" + bytes(40))
    packed = run_anywhere("scan", ".")
    assert packed.code == exits.DONE
    assert packed.err.startswith("Not searched: ./a.zip: zip")
    git = tmp_path / "project" / ".git"
    (git / "objects").mkdir(parents=True)
    (git / "HEAD").touch()
    assert "git log -p --all | onboarding scan -" in run_anywhere("scan", "project").err


def test_what_cannot_be_read_is_no_clean_bill(run_anywhere: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    shown = run_anywhere("scan", ".")
    assert shown.code == exits.REFUSED
    assert shown.err.splitlines() == [
        "Not searched: ./gone: No such file or directory",
        "Not searched: ./pipe: it is no file",
    ]
    plant(tmp_path)
    assert run_anywhere("scan", ".").code == exits.FINDINGS
    assert [line["path"] for line in run_anywhere("scan", ".", "--json").lines[:2]] == [
        "./gone",
        "./pipe",
    ]


def test_a_path_that_is_not_there_ends_it(run_anywhere: Run, tmp_path: Path) -> None:
    plant(tmp_path)
    shown = run_anywhere("scan", ".", "nowhere")
    assert (shown.code, shown.out) == (exits.NOT_FOUND, "")
