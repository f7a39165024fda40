"""Steps of the model carried out by the product's own verbs, and what the product then holds."""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from onboarding import credentials, db, events, links, outbox, redelivery, registry
from onboarding.chart import NEXT_MOVE
from onboarding.credentials import Revealed
from onboarding.db import reading, transaction
from onboarding.models import Message, Transition
from onboarding.outbox import Announcement, Claim
from tests import builders
from tests.builders import ACCOUNT, OPERATOR, SELLER, age, fire, handle
from tests.model import held
from tests.model import world as model
from tests.model.steps import Step
from tests.model.world import Scope, Tab, World
from workers import clock, relay, turns

_DAY: Final = timedelta(days=1)
# Time stands still but where a step says so: nothing comes due by itself.
_STILL: Final = _DAY.total_seconds()
_COMES_DUE: Final = frozenset({"deliver", "deliver_copy", "retry", "sweep", "task_fails"})


class Replay:
    """One onboarding of the product that is led the way of one in the model."""

    def __init__(self, scope: Scope, number: int) -> None:
        self.scope = scope
        self.shown: dict[int, Revealed] = {}
        # The product's name of each message of the model, and what the broker holds.
        self.messages: dict[int, UUID] = {}
        self.broker: set[UUID] = set()
        self.turns: dict[int, Claim] = {}
        self.aggregator = f"feed-{number}"
        with transaction() as session:
            self._register(session, "registered")
            session.execute(delete(Message))
        with transaction() as session:
            self.id = builders.start(session).id
        outbox.publish_with(self._publish)

    def take(self, step: Step, before: World, after: World) -> None:
        """Do in the product what the model has done, and name what it has promised."""
        _VERBS[step.verb.removesuffix("_unheard")](self, step, before, after)
        if step.verb in _COMES_DUE or after.db.promised > before.db.promised:
            self._name_messages(after.db.messages)

    def refuse(self, event: str, tab: Tab) -> object:
        """What the model does not let this tab do; whoever calls expects a refusal."""
        if event == "reveal_secret":
            return self._reveal_as(tab.seen)
        if event == "acknowledge_secret":
            return self._acknowledge_as(tab)
        return fire(self.id, event, expected=tab.seen)

    def look(self, step: Step, before: World, after: World) -> None:
        """What happens in a browser, on the way to it or in a process that dies writes nothing."""

    def fire(self, step: Step, before: World, after: World) -> None:
        expected = before.tabs[step.who].seen
        if step.about == "link_seller":
            with transaction() as session:
                links.link_seller(session, self.id, SELLER, ACCOUNT, expected=expected)
        else:
            self._handle(step.about, expected)

    def choose(self, step: Step, before: World, after: World) -> None:
        assert step.choice is not None
        kind, mode = step.choice
        data = {"connection_type": kind}
        if mode:
            data |= {"credential_mode": mode, "aggregator": self.aggregator}
        self._handle("choose_type", before.tabs[step.who].seen, **data)

    def prove(self, step: Step, before: World, after: World) -> None:
        builders.vouch(builders.Walk(self.id, {}))

    def reveal(self, step: Step, before: World, after: World) -> None:
        flight = after.tabs[step.who].flight
        assert flight is not None
        self.shown[flight[1].text] = self._reveal_as(before.tabs[step.who].seen)

    def acknowledge(self, step: Step, before: World, after: World) -> None:
        self._acknowledge_as(before.tabs[step.who])

    def clock(self, step: Step, before: World, after: World) -> None:
        then_after = NEXT_MOVE[before.db.state].then_after
        assert then_after is not None
        age(self.id, then_after)
        clock.sweep()

    def operator(self, step: Step, before: World, after: World) -> None:
        handle(self.id, step.about, OPERATOR)

    def registry(self, step: Step, before: World, after: World) -> None:
        with transaction() as session:
            self._register(session, "registered" if after.db.approves else "suspended")

    def deliver(self, step: Step, before: World, after: World) -> None:
        """What a failed message rests for is over when the broker delivers it."""
        message = self.messages[step.who]
        self._end_the_rest_of(message)
        if step.verb == "deliver":
            self.broker.discard(message)
        with transaction() as session:
            claim = outbox.claim(session, message, owner=1)
        if claim:
            self.turns[before.workers.index(None)] = claim

    def _end_the_rest_of(self, message: UUID) -> None:
        """It is due; a turn that somebody has goes on."""
        self._put(message, due_at=db.in_seconds(-1))
        with transaction() as session:
            resting = Message.id == message, Message.claimed_by.is_(None)
            session.execute(update(Message).where(*resting).values(leased_until=None))

    def lose(self, step: Step, before: World, after: World) -> None:
        self.broker.discard(self.messages[step.who])

    def lease_ends(self, step: Step, before: World, after: World) -> None:
        self._put(self.messages[step.who], leased_until=db.in_seconds(-1))

    def sweep(self, step: Step, before: World, after: World) -> None:
        self._end_the_rest_of(self.messages[step.who])
        assert relay.relay_once(self._publish) == 1

    def retry(self, step: Step, before: World, after: World) -> None:
        with transaction() as session:
            assert redelivery.retry(session, self.messages[step.who])

    def finish(self, step: Step, before: World, after: World) -> None:
        turns._carry_out(self.turns.pop(step.who))  # noqa: SLF001 - the half after the claim

    def task_fails(self, step: Step, before: World, after: World) -> None:
        with transaction() as session:
            outbox.fail(session, self.turns.pop(step.who), "smtp_down", "it did not answer")

    def worker_dies(self, step: Step, before: World, after: World) -> None:
        del self.turns[step.who]

    def held(self) -> dict[str, Any]:
        """What the product holds, in the model's words."""
        names = {message: number for number, message in self.messages.items()}
        return held.of_product(self.id, names, self.broker)

    def _name_messages(self, messages: Iterable[model.Message]) -> None:
        """New messages of one transaction are told apart by their task; time stands still for them."""
        with transaction() as session:
            known = set(self.messages.values())
            new = {m.task: m for m in session.scalars(select(Message)) if m.id not in known}
            for message in messages:
                if message.id not in self.messages:
                    self.messages[message.id] = new[message.task].id
                    new[message.task].max_attempts = self.scope.attempts
            session.execute(update(Message).values(due_at=db.in_seconds(_STILL)))

    def _handle(self, event: str, expected: int, **data: Any) -> None:
        """A seller may ask for three new secrets a day: a day has passed since the last one."""
        if event == "reissue_secret":
            self._forget_reissues()
        with transaction() as session:
            events.handle(session, self.id, event, SELLER, data, expected=expected)

    def _forget_reissues(self) -> None:
        with reading() as session:
            rows = session.execute(_REISSUES, {"onboarding": self.id}).all()
        with transaction() as session:
            for number, at in rows:
                session.execute(
                    update(Transition)
                    .where(Transition.onboarding_id == self.id, Transition.sequence == number)
                    .values(at=at - _DAY)
                )

    def _reveal_as(self, expected: int) -> Revealed:
        with transaction() as session:
            return credentials.reveal(
                session, self.id, SELLER, builders.keyring(), expected=expected
            )

    def _acknowledge_as(self, tab: Tab) -> object:
        shown = self.shown[tab.hand.text] if tab.hand else None
        version = shown.version if shown else 1
        ending = shown.secret.get_secret_value()[-6:] if shown else "000000"
        with transaction() as session:
            return credentials.acknowledge(
                session, self.id, SELLER, version=version, ending=ending, expected=tab.seen
            )

    def _register(self, session: Session, status: str) -> None:
        registry.upsert(
            session,
            name=self.aggregator,
            status=status,
            uses_rest=True,
            asks_for="full",
            aggregator_id=self.aggregator,
        )

    def _put(self, message: UUID, **values: Any) -> None:
        with transaction() as session:
            session.execute(update(Message).where(Message.id == message).values(**values))

    def _publish(self, announcements: Sequence[Announcement]) -> None:
        self.broker.update(one.id for one in announcements)


_REISSUES: Final = select(Transition.sequence, Transition.at).where(
    Transition.onboarding_id == held.MINE, Transition.event == "reissue_secret"
)

_VERBS: Final[dict[str, Callable[[Replay, Step, World, World], None]]] = {
    "look": Replay.look,
    "answer": Replay.look,
    "answer_lost": Replay.look,
    "web_dies": Replay.look,
    "fire": Replay.fire,
    "choose": Replay.choose,
    "prove": Replay.prove,
    "reveal": Replay.reveal,
    "acknowledge": Replay.acknowledge,
    "clock": Replay.clock,
    "operator": Replay.operator,
    "registry": Replay.registry,
    "deliver": Replay.deliver,
    "deliver_copy": Replay.deliver,
    "lose": Replay.lose,
    "sweep": Replay.sweep,
    "lease_ends": Replay.lease_ends,
    "retry": Replay.retry,
    "finish": Replay.finish,
    "task_fails": Replay.task_fails,
    "worker_dies": Replay.worker_dies,
}
