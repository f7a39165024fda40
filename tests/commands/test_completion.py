"""Completion: each shell's script is one that it accepts, and what it asks of the program is answered."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ONBOARDING: Final = Path(sys.executable).with_name("onboarding")
# How a shell reads a script without running it.
READS: Final = {"bash": ("bash", "-n"), "zsh": ("zsh", "-n"), "fish": ("fish", "--no-execute")}
# What a shell's script says of a word that is being typed.
TYPED: Final = {
    "bash": {"COMP_WORDS": "onboarding inb", "COMP_CWORD": "1"},
    "zsh": {"_TYPER_COMPLETE_ARGS": "onboarding inb"},
    "fish": {"_TYPER_COMPLETE_ARGS": "onboarding inb", "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
}

# And how the program answers: as lines, or as a call of the shell's own.
ANSWERS: Final = {
    "bash": "inbound\n",
    "zsh": """_arguments '*: :(("inbound":""",
    "fish": "inbound\t",
}


def ran(*command: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    found = {"PATH": f"{ONBOARDING.parent}:{os.environ['PATH']}", "HOME": os.environ["HOME"]}
    return subprocess.run(
        command, env=found | more, capture_output=True, text=True, check=False, timeout=60
    )


def script_of(shell: str) -> str:
    """As `onboarding --show-completion` prints it in that shell."""
    done = ran(ONBOARDING, _ONBOARDING_COMPLETE=f"source_{shell}")
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("shell", [*READS])
def test_the_script_is_one_that_its_shell_reads(shell: str, tmp_path: Path) -> None:
    """A shell that is not on this machine reads nothing: then its script is looked at."""
    script = tmp_path / "completion"
    script.write_text(script_of(shell))
    assert f"_ONBOARDING_COMPLETE=complete_{shell}" in script.read_text()
    assert {"bash": "complete -", "zsh": "compdef ", "fish": "complete --command onboarding"}[
        shell
    ] in script.read_text()
    if shutil.which(shell):
        done = ran(*READS[shell], script)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("shell", [*TYPED])
def test_what_the_script_asks_is_answered(shell: str) -> None:
    done = ran(ONBOARDING, _ONBOARDING_COMPLETE=f"complete_{shell}", **TYPED[shell])
    assert done.stdout.startswith(ANSWERS[shell]), done


def test_bash_completes_a_command_and_then_its_own(tmp_path: Path) -> None:
    """The very function that the script defines, called as bash does."""
    script = tmp_path / "completion"
    script.write_text(script_of("bash"))
    for words, wanted in (
        (("onboarding", "inb"), ["inbound"]),
        (("onboarding", "inbound", ""), ["dismiss", "ls", "retry", "show"]),
        (("onboarding", "source", "ro"), ["rotate"]),
    ):
        call = (
            f"source {script}; COMP_WORDS=({' '.join(w or chr(39) * 2 for w in words)});"
            f" COMP_CWORD={len(words) - 1}; _onboarding_completion onboarding;"
            ' printf "%s\\n" "${COMPREPLY[@]}"'
        )
        assert sorted(ran("bash", "-c", call).stdout.split()) == wanted


def test_the_option_prints_the_script_of_the_shell_that_asks() -> None:
    # It looks which shell has called it; one that has nothing else to do would have gone by then.
    done = ran("bash", "-c", f"{ONBOARDING} --show-completion bash; exit $?")
    assert done.returncode == 0
    assert "_onboarding_completion" in done.stdout
