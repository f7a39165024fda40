"""The tables. What must always be true stands here as a named constraint, not in the code.

Facts are timestamps; there is one `state` and no flag beside it. No relationships: loading is said
where it happens.
"""

from onboarding.models.base import Base
from onboarding.models.credentials import (
    ENDING,
    Announced,
    Client,
    Link,
    RevokedToken,
    SealedSecret,
    Secret,
    UsedAssertion,
)
from onboarding.models.handovers import DeveloperCode, Handover
from onboarding.models.inbound import (
    INBOUND_STATUSES,
    InboundEvent,
    Source,
    SourceKey,
    SuspendedSeller,
)
from onboarding.models.listening import SIGNATURES, Delivery, EventLog, Webhook
from onboarding.models.onboardings import (
    Aggregator,
    Canary,
    FailedAttempt,
    Mail,
    Message,
    Onboarding,
    Transition,
)
from onboarding.models.operating import (
    MASKED,
    Assignment,
    AuditEntry,
    AuditHead,
    CauseMark,
    Note,
    Operator,
    OperatorSession,
    SavedView,
    Unmasking,
    ViewAlert,
)
from onboarding.models.people import (
    ApiKey,
    BrowserSession,
    ContactCode,
    Grant,
    KeyCheck,
    PendingSignIn,
    ResumeLink,
    System,
    UnprovedLetter,
)
from onboarding.models.requests import KeptAnswer
from onboarding.models.runs import OUTCOMES, RUN_STATUSES, Run, RunItem
from onboarding.models.sellers import FurtherLink, SellerInvitation

__all__ = [
    "ENDING",
    "INBOUND_STATUSES",
    "MASKED",
    "OUTCOMES",
    "RUN_STATUSES",
    "SIGNATURES",
    "Aggregator",
    "Announced",
    "ApiKey",
    "Assignment",
    "AuditEntry",
    "AuditHead",
    "Base",
    "BrowserSession",
    "Canary",
    "CauseMark",
    "Client",
    "ContactCode",
    "Delivery",
    "DeveloperCode",
    "EventLog",
    "FailedAttempt",
    "FurtherLink",
    "Grant",
    "Handover",
    "InboundEvent",
    "KeptAnswer",
    "KeyCheck",
    "Link",
    "Mail",
    "Message",
    "Note",
    "Onboarding",
    "Operator",
    "OperatorSession",
    "PendingSignIn",
    "ResumeLink",
    "RevokedToken",
    "Run",
    "RunItem",
    "SavedView",
    "SealedSecret",
    "Secret",
    "SellerInvitation",
    "Source",
    "SourceKey",
    "SuspendedSeller",
    "System",
    "Transition",
    "Unmasking",
    "UnprovedLetter",
    "UsedAssertion",
    "ViewAlert",
    "Webhook",
]
