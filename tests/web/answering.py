"""Answering the questions as a visitor does: the page, its form, and what becomes of the onboarding."""

from typing import Final
from uuid import UUID

import httpx
from fastapi import FastAPI

from onboarding import finding, queries, registry
from onboarding.db import reading, transaction
from onboarding.filters import Filter
from onboarding.models import Onboarding
from onboarding.sealing import Keyring
from onboarding.walking_forms import Form, forms
from tests.web.visiting import Visitor, a_site, soup

ACCOUNT: Final = {"organisation": "Example SARL", "email": "dev@example.org", "role": "developer"}


def furnished(ring: Keyring) -> FastAPI:
    """The application, with sample aggregators."""
    with transaction() as session:
        registry.add_samples(session)
    return a_site(ring)


def on_the_way(site: FastAPI, way: str) -> tuple[Visitor, httpx.Response]:
    """A visitor who has answered so, and the page that they see now."""
    visitor = Visitor(site)
    page = visitor.open("/en")
    for code in way.split():
        page = visitor.follow(answered(visitor, page, code))
    return visitor, page


def answered(visitor: Visitor, page: httpx.Response, code: str) -> httpx.Response:
    """Answer the question of a page with one code, as a browser would send it."""
    form = page_form(page)
    answer = visitor.insist(form.action, form.filled(**given(page, code)))
    # What the registry contradicts is chosen once more.
    knowing = "knowing" in answer.text and page_form(answer).fields.get("knowing") == code
    return answered(visitor, answer, code) if knowing else answer


def given(page: httpx.Response, code: str) -> dict[str, str]:
    """The fields that a code stands for; of an account it is the role."""
    question = asked_by(page)
    return {**ACCOUNT, "role": code} if question == "account" else {question: code}


def page_form(page: httpx.Response) -> Form:
    (form,) = forms(page.text)
    return form


def asked_by(page: httpx.Response) -> str:
    """The code of the question that a page asks."""
    form = page_form(page)
    return (
        "connection_type" if form.action.endswith("/onboardings") else form.action.rsplit("/")[-1]
    )


def offers(page: httpx.Response) -> dict[str, list[str]]:
    """What may be chosen or, where that is nothing, typed, by field."""
    typed = {str(each["name"]): list[str]() for each in soup(page).select("input.govuk-input")}
    listed = {
        str(each["name"]): [str(option["value"]) for option in each.select("option")]
        for each in soup(page).select("select")
    }
    return typed | listed | dict(page_form(page).choices)


def chosen(page: httpx.Response) -> list[str]:
    return [str(each["value"]) for each in soup(page).select("main :is([checked], [selected])")]


def question(visitor: Visitor, code: str) -> str:
    return f"{visitor.home(the_onboarding_of(visitor).id)}/questions/{code}"


def the_onboarding_of(visitor: Visitor) -> Onboarding:
    """The latest onboarding of a visitor."""
    return max(the_onboardings(), key=lambda each: each.id)


def the_onboardings() -> list[Onboarding]:
    with reading() as session:
        return list(finding.page(session, Filter(), 10))


def history(onboarding_id: UUID) -> list[str]:
    with reading() as session:
        return [step.event for step in queries.history(session, onboarding_id)]
