"""The fifteen invariants: what must be true of every onboarding at any moment, whatever has died.

Each is a few selects that find nothing in a healthy database. Fault tests end with them, and
`onboarding doctor --deep` asks them of a database in use.
"""

from onboarding.invariants.fifteen import FIFTEEN, RULES, Invariant
from onboarding.invariants.rules import Finding, Rule
from onboarding.invariants.running import Outcome, check, rows_to_walk, violations

__all__ = [
    "FIFTEEN",
    "RULES",
    "Finding",
    "Invariant",
    "Outcome",
    "Rule",
    "check",
    "rows_to_walk",
    "violations",
]
