"""`operators ls` and `remove`: who has signed in to the console, and who is to be forgotten."""

from typing import Final

from sqlalchemy.orm import Session

from onboarding import admissions, leaving, masking, operators
from onboarding.commands import choosing, printing, terminal
from onboarding.commands.exits import REFUSED, Failure
from onboarding.db import reading
from onboarding.leaving import Leaving
from onboarding.models import Operator
from onboarding.sealing import Keyring

ACTION: Final = "operators.remove"
_HEAD: Final = ("ID", "Name", "Role", "E-mail", "Since")


def ls(*, as_json: bool) -> None:
    """Whoever has signed in, by name; addresses masked."""
    with reading() as session:
        found = operators.all_of_them(session)
        lines, rows = [_facts(each) for each in found], [_row(each) for each in found]
    empty = "Nobody has signed in to the console yet."
    printing.listed(lines, _HEAD, rows, empty=empty, as_json=as_json)


def remove(ring: Keyring, wanted: str, reason: str, *, sure: bool, as_json: bool) -> None:
    """Forget one, after a question. The trail has the ID. Raises Invalid, and Failure."""
    with reading() as session:
        one = _known(session, wanted)
        goes = leaving.look(session, one.id)
    if not sure:
        printing.say(f"{one.name} ({one.role}): {_summary(goes)}")
        if not terminal.agrees("Remove them for good?"):
            raise Failure("Nobody was removed.", "With --yes, nobody is asked.", REFUSED)
    with admissions.written_down(ring, terminal.change(ACTION, reason)) as (session, about):
        goes = leaving.remove(session, one.id)
        about.update(operator=str(one.id), let_go=goes.let_go, shared_views=[*goes.shared_views])
    if as_json:
        told = {"id": one.id, "let_go": goes.let_go, "shared_views": goes.shared_views}
        printing.line({**told, "removed": True})
    else:
        printing.say(f"Removed. The trail, notes and runs name them by operator:{one.id} alone.")


def _known(session: Session, wanted: str) -> Operator:
    typed = wanted.removeprefix("operator:")
    everybody = operators.all_of_them(session)
    return choosing.one(everybody, typed, _called, "operator", "operators ls")


def _called(one: Operator) -> tuple[str, ...]:
    return (one.name, one.email) if one.email else (one.name,)


def _summary(goes: Leaving) -> str:
    shared = ", ".join(goes.shared_views)
    what = "name, address, account, sessions and views go"
    views = f", also for all others: {shared}" if shared else ""
    many = f"{goes.let_go} onboarding{'' if goes.let_go == 1 else 's'}"
    return f"{what}{views}. Nobody looks after {many} then." if goes.let_go else f"{what}{views}."


def _facts(one: Operator) -> dict[str, object]:
    return {
        "id": one.id,
        "name": one.name,
        "role": one.role,
        "email": masking.email(one.email) or None,
        "created_at": one.created_at,
    }


def _row(one: Operator) -> tuple[str, ...]:
    since = printing.moment(one.created_at)
    return (str(one.id), one.name, one.role, masking.email(one.email), since)
