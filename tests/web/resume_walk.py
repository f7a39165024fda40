"""Visitors who have asked for a link that leads back, and time that passes for it."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from fastapi import FastAPI
from sqlalchemy import func, select

from onboarding.db import reading, transaction
from onboarding.models import Grant, Mail, Onboarding, ResumeLink, UnprovedLetter
from tests import builders
from tests.web.visiting import (
    Visitor,
    a_visitor,
    letters,
    link_in,
)

EMAIL: Final = "ada@shop.example"


def saved(app: FastAPI, onboarding_id: UUID, **more: Any) -> tuple[Visitor, str]:
    """A visitor who has asked for a link, and its path."""
    visitor = a_visitor(app, onboarding_id, **more)
    page = visitor.open(f"{visitor.home(onboarding_id)}/save")
    visitor.press(page, "/save", email=EMAIL)
    return visitor, link_in(letters()[0])


def the(onboarding_id: UUID) -> Onboarding:
    return builders.the(onboarding_id)


def let_pass(length: timedelta) -> None:
    """Every letter and link is that much older."""
    with transaction() as session:
        for mail in session.scalars(select(Mail)):
            mail.sent_at -= length
        for link in session.scalars(select(ResumeLink)):
            link.created_at -= length
        for letter in session.scalars(select(UnprovedLetter)):
            letter.created_at -= length


def grants() -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(Grant)) or 0
