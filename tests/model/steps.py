"""What persons and the clock can do next in a world, and what can go wrong while they do it."""

from collections.abc import Iterator
from typing import NamedTuple

from onboarding.chart import NEXT_MOVE, REVOKES
from tests.model import events, work
from tests.model.events import Choice
from tests.model.world import Database, Fate, Rules, Scope, Tab, Version, World


class Step(NamedTuple):
    """`kind` is whether it is the ordinary course: "person", "platform" and "time" are; "fault" is
    not, nor is "aside", what nobody has to do for things to go on.
    """

    kind: str
    verb: str
    who: int = 0
    about: str = ""
    choice: Choice | None = None

    @property
    def words(self) -> str:
        return _WORDS[self.verb].format(who=self.who + 1, about=self.about, choice=self.choice)


Next = Iterator[tuple[Step, World]]

# What a seller does elsewhere than in a plain form.
_OWN_WAY = frozenset({"choose_type", "reveal_secret", "acknowledge_secret"})


def following(world: World, rules: Rules, scope: Scope) -> Next:
    """Every step that this world can take, with the world after it."""
    for number, tab in enumerate(world.tabs):
        yield from _tab(world, rules, scope, number, tab)
    for verb, kind, who, about, after in work.following(world, rules, scope):
        happens = scope.failures or verb not in work.FAILURES
        if happens and _fits(after.db, world.db, scope):
            yield Step(kind, verb, who, about), after
    yield from _clock(world, scope)
    if scope.operator:
        yield from _operator(world, scope)
    if scope.registry:
        yield from _registry(world, scope)
    if world.standby:
        after = world._replace(db=world.standby, standby=None, epoch=world.epoch + 1)
        yield Step("fault", "failover"), after


def attempt(db: Database, scope: Scope, tab: Tab, event: str) -> Database | None:
    """An event with no data by a seller who sends the transition that the tab has seen last."""
    return events.fire(db, scope, event, expected=tab.seen)


def acknowledge(db: Database, rules: Rules, scope: Scope, tab: Tab) -> Database | None:
    after = events.fire(db, scope, "acknowledge_secret", expected=tab.seen)
    live = [v for v in db.versions if not v.ended]
    if after is None or tab.hand is None or not live or not _named(rules, tab.hand, live[0]):
        return None
    saved = tuple(v._replace(acknowledged=True) for v in after.versions)
    return after._replace(versions=saved)


def reveal(
    db: Database, rules: Rules, scope: Scope, epoch: int, seen: int
) -> tuple[Database, Version] | None:
    """State, sealed row and history in one transaction; whoever takes the sealed row has it."""
    after = events.fire(db, scope, "reveal_secret", expected=seen)
    sealed = [v for v in db.versions if v.sealed and (v.epoch == epoch or not rules.fenced_seal)]
    if after is None or not sealed:
        return None
    taken = tuple(v._replace(sealed=False, revealed=True) for v in after.versions)
    return after._replace(versions=taken), sealed[0]


def _tab(world: World, rules: Rules, scope: Scope, number: int, tab: Tab) -> Next:
    db = world.db
    if tab.flight:
        yield from _in_flight(world, scope, number, tab, *tab.flight)
        return
    if tab.seen != db.sequence:
        yield Step("person", "look", number), _with(world, number, tab._replace(seen=db.sequence))
        return
    for event in events.may(db, "seller"):
        if event not in scope.without and event not in _OWN_WAY:
            kind = "aside" if event in REVOKES else "person"
            after = attempt(db, scope, tab, event)
            after = _linked(after) if event == "link_seller" else after
            after = _issued(after) if event == "issue_id" else after
            yield from _answered(world, scope, Step(kind, "fire", number, event), after)
    if "choose_type" in events.may(db, "seller"):
        for choice in scope.types:
            after = events.fire(db, scope, "choose_type", expected=tab.seen, choice=choice)
            step = Step("person", "choose", number, "choose_type", choice)
            yield from _answered(world, scope, step, after)
    if db.state == "type_chosen" and not db.verified:
        yield Step("person", "prove", number), work.committed(world, db._replace(verified=True))
    saved = acknowledge(db, rules, scope, tab)
    yield from _answered(world, scope, Step("person", "acknowledge", number), saved)
    yield from _asks(world, rules, scope, number, tab)


def _asks(world: World, rules: Rules, scope: Scope, number: int, tab: Tab) -> Next:
    """Asks for the secret. The answer is on its way until it is sent."""
    shown = reveal(world.db, rules, scope, world.epoch, tab.seen)
    if shown is None:
        return
    db, secret = shown
    if rules.reveal == "claim":
        holding = Tab(db.sequence, tab.hand, ("taken", secret))
        yield Step("person", "reveal", number), _with(work.committed(world, db), number, holding)
    else:
        after = _with(world, number, tab._replace(flight=("read", secret)))
        yield Step("person", "read", number), after


