"""`archive`: what is over goes into a file, and out of the database."""

from contextlib import closing
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from onboarding import archiving, audit
from onboarding.archiving import Archived
from onboarding.audit import Attempt
from onboarding.commands import printing, terminal
from onboarding.commands.exits import Failure
from onboarding.db import transaction
from onboarding.sealing import Keyring


def look(days: int, *, as_json: bool) -> None:
    """Say how many could go, and do nothing."""
    count = archiving.waiting(days)
    if as_json:
        printing.line({"archived": 0, "could_go": count, "file": None})
    else:
        printing.say(f"{count} could go: they {_ended(days)}, and nothing of theirs lives.")


def archive(ring: Keyring, days: int, folder: Path, *, as_json: bool) -> None:
    """Take them out, and leave a row in the trail of how many they were, also where it is stopped."""
    done = Archived(0, None)
    try:
        with (
            Progress(console=Console(stderr=True), transient=True) as bar,
            closing(archiving.archive(days, folder)) as batches,
        ):
            task = bar.add_task("Archiving", total=archiving.waiting(days))
            for done in batches:
                bar.update(task, completed=done.count)
    except OSError as error:
        advice = "Give a folder that this user may write to; what has not gone stays as it is."
        raise Failure(f"{folder} cannot be written: {error.strerror}.", advice) from None
    finally:
        if done.count:
            _note(ring, days, done)
    if as_json:
        printing.line({"archived": done.count, "file": str(done.path) if done.path else None})
    else:
        printing.say(
            f"Archived {done.count}, in {done.path}." if done.path else "Nothing could go."
        )


def _note(ring: Keyring, days: int, done: Archived) -> None:
    who = terminal.operator()
    told = {"count": done.count, "days": days, "file": done.path.name if done.path else None}
    with transaction() as session:
        made = Attempt(who.id, who.role, "archive", _ended(days), details=told)
        audit.append(session, ring, made)


def _ended(days: int) -> str:
    return f"ended {days} {'day' if days == 1 else 'days'} ago or more"
