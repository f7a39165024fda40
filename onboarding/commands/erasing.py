"""`erase`: what is known of one person goes, once it was looked at; what stays is told with why."""

import sys
from typing import Final

from onboarding import actions, audit, erasing
from onboarding.audit import Attempt
from onboarding.commands import printing, terminal
from onboarding.commands.exits import REFUSED, Failure
from onboarding.db import transaction
from onboarding.erasing import Erased
from onboarding.errors import Invalid
from onboarding.sealing import Keyring

ACTION: Final = "erase"
# Why an onboarding stays, and what ends that.
_WHY: Final = {
    "open": "it goes on: onboarding fire {} cancel --reason …",
    "connected": "its connection works: onboarding connection revoke {} --reason …",
    "under_way": "something is still to be done for it: onboarding show {}",
    "developer": "somebody else's, who names them as its developer: onboarding show {}",
}
_STAYS: Final = (
    "The trail and runs stay as they are, as nothing can be taken out of them unseen; so do events of the"
    " marketplace's and suspensions, which name a Seller ID. Backups, e-mails and the logs of your servers"
    " are yours to look through: docs/retention.md."
)


def look(typed: str, *, as_json: bool) -> None:
    """Say what would go and what would stay, and do nothing. Raises Invalid."""
    found = erasing.look(erasing.checked(_read(typed)))
    _tell(found, "would go", "would be masked", as_json=as_json)


def erase(ring: Keyring, typed: str, reason: str, *, sure: bool, as_json: bool) -> None:
    """Do it, after a question. The trail has that and why, and not whom. Raises Invalid, and Failure."""
    address, why = erasing.checked(_read(typed)), actions.checked(reason)
    if address.lower() in why.lower():
        raise Invalid({"reason": "Say why without the address: the trail would keep it."})
    found = erasing.look(address)
    if not sure and found.anything:
        _tell(found, "would go", "would be masked", as_json=False)
        if not terminal.agrees("Erase it for good?"):
            raise Failure("Nothing was erased.", "With --yes, nobody is asked.", REFUSED)
    done = Erased()
    try:
        erasing.erase(address, done)
    finally:
        if done.anything:
            _write_down(ring, why, done)
    _tell(done, "gone", "masked", as_json=as_json)


def _read(typed: str) -> str:
    """From stdin it stands in no list of processes, and in no shell's history."""
    return sys.stdin.readline() if typed == "-" else typed


def _write_down(ring: Keyring, why: str, done: Erased) -> None:
    who = terminal.operator()
    told = {"removed": done.removed, "masked": dict(+done.masked), "left": len(done.left)}
    with transaction() as session:
        audit.append(session, ring, Attempt(who.id, who.role, ACTION, why, details=told))


def _tell(found: Erased, gone: str, masked: str, *, as_json: bool) -> None:
    if as_json:
        printing.line(_facts(found))
        return
    if not (found.anything or found.left):
        printing.say("Nothing that can go leads to this address.")
    for reference in found.removed:
        printing.text(f"{reference}  {gone}")
    for name, count in sorted((+found.masked).items()):
        printing.text(f"{name}  {masked} in {count} {'row' if count == 1 else 'rows'}")
    for each in found.left:
        printing.say(f"{each.reference} stays: {_WHY[each.why].format(each.reference)}")
    if found.trail:
        printing.say(
            f"{found.trail} rows of the trail or of runs have the address in what was typed."
        )
    printing.say(_STAYS)


def _facts(found: Erased) -> dict[str, object]:
    return {
        "removed": found.removed,
        "masked": dict(+found.masked),
        "left": [
            {"reference": each.reference, "state": each.state, "why": each.why}
            for each in found.left
        ],
        "trail": found.trail,
    }
