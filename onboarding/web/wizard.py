"""The seller's pages, put together: one page a state, one handler an event."""

from collections.abc import Iterable
from types import ModuleType
from typing import Final

from fastapi import Depends, FastAPI

from onboarding.web import (
    developer_key,
    developer_pages,
    wizard_afterwards,
    wizard_aggregator,
    wizard_client_id,
    wizard_connections,
    wizard_developer,
    wizard_ends,
    wizard_invited,
    wizard_key,
    wizard_left_form,
    wizard_link,
    wizard_new_secret,
    wizard_questions,
    wizard_resume,
    wizard_secret,
    wizard_sellers,
    wizard_start,
    wizard_states,
    wizard_trying,
)
from onboarding.web.wizard_frame import our_language

# What is asked the most; the framework asks one after the other, those of other pages too.
FIRST: Final = (wizard_states,)
PARTS: Final = (
    wizard_start,
    wizard_questions,
    wizard_client_id,
    wizard_secret,
    wizard_new_secret,
    wizard_afterwards,
    wizard_sellers,
    wizard_invited,
    wizard_aggregator,
    wizard_link,
    wizard_ends,
    wizard_resume,
    wizard_key,
    wizard_developer,
    developer_key,
    developer_pages,
    wizard_connections,
    wizard_trying,
    # The last: it takes what nobody else does.
    wizard_left_form,
)


def include(app: FastAPI, parts: Iterable[ModuleType]) -> None:
    """Put pages into the application, part by part: in a router of their own, each would be asked once more."""
    for part in parts:
        app.include_router(
            part.router, include_in_schema=False, dependencies=[Depends(our_language)]
        )
