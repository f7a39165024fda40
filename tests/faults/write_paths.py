"""Every way in which somebody writes: each call of the API, each form that moves an onboarding, each task.

A way is prepared once and sent as often as a test wants, each time the same: the same key, the same
form, the same message. Its effect can be counted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

import httpx
from fastapi import FastAPI
from sqlalchemy import select, update

from onboarding import outbox
from onboarding.credentials import Revealed
from onboarding.db import reading, transaction
from onboarding.models import (
    Aggregator,
    Mail,
    Message,
    Onboarding,
    ResumeLink,
    Transition,
)
from tests import builders
from tests.builders import a_walk, an_onboarding, the
from tests.test_tasks import PROMISES, work_but
from tests.web import secret_walk
from tests.web.answering import asked_by, given, on_the_way, page_form
from tests.web.calling import System, a_system
from tests.web.signing_in import signed_in
from tests.web.visiting import Visitor, a_visitor, form_of, soup

SELLER: Final = "one-shop"
PROVES: Final = "acknowledge_secret"


@dataclass
class Attempt:
    """One thing that somebody wants: send it, count its effects, and see all that was answered."""

    send: Callable[[], httpx.Response]
    effects: Callable[[], int]
    answers: list[httpx.Response] = field(default_factory=list)

    def try_it(self) -> int:
        """The status of the answer."""
        self.answers.append(self.send())
        return self.answers[-1].status_code


Prepare = Callable[[FastAPI], Attempt]


def transitions(onboarding_id: UUID, event: str) -> int:
    """How often an event has moved an onboarding."""
    return secret_walk.count(
        Transition, Transition.onboarding_id == onboarding_id, Transition.event == event
    )


def give_to(system: System, onboarding_id: UUID) -> UUID:
    """Make an onboarding one that this calling system has started."""
    with transaction() as session:
        session.execute(
            update(Onboarding)
            .where(Onboarding.id == onboarding_id)
            .values(system_id=system.id, contact_verified_at=Onboarding.created_at)
        )
    return onboarding_id


def _calling(site: FastAPI) -> System:
    """Its key was used a moment ago, so that nothing is noted now."""
    system = a_system(site)
    assert system.get("/v1/onboardings").status_code == 200
    return system


def _start_by_api(site: FastAPI) -> Attempt:
    system = _calling(site)
    return Attempt(
        lambda: system.post("/v1/onboardings", {"locale": "en"}, idempotency_key="the-same"),
        lambda: secret_walk.count(Onboarding, Onboarding.system_id == system.id),
    )


def _event(state: str, event: str, **data: Any) -> Prepare:
    """An event from where the caller has seen the onboarding last."""

    def prepare(site: FastAPI) -> Attempt:
        system, walk = _calling(site), a_walk(state)
        path = f"/v1/onboardings/{give_to(system, walk.id)}/events"
        told = _proof_of(walk.revealed) if walk.revealed and event == PROVES else data
        body, seen = {"event": event, "data": told}, f'"{the(walk.id).sequence}"'
        return Attempt(
            lambda: system.post(path, body, if_match=seen, idempotency_key="the-same"),
            lambda: transitions(walk.id, event),
        )

    return prepare


def _proof_of(revealed: Revealed) -> dict[str, Any]:
    return {"version": revealed.version, "ending": revealed.secret.get_secret_value()[-6:]}


def _reveal_by_api(site: FastAPI) -> Attempt:
    system = _calling(site)
    made = give_to(system, an_onboarding("secret_ready"))
    return Attempt(
        lambda: system.post(f"/v1/onboardings/{made}/secret-reveal"),
        lambda: transitions(made, "reveal_secret"),
    )


def _continue_link(site: FastAPI) -> Attempt:
    system = _calling(site)
    made = give_to(system, an_onboarding("awaiting_seller"))
    return Attempt(
        lambda: system.post(f"/v1/onboardings/{made}/continue-links"),
        lambda: secret_walk.count(ResumeLink, ResumeLink.onboarding_id == made),
    )


def _aggregator(site: FastAPI) -> Attempt:
    system = _calling(site)
    body = {"name": "New Tool", "status": "registered", "uses_rest": True, "asks_for": "full"}
    return Attempt(
        lambda: system.put("/v1/aggregators/new-tool", body),
        lambda: secret_walk.count(Aggregator, Aggregator.id == "new-tool"),
    )


def _form(visitor: Visitor, page: httpx.Response, ending: str, event: str, **typed: str) -> Attempt:
    """The form of a page, as it stands."""
    action, hidden = form_of(page, ending)
    onboarding_id = UUID(action.split("/onboardings/")[1].split("/")[0])
    return Attempt(
        lambda: visitor.post(action, hidden | typed), lambda: transitions(onboarding_id, event)
    )


def _start_by_page(site: FastAPI) -> Attempt:
    visitor, page = on_the_way(site, "")
    form = page_form(page)
    return Attempt(
        lambda: visitor.post(form.action, form.filled(connection_type="plugin")),
        lambda: secret_walk.count(Onboarding),
    )


def _last_answer(site: FastAPI) -> Attempt:
    visitor, page = on_the_way(site, "plugin yes")
    return _form(visitor, page, f"/answers/{asked_by(page)}", "choose_type", **given(page, "three"))


def _client_id(site: FastAPI) -> Attempt:
    visitor = secret_walk.at(site, "type_chosen")
    page = secret_walk.prove(visitor, secret_walk.page_of(visitor), email=secret_walk.EMAIL)
    return _form(visitor, page, "/client-id", "issue_id")


def _reveal_by_page(site: FastAPI) -> Attempt:
    visitor = secret_walk.at(site, "secret_ready")
    return _form(visitor, secret_walk.page_of(visitor), "/secret-reveal", "reveal_secret")


def _acknowledge(site: FastAPI) -> Attempt:
    visitor = secret_walk.at(site, "secret_ready")
    shown = visitor.press(secret_walk.page_of(visitor), "/secret-reveal")
    return _form(visitor, shown, "/secret-acknowledgement", "acknowledge_secret", stored="yes")


def _reissue(site: FastAPI) -> Attempt:
    visitor = secret_walk.at(site, "secret_revealed")
    return _form(visitor, secret_walk.page_of(visitor), "/secret-reissue", "reissue_secret")


def _press(state: str, ending: str, event: str, at: str = "") -> Prepare:
    """The form of the page of a state, or of a page that asks first."""

    def prepare(site: FastAPI) -> Attempt:
        visitor = a_visitor(site, made := an_onboarding(state))
        page = visitor.open(visitor.home(made) + at)
        return _form(visitor, page, ending, event)

    return prepare


def _link(site: FastAPI) -> Attempt:
    made = an_onboarding("awaiting_seller")
    visitor = signed_in(site, SELLER, made)
    page = visitor.open(visitor.home(made))
    return _form(visitor, page, "/link", "link_seller", seller_id=_seller_id(page))


def _seller_id(page: httpx.Response) -> str:
    found = soup(page).select_one("input[name=seller_id]")
    assert found is not None
    return str(found["value"])


API: Final[Mapping[str, Prepare]] = {
    "start": _start_by_api,
    "choose_type": _event("started", "choose_type", connection_type="plugin"),
    "issue_id": _event("type_chosen", "issue_id"),
    "reveal": _reveal_by_api,
    "acknowledge_secret": _event("secret_revealed", "acknowledge_secret"),
    "reissue_secret": _event("secret_ready", "reissue_secret"),
    "confirm": _event("seller_linked", "confirm"),
    "cancel": _event("type_chosen", "cancel"),
    "aggregator": _aggregator,
}
PAGES: Final[Mapping[str, Prepare]] = {
    "page start": _start_by_page,
    "page answer": _last_answer,
    "page client ID": _client_id,
    "page reveal": _reveal_by_page,
    "page acknowledge": _acknowledge,
    "page reissue": _reissue,
    "page recheck": _press("awaiting_aggregator", "/recheck", "recheck_aggregator"),
    "page link": _link,
    "page unlink": _press("seller_linked", "/unlink", "unlink_seller", at="/unlink"),
    "page confirm": _press("seller_linked", "/confirm", "confirm"),
    "page start over": _press("secret_ready", "/start-over", "start_over", at="/start-over"),
    "page cancel": _press("secret_ready", "/cancel", "cancel", at="/cancel"),
}
REQUESTS: Final[Mapping[str, Prepare]] = {**API, **PAGES}
# Sent twice, it makes two: a link that nobody has received opens nothing.
CONTINUE_LINK: Final[Prepare] = _continue_link
TASKS: Final = tuple(PROMISES)
# How many transactions a task commits: its turn, what it needs before it works, its end.
# The claim and the effect; a letter is written between them, and a slice looks what is next and does it.
COMMITS: Final = dict.fromkeys(TASKS, 2) | {
    "send_email": 3,
    "tell_operator": 3,
    "run_slice": 4,
    "deliver_webhooks": 3,
}


def promise(task: str) -> UUID:
    """The message of a task, ready to run; nothing else waits."""
    outbox.publish_with(None)
    PROMISES[task]()
    work_but(task)
    (message,) = builders.promised(task)
    return message.id


def done(task: str, message_id: UUID) -> int:
    """How often a task's effect is there: each removes its message together with its effect."""
    with reading() as session:
        left = session.scalar(select(Message.id).where(Message.id == message_id))
        if task != "send_email":
            return int(left is None)
        return len(session.scalars(select(Mail.id).where(Mail.id == message_id)).all())
