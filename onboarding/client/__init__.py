"""A client for the API of this service: `from onboarding.client import Client`.

It needs httpx and nothing else of this program, so it can be used, or copied, on its own.
"""

from onboarding.client.api import Client
from onboarding.client.problems import Problem, Unreachable
from onboarding.client.shapes import (
    Due,
    Event,
    EventPage,
    Onboarding,
    Requirements,
    RevealedSecret,
    Step,
)

__all__ = [
    "Client",
    "Due",
    "Event",
    "EventPage",
    "Onboarding",
    "Problem",
    "Requirements",
    "RevealedSecret",
    "Step",
    "Unreachable",
]
