"""The questions that lead to a door, one a page, and what to do where they lead to none yet.

Answers are kept as they come and are no transitions; the last one fires `choose_type`. Until a
client ID exists they can be given again, also once a type is chosen.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from fastapi import APIRouter
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from onboarding import addresses, events, lifecycle, proofs, registry, routing
from onboarding.access import Actor
from onboarding.db import reading, transaction
from onboarding.errors import MovedOn, NotFound, TooMany
from onboarding.models import Aggregator, Onboarding
from onboarding.routing import Advice, Door, Question, Step
from onboarding.routing_questions import START, TREE
from onboarding.web import wizard_answers
from onboarding.web.retried_route import RetriedRoute
from onboarding.web.wizard_answers import Typed
from onboarding.web.wizard_frame import acting, framed, home, look, to_home, too_late, too_many

router = APIRouter(include_in_schema=False, route_class=RetriedRoute)

# Where the chart lets a seller choose a type, for the first time or again.
CHOOSING: Final = frozenset({"started", "type_chosen", "awaiting_aggregator"})

_HOME: Final = "/{locale}/onboardings/{onboarding_id}"
_CODES: Final = frozenset(node.question.code for node in TREE.values())


class _Answered(NamedTuple):
    """What became of a form: a step further, or what was wrong with it."""

    onboarding: Onboarding
    question: Question
    values: dict[str, str]
    errors: dict[str, str]
    step: Step | None
    # What the registry says instead, until it is answered all the same.
    instead: str | None = None


def show(request: Request, onboarding: Onboarding) -> Response:
    """The page of an onboarding that is `started`: what to ask or advise next."""
    answers = _answers(onboarding)
    step = routing.next_question(answers)
    if isinstance(step, Advice):
        return _advice_page(request, onboarding, step)
    # Where everything is answered but nothing is chosen, the last answer is asked for again.
    question = routing.trail(answers)[-1] if isinstance(step, Door) else step
    return _question_page(request, onboarding, question)


def show_soap(request: Request, onboarding: Onboarding) -> Response:
    """The end of the way to the older SOAP APIs: what to do in the Seller Portal."""
    return framed(request, onboarding, "redirected_to_soap.html")


@router.get(f"{_HOME}/questions/{{code}}")
def question(request: Request, locale: str, onboarding_id: str, code: str) -> Response:
    """One question, answered before or not."""
    _, onboarding = look(request, onboarding_id)
    if code not in _CODES:
        raise NotFound
    asked = _asked(onboarding, code)
    if asked is None:
        return to_home(request, onboarding_id)
    return _question_page(request, onboarding, asked)


@router.get(f"{_HOME}/advice")
def advice(request: Request, locale: str, onboarding_id: str) -> Response:
    """What to do before the questions can go on."""
    _, onboarding = look(request, onboarding_id)
    step = routing.next_question(_answers(onboarding))
    if onboarding.state in CHOOSING and isinstance(step, Advice):
        return _advice_page(request, onboarding, step)
    return to_home(request, onboarding_id)


@router.get(f"{_HOME}/answers/{{code}}")
def back_to_the_question(request: Request, locale: str, onboarding_id: str, code: str) -> Response:
    """Where a form with a mistake was shown: reloaded, or in the other language, it is new again."""
    return question(request, locale, onboarding_id, code)


@router.post(f"{_HOME}/answers/{{code}}")
def answer(request: Request, locale: str, onboarding_id: str, code: str, typed: Typed) -> Response:
    """Keep an answer and go on; the last one chooses the connection type."""
    if code not in _CODES:
        raise NotFound
    try:
        with transaction() as session:
            done = _answer(session, request, onboarding_id, code, typed)
    except MovedOn:
        return _moved_on(request, onboarding_id, typed)
    except TooMany as error:
        return too_many(request, onboarding_id, error)
    if done.step is None:
        return _question_page(
            request, done.onboarding, done.question, done.values, done.errors, done.instead
        )
    return RedirectResponse(_place(request, done.onboarding, done.step), 303)


def take(
    session: Session, actor: Actor, onboarding: Onboarding, code: str, values: Mapping[str, str]
) -> Step:
    """Keep an answer of a locked onboarding; what comes next, even if it was answered before."""
    onboarding.answers = routing.answer(_answers(onboarding), code, values)
    step = _after(onboarding.answers, code)
    if isinstance(step, Door):
        _choose(session, actor, onboarding, step)
    return step


def _answer(
    session: Session, request: Request, onboarding_id: str, code: str, typed: Mapping[str, str]
) -> _Answered:
    visitor, seen = acting(session, request, onboarding_id)
    onboarding = lifecycle.lock(session, seen.id)
    expected = wizard_answers.sequence_of(typed)
    asked = _asked(onboarding, code)
    if asked is None or expected not in (None, onboarding.sequence):
        raise MovedOn(onboarding.state, onboarding.sequence)
    values = wizard_answers.given(asked, typed)
    errors = wizard_answers.faults(request, asked, values, [a.id for a in _listed(session)])
    instead = _registered_otherwise(session, onboarding, values)
    if not errors and instead and typed.get("knowing") != values["asks_for"]:
        return _Answered(onboarding, asked, values, errors, None, instead)
    actor = proofs.actor(visitor)
    step = None if errors else take(session, actor, onboarding, code, values)
    return _Answered(onboarding, asked, values, errors, step)


def _choose(session: Session, actor: Actor, onboarding: Onboarding, door: Door) -> None:
    _take_over(onboarding, door)
    chosen = {
        "connection_type": door.connection_type,
        "credential_mode": door.credential_mode,
        "aggregator": door.aggregator or door.aggregator_name,
    }
    data = {name: value for name, value in chosen.items() if value}
    events.choose_type(session, onboarding.id, actor, data, onboarding.sequence)
    addresses.count_letter(session, onboarding, onboarding.contact_email)


def _take_over(onboarding: Onboarding, door: Door) -> None:
    """What the answers say besides the type. A partner's address is no contact of ours."""
    answers = onboarding.answers
    if door.connection_type == "own_development":
        onboarding.connection_name = answers.get("connection_name")
    if door.connection_type == "credentials_only" and answers["email"] != onboarding.contact_email:
        onboarding.contact_email = answers["email"]
        # A code proved the address before, or a sign-in did without one: not this address.
        onboarding.contact_verified_at = None


