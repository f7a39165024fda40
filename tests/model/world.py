"""The world of the model: one onboarding, its browsers, its workers, and all that is durable of it.

Everything is a value. Numbers (transitions, versions, messages) are real and grow; `key` says which
two worlds are one for the search, because nothing that can still happen tells them apart.
"""

from typing import NamedTuple


class Rules(NamedTuple):
    """How the product is built. Each field's first value is what it does, the others are mistakes."""

    # "claim": state, sealed row and history in one transaction; "read then write": two.
    reveal: str = "claim"
    # What an acknowledgement must name: "ending", "version" or "nothing".
    acknowledge: str = "ending"
    # Whether messages that nobody has picked up are published again.
    sweep: bool = True
    # Whether lease and next publishing are told apart.
    columns: int = 2
    # Whether only the latest turn at a message may finish it.
    fenced_finish: bool = True
    # Whether a sealed secret opens only on the server that it was sealed on.
    fenced_seal: bool = True
    # Whether the registry is asked in the transaction that parks an onboarding.
    check_at_once: bool = True


class Scope(NamedTuple):
    """How much of the world one search looks at."""

    types: tuple[tuple[str, str | None], ...] = (("credentials_only", None),)
    tabs: int = 1
    workers: int = 1
    # Unfinished messages at a time; whatever would promise more waits until some are done.
    messages: int = 2
    attempts: int = 2
    notices: frozenset[str] = frozenset()
    operator: bool = False
    registry: bool = False
    failover: bool = False
    # Whether broker and workers fail.
    failures: bool = True
    # Events that nobody fires here.
    without: frozenset[str] = frozenset()


class Version(NamedTuple):
    """A version of a secret that can still be used or shown. `text` tells it from every other."""

    number: int
    text: int
    epoch: int
    sealed: bool = True
    revealed: bool = False
    acknowledged: bool = False
    ended: bool = False


class Message(NamedTuple):
    id: int
    task: str
    # The transition that promised it; 0: none did.
    sequence: int
    about: str
    most: int
    attempts: int = 0
    lease: str = "none"
    # The broker has it. One that it delivers twice, or never, is a step of its own.
    announced: bool = True
    failed: bool = False


class Moved(NamedTuple):
    """A row of the history."""

    event: str
    source: str | None
    target: str


class Database(NamedTuple):
    """What is committed."""

    state: str = "started"
    sequence: int = 1
    type: str | None = None
    mode: str | None = None
    verified: bool = False
    # Whether the registry would approve the aggregator.
    approves: bool = True
    client: int = 0
    clients: int = 0
    link: str = "none"
    latest: int = 0
    versions: tuple[Version, ...] = ()
    messages: tuple[Message, ...] = ()
    promised: int = 0
    history: tuple[Moved, ...] = (Moved("start", None, "started"),)


class Tab(NamedTuple):
    """A browser tab: the transition it has seen last, the secret in its owner's hands, and what the
    web process holds for it and has not answered yet.
    """

    seen: int = 1
    hand: Version | None = None
    # "read": looked at, not claimed (a mistake); "taken": committed, to be sent.
    flight: tuple[str, Version] | None = None


class Turn(NamedTuple):
    """What a worker remembers of its claim, whatever has become of the message since."""

    message: int
    task: str
    sequence: int
    about: str
    attempt: int
    # What it has found out or done outside of the database.
    done: str = ""


class Fate(NamedTuple):
    """What has become of a secret's text. A server that is lost does not take this back."""

    sent: int = 0
    received: bool = False


class World(NamedTuple):
    db: Database
    tabs: tuple[Tab, ...]
    workers: tuple[Turn | None, ...]
    fates: tuple[Fate, ...] = ()
    # What a standby has that misses the latest commit, until one has taken over.
    standby: Database | None = None
    epoch: int = 0
    # A turn that had been taken over has written all the same.
    late_write: bool = False


def first(scope: Scope) -> World:
    """A fresh onboarding that every tab has open."""
    db = Database()
    return World(
        db, (Tab(),) * scope.tabs, (None,) * scope.workers, standby=db if scope.failover else None
    )


def message_of(db: Database, number: int) -> Message | None:
    return next((m for m in db.messages if m.id == number), None)


Key = tuple[object, ...]


def key(world: World, rules: Rules) -> Key:
    """Equal for worlds with the same future: tabs and workers are interchangeable, what compares
    numbers asks only whether they are equal, and what nobody refers to is forgotten.
    """
    db, names = world.db, _names(world)
    order = sorted(db.messages, key=lambda m: _message(m, db))
    places = {m.id: (place, m) for place, m in enumerate(order)}
    return (
        _durable(db, db, names),
        tuple(_message(m, db) for m in order),
        tuple(sorted(_tab(tab, world, rules, names) for tab in world.tabs)),
        tuple(sorted(_turn(turn, db, places) for turn in world.workers)),
        tuple(world.fates[text] for text in names),
        world.standby and _standby(world.standby, db, names),
        world.late_write,
    )


def _names(world: World) -> dict[int, int]:
    """Texts that can still be sent or used, in order of appearance."""
    held = [v.text for v in world.db.versions]
    if world.standby:
        held += [v.text for v in world.standby.versions]
    return {text: place for place, text in enumerate(dict.fromkeys(held))}


def _durable(db: Database, now: Database, names: dict[int, int]) -> Key:
    versions = tuple(
        (names[v.text], min(v.number, 3), v.epoch, v.sealed, v.revealed, v.acknowledged, v.ended)
        for v in db.versions
    )
    facts = (db.state, db.type, db.mode, db.verified, db.approves, db.client > 0, db.link)
    return (*facts, min(db.latest, 3), versions)


def _standby(db: Database, now: Database, names: dict[int, int]) -> Key:
    messages = tuple(sorted(_message(m, db) for m in db.messages))
    return (_durable(db, now, names), messages, db.sequence - now.sequence)


def _message(m: Message, db: Database) -> tuple[str | int | bool, ...]:
    left = m.most - m.attempts
    current = m.sequence == db.sequence
    return (m.task, m.about, current, left, m.lease, m.announced and not m.failed, m.failed)


def _tab(tab: Tab, world: World, rules: Rules, names: dict[int, int]) -> tuple[object, ...]:
    behind = max(tab.seen - world.db.sequence, -2 if world.standby else -1)
    hand = flight = (-1, 0, 0)
    if tab.hand and (tab.hand.text in names or rules.acknowledge == "version"):
        hand = (names.get(tab.hand.text, -1), min(tab.hand.number, 3), 0)
    elif tab.hand and rules.acknowledge == "nothing":
        hand = (-2, 0, 0)
    if tab.flight:
        text = tab.flight[1].text
        flight = (names.get(text, -2), len(tab.flight[0]), world.fates[text].sent)
    return (behind, hand, flight)


def _turn(
    turn: Turn | None, db: Database, places: dict[int, tuple[int, Message]]
) -> tuple[str | int | bool, ...]:
    if turn is None:
        return ("",)
    place, message = places.get(turn.message, (-1, None))
    late = message is None or turn.attempt != message.attempts
    return (turn.task, turn.done, turn.about, place, late, turn.sequence == db.sequence)
