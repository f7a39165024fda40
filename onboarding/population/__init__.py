"""Onboardings for operators to look at: every state, several causes, one outage. For the sandbox only.

They are written as rows, in bulk, past `lifecycle`: nothing is fired and nothing is promised anew. Each
history is one that the chart allows, and the fifteen invariants hold for every one of them.
"""

from onboarding.population.seeding import (
    Advance,
    Population,
    is_welcome,
    nobody_is_there,
    populate,
)

__all__ = ["Advance", "Population", "is_welcome", "nobody_is_there", "populate"]