def _moved_on(request: Request, onboarding_id: str, typed: Mapping[str, str]) -> Response:
    """A second click on the last answer ends where the first one led; any other answer came too late."""
    _, onboarding = look(request, onboarding_id)
    kept = {"sequence": typed.get("sequence", "")} | onboarding.answers
    same = all(kept.get(name, "") == value for name, value in typed.items())
    event = "choose_type" if same else "answer"
    return too_late(request, onboarding_id, event, wizard_answers.sequence_of(typed))


def _answers(onboarding: Onboarding) -> dict[str, str]:
    """What was answered; nothing, if an earlier release kept answers that no question offers any more."""
    try:
        routing.next_question(onboarding.answers)
    except routing.UnknownAnswer:
        return {}
    return onboarding.answers


def _asked(onboarding: Onboarding, code: str) -> Question | None:
    """The question as these answers lead to it, while a type may be chosen."""
    if onboarding.state not in CHOOSING:
        return None
    answers = _answers(onboarding)
    way = [*routing.trail(answers), routing.next_question(answers)]
    return next((step for step in way if isinstance(step, Question) and step.code == code), None)


def _after(answers: Mapping[str, str], code: str) -> Step:
    """The step after a question, so that somebody who went back sees each later answer again."""
    way = routing.trail(answers)
    codes = [question.code for question in way]
    later = way[codes.index(code) + 1 :]
    return later[0] if later else routing.next_question(answers)


def _place(request: Request, onboarding: Onboarding, step: Step) -> str:
    here = home(request, onboarding.id)
    match step:
        case Question(code=code):
            return f"{here}/questions/{code}"
        case Advice():
            return f"{here}/advice"
        case Door():
            return here


def _question_page(
    request: Request,
    onboarding: Onboarding,
    question: Question,
    typed: Mapping[str, str] | None = None,
    errors: Mapping[str, str] | None = None,
    instead: str | None = None,
) -> Response:
    answers = _answers(onboarding)
    with reading() as session:
        aggregators = _listed(session) if question.code == "aggregator" else []
        aggregator = _aggregator(session, answers)
    context: dict[str, Any] = {
        "action": f"{home(request, onboarding.id)}/answers/{question.code}",
        "back": _back(request, onboarding, answers, question.code),
        "step": None,
        "options": question.options,
        "answers": answers,
        "aggregators": [{"value": each.id, "text": each.name} for each in aggregators],
        "aggregator": aggregator.name if aggregator else answers.get("aggregator_name"),
        "registered": _registered(aggregator),
        "instead": instead,
        "endings": [],
        "connections": None,
        "begun": False,
        "errors": errors or {},
        "typed": typed or {},
    }
    template = "started" if question.code == START else f"question_{question.code}"
    return framed(request, onboarding, f"{template}.html", 422 if errors else 200, **context)


def _advice_page(request: Request, onboarding: Onboarding, step: Advice) -> Response:
    here = home(request, onboarding.id)
    question = f"{here}/questions/{step.question}"
    return framed(
        request,
        onboarding,
        f"advice_{step.code}.html",
        step=None,
        back=question,
        question=question,
        soap=f"{here}/answers/{START}",
    )


def _back(
    request: Request, onboarding: Onboarding, answers: Mapping[str, str], code: str
) -> str | None:
    here = home(request, onboarding.id)
    before = routing.previous(answers, code)
    if before:
        return f"{here}/questions/{before}"
    return None if onboarding.state == "started" else here


def _listed(session: Session) -> list[Aggregator]:
    """The aggregators to choose from; one whose ID says "other" is found by its name."""
    known = registry.known(session)
    return [each for each in known if each.status == "registered" and each.id != "other"]


def _registered(aggregator: Aggregator | None) -> str | None:
    """The answer that the registry gives to what the aggregator asks for, if it knows it."""
    return {"delegated": "one", "full": "three"}[aggregator.asks_for] if aggregator else None


def _registered_otherwise(
    session: Session, onboarding: Onboarding, values: Mapping[str, str]
) -> str | None:
    """What the registry says, where the seller has answered the opposite. Two values are asked about."""
    registered = _registered(_aggregator(session, _answers(onboarding)))
    answered = values.get("asks_for")
    return registered if answered in {"one", "three"} - {registered} else None


def _aggregator(session: Session, answers: Mapping[str, str]) -> Aggregator | None:
    """The registry's row of the aggregator that was chosen, or that has the name which was typed."""
    chosen, typed = answers.get("aggregator"), answers.get("aggregator_name")
    found = registry.by_id(session, chosen) if chosen else None
    return found or (registry.find(session, typed) if typed else None)
