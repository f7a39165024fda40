"""`restored`: what has to follow a backup that was put back in place."""

import sys

from onboarding import admissions, event_log, fences, queries
from onboarding.commands import printing, terminal
from onboarding.commands.exits import REFUSED, Failure
from onboarding.db import reading, transaction
from onboarding.sealing import Keyring


def restored(ring: Keyring, reason: str, *, sure: bool, as_json: bool) -> None:
    """Destroy every secret that waits to be shown: the backup cannot tell which were shown since.

    Nor can it tell which places of the event log readers have seen: it goes on behind them. The trail
    ends where the backup does as well; from its row on it is this copy's. Raises Invalid, and Failure
    where somebody at a terminal does not want that; a script is not asked.
    """
    with reading() as session:
        waiting = fences.sealed(session)
        last = queries.latest_transition_at(session)
    if waiting and not sure and sys.stdin.isatty():
        _ask(len(waiting))
    with admissions.written_down(ring, terminal.change("restored", reason)) as (session, about):
        about["latest_transition_at"] = last.isoformat() if last else None
        about["waiting_secrets"] = len(waiting)
        event_log.leap(session)
    destroyed = []
    for onboarding_id in waiting:
        with transaction() as session:
            if fences.forfeit(session, onboarding_id):
                destroyed.append(queries.by_id(session, onboarding_id).reference)
    if as_json:
        printing.line({"destroyed": destroyed, "latest_transition_at": last})
        return
    for reference in destroyed:
        printing.text(reference)
    printing.say(
        f"Destroyed {len(destroyed)} client secrets that waited to be shown; their sellers are asked"
        " to create new ones."
    )
    if last is not None:
        printing.say(
            f"This database knows nothing after {last:%Y-%m-%d %H:%M:%S} UTC. Whatever was issued,"
            " revoked or linked since then is unknown here: compare with your other systems."
        )


def _ask(waiting: int) -> None:
    if not terminal.agrees(f"Destroy {waiting} client secrets that wait to be shown?"):
        raise Failure(
            "Nothing was destroyed, and the log of events goes on where it was.",
            "It is for a database that was just restored from a backup. With --yes, nobody is asked.",
            REFUSED,
        )
