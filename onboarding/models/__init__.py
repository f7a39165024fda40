"""The tables. What must always be true stands here as a named constraint, not in the code.

Facts are timestamps; there is one `state` and no flag beside it. No relationships: loading is said
where it happens.
"""

from onboarding.models.base import Base
from onboarding.models.credentials import Client, Link, SealedSecret, Secret
from onboarding.models.onboardings import (
    Aggregator,
    Canary,
    Mail,
    Message,
    Onboarding,
    Transition,
)
from onboarding.models.people import (
    ApiKey,
    BrowserSession,
    ContactCode,
    Grant,
    KeyCheck,
    PendingSignIn,
    ResumeLink,
    UnprovedLetter,
)

__all__ = [
    "Aggregator",
    "ApiKey",
    "Base",
    "BrowserSession",
    "Canary",
    "Client",
    "ContactCode",
    "Grant",
    "KeyCheck",
    "Link",
    "Mail",
    "Message",
    "Onboarding",
    "PendingSignIn",
    "ResumeLink",
    "SealedSecret",
    "Secret",
    "Transition",
    "UnprovedLetter",
]
