"""`archive`: what it says, what it leaves in the trail, and a folder that cannot be had."""

from pathlib import Path

from tests.commands.conftest import Run
from tests.test_archiving import an_old_one, left


def test_where_nothing_can_be_written_nothing_goes(run_on_both: Run, tmp_path: Path) -> None:
    old = an_old_one()
    (tmp_path / "file").write_text("no folder")
    for folder in (tmp_path / "file", tmp_path / "mistyped" / "archive"):
        told = run_on_both("archive", "--older-than", "30", "--to", str(folder))
        assert told.code == 1
        assert f"{folder} cannot be written" in told.err
        assert left() == {old}
    assert not (tmp_path / "mistyped").exists()


def test_a_terminal_says_what_has_gone_and_the_trail_keeps_it(
    run_on_both: Run, tmp_path: Path
) -> None:
    an_old_one()
    asked = ("archive", "--older-than", "365", "--to", str(tmp_path / "archive"))
    assert run_on_both(*asked, "--dry-run", "--json").lines == [
        {"archived": 0, "could_go": 1, "file": None}
    ]
    assert "1 could go" in run_on_both(*asked, "--dry-run").err
    (told,) = run_on_both(*asked, "--json").lines
    assert told["archived"] == 1
    assert len(Path(told["file"]).read_text().splitlines()) == 1
    (row,) = [
        each for each in run_on_both("audit", "ls", "--json").lines if each["action"] == "archive"
    ]
    assert row["details"]["count"] == 1
    assert "Nothing could go." in run_on_both(*asked).err
