"""Something to look at and to retry."""

from uuid import UUID

from onboarding import outbox
from onboarding.db import transaction
from onboarding.models import Message
from tests import builders


def reference(onboarding_id: UUID | None) -> str:
    """What people call an onboarding."""
    assert onboarding_id is not None
    return builders.the(onboarding_id).reference


def an_incident(cause: str = "task_failed") -> Message:
    """A message that has failed for good, of an onboarding whose secret is being made."""
    onboarding_id = builders.an_onboarding("issuing_secret")
    return failing("generate_secret", onboarding_id, cause)


def failing(task: str, onboarding_id: UUID, cause: str = "task_failed") -> Message:
    """What an onboarding has been promised has failed for good."""
    (message,) = builders.promised(task, onboarding_id)
    with transaction() as session:
        claim = outbox.claim(session, message.id)
        assert claim is not None
        outbox.fail(session, claim, cause, "it broke", final=True)
    return builders.promised(task, onboarding_id)[0]