def _in_flight(
    world: World, scope: Scope, number: int, tab: Tab, phase: str, secret: Version
) -> Next:
    rest = Tab(0, tab.hand)
    yield Step("fault", "web_dies", number), _with(world, number, rest)
    if phase == "read":
        db = events.move(world.db, scope, "reveal_secret", "secret_ready", "secret_revealed", None)
        shown = tuple(v._replace(sealed=False, revealed=True) for v in db.versions)
        written = work.committed(world, db._replace(versions=shown))
        holding = Tab(db.sequence, tab.hand, ("taken", secret))
        yield Step("person", "write", number), _with(written, number, holding)
        return
    fate = world.fates[secret.text]
    sent = fate._replace(sent=fate.sent + 1)
    lost = _fated(world, secret.text, sent)
    yield Step("fault", "answer_lost", number), _with(lost, number, rest)
    got = _fated(world, secret.text, sent._replace(received=True))
    yield Step("person", "answer", number), _with(got, number, Tab(tab.seen, secret))


def _answered(world: World, scope: Scope, step: Step, after: Database | None) -> Next:
    """A commit, and then an answer that arrives or does not."""
    if after is None or not _fits(after, world.db, scope):
        return
    done = work.committed(world, after)
    tab = world.tabs[step.who]
    yield step, _with(done, step.who, tab._replace(seen=after.sequence))
    yield step._replace(kind="fault", verb=step.verb + "_unheard"), done


def _clock(world: World, scope: Scope) -> Next:
    move = NEXT_MOVE.get(world.db.state)
    if move and move.then and move.then not in scope.without:
        after = events.fire(world.db, scope, move.then)
        if after and _fits(after, world.db, scope):
            yield Step("aside", "clock", 0, move.then), work.committed(world, after)


def _operator(world: World, scope: Scope) -> Next:
    """An operator moves what stands there now, whatever anybody has seen."""
    for event in events.may(world.db, "operator"):
        after = events.fire(world.db, scope, event) if event not in scope.without else None
        if after and _fits(after, world.db, scope):
            yield Step("aside", "operator", 0, event), work.committed(world, after)


def _registry(world: World, scope: Scope) -> Next:
    """The marketplace changes what it knows of the aggregator; to put it right is ordinary."""
    db = world.db._replace(approves=not world.db.approves)
    kind = "person" if db.approves else "aside"
    told = events.promise(db, scope, "recheck_parked", by_event=False)
    if _fits(told, world.db, scope):
        yield Step(kind, "registry"), work.committed(world, told)


def _named(rules: Rules, hand: Version, live: Version) -> bool:
    if rules.acknowledge == "nothing":
        return True
    same_version = hand.number == live.number
    return same_version and (rules.acknowledge == "version" or hand.text == live.text)


def _linked(db: Database | None) -> Database | None:
    return db and db._replace(link="made")


def _issued(db: Database | None) -> Database | None:
    return db and db._replace(client=db.clients + 1, clients=db.clients + 1)


def _fits(after: Database, before: Database, scope: Scope) -> bool:
    more = len(after.messages) > len(before.messages)
    return not more or len(after.messages) <= scope.messages


def _with(world: World, number: int, tab: Tab) -> World:
    return world._replace(tabs=(*world.tabs[:number], tab, *world.tabs[number + 1 :]))


def _fated(world: World, text: int, fate: Fate) -> World:
    return world._replace(fates=(*world.fates[:text], fate, *world.fates[text + 1 :]))


_WORDS = {
    "look": "tab {who} is reloaded",
    "fire": "tab {who} fires {about}, and hears that it is done",
    "fire_unheard": "tab {who} fires {about}; it is done, but the answer is lost",
    "choose": "tab {who} chooses {choice[0]}",
    "choose_unheard": "tab {who} chooses {choice[0]}; it is done, but the answer is lost",
    "prove": "the seller proves the contact address",
    "acknowledge": "tab {who} says that the secret in its hands is saved",
    "acknowledge_unheard": "tab {who} says that the secret is saved; the answer is lost",
    "reveal": "tab {who} asks for the secret: taken out and committed, not yet sent",
    "read": "tab {who} asks for the secret: read, nothing written yet",
    "write": "the reveal of tab {who} is written and committed, not yet sent",
    "answer": "the answer with the secret reaches tab {who}",
    "answer_lost": "the answer with the secret leaves for tab {who} and is lost on the way",
    "web_dies": "the web process dies before it answers tab {who}",
    "clock": "the clock fires {about}",
    "operator": "an operator fires {about}",
    "registry": "the registry changes its mind about the aggregator",
    "failover": "the server is lost with its latest commit, and a standby takes over",
    **work.WORDS,
}
