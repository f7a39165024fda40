"""Operators at work in tests: look at an action, carry it out, and read the trail."""

from onboarding import actions, audit, invariants, operators, queries
from onboarding.db import reading, transaction
from onboarding.models import AuditEntry
from onboarding.operators import Who
from onboarding.previews import Preview
from onboarding.sealing import Keyring

WHY = "INC-442: the registry is back"


def a_lead(name: str = "Mara") -> Who:
    with transaction() as session:
        found = operators.known(session, "issuer", name, name, "lead")
        return Who(f"operator:{found.id}", found.name, found.role, found.id)


def look(who: Who, onboarding_id: object, action: str) -> Preview:
    with transaction() as session:
        onboarding = queries.by_id(session, onboarding_id)  # type: ignore[arg-type]
        return actions.preview(session, onboarding, action, who)


def carry_out(ring: Keyring, who: Who, chosen: Preview, reason: str = WHY, choice: str = "") -> str:
    with transaction() as session:
        return actions.carry_out(session, ring, who, chosen, reason, choice).state


def trail(limit: int = 10) -> list[AuditEntry]:
    with reading() as session:
        return [*audit.latest(session, limit)]


def findings() -> list[str]:
    """What the checker has to say, after all is done."""
    return [f"{each}" for outcome in invariants.check() for each in outcome.named]
