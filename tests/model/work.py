"""What happens behind: messages, the broker, and workers that claim, work and finish, or die."""

from collections.abc import Iterator
from typing import Final

from tests.model import events
from tests.model.world import (
    Database,
    Fate,
    Message,
    Rules,
    Scope,
    Turn,
    Version,
    World,
    message_of,
)

# What goes wrong behind; a turn that ends before its worker is done is one of these.
FAILURES: Final = frozenset({"lose", "deliver_copy", "lease_ends", "task_fails", "worker_dies"})

# Verb, kind, which worker or message, what about, and the world after it.
Next = Iterator[tuple[str, str, int, str, World]]


def following(world: World, rules: Rules, scope: Scope) -> Next:
    idle = [number for number, turn in enumerate(world.workers) if turn is None]
    busy = [(number, turn) for number, turn in enumerate(world.workers) if turn is not None]
    for message in world.db.messages:
        if idle:
            yield from _deliver(world, message, idle[0])
        yield from _wait(world, rules, message)
    for number, turn in busy:
        yield from _worker(world, rules, scope, number, turn)


def committed(world: World, db: Database) -> World:
    """A standby that lags by one commit has what was there before."""
    return world._replace(db=db, standby=world.db if world.standby else None)


def claimable(message: Message) -> bool:
    """Nobody's turn, or the turn has ended: its time is over, or its owner is known to be dead."""
    return not message.failed and message.lease != "held"


def claim(db: Database, message: Message) -> tuple[Database, Turn | None]:
    """A turn; None where it is another's, or where every attempt has ended without a result."""
    if not claimable(message):
        return db, None
    taken = message._replace(attempts=message.attempts + 1, lease="held")
    if taken.attempts > taken.most:
        return events.put(db, taken._replace(failed=True, lease="none")), None
    turn = Turn(message.id, message.task, message.sequence, message.about, taken.attempts)
    return events.put(db, taken), turn


def finish(world: World, rules: Rules, scope: Scope, turn: Turn) -> World:
    """The effect and the end of the message in one transaction, or nothing."""
    late = is_late(world.db, turn)
    if late and rules.fenced_finish:
        return world
    rest = events.drop(world.db, turn.message)
    texts = len(world.fates)
    done = _effect(rest, rules, scope, turn, world.epoch, texts)
    after = committed(world, rest if done is None else done)
    if len(after.db.versions) > len(rest.versions):
        after = after._replace(fates=(*world.fates, Fate()))
    wrote = late and after.db != world.db
    return after._replace(late_write=True) if wrote else after


def _effect(
    db: Database, rules: Rules, scope: Scope, turn: Turn, epoch: int, text: int
) -> Database | None:
    """What a task writes; None: the onboarding has left the state that promised it."""
    match turn.task:
        case "generate_secret":
            after = events.fire(db, scope, "secret_generated", expected=turn.sequence)
            if after is None:
                return None
            version = Version(after.latest + 1, text, epoch)
            return after._replace(latest=version.number, versions=(*after.versions, version))
        case "check_aggregator":
            approves = db.approves if rules.check_at_once else turn.done == "approves"
            event = "approve_aggregator" if approves else "refuse_aggregator"
            return events.fire(db, scope, event, expected=turn.sequence)
        case "verify_connection":
            return _verified(db, scope, turn)
        case "recheck_parked":
            return events.fire(db, scope, "recheck_aggregator")
        case "revoke_client" | "send_email":
            return db
    raise AssertionError(turn.task)


def _verified(db: Database, scope: Scope, turn: Turn) -> Database | None:
    saved = any(v.acknowledged and not v.ended for v in db.versions)
    works = db.link != "none" and (db.approves if db.mode == "delegated" else db.client and saved)
    event = "verification_passed" if works else "verification_failed"
    after = events.fire(db, scope, event, expected=turn.sequence)
    return after._replace(link="confirmed") if after and works else after


def _deliver(world: World, message: Message, worker: int) -> Next:
    """The broker hands a message to a worker, once or once more than it was given."""
    if not message.announced:
        return
    yield "lose", "fault", message.id, message.task, _put(world, message._replace(announced=False))
    if message.failed:
        return
    db, turn = claim(world.db, message)
    after = committed(world, db) if db != world.db else world
    after = _employ(after, worker, turn)
    now = message_of(after.db, message.id)
    assert now is not None
    once = after._replace(db=events.put(after.db, now._replace(announced=False)))
    yield "deliver", "platform", message.id, message.task, once
    if turn is not None:
        yield "deliver_copy", "fault", message.id, message.task, after


def _wait(world: World, rules: Rules, message: Message) -> Next:
    """What time does to a message, and an operator to one that has failed for good."""
    if message.failed:
        again = message._replace(failed=False, lease="none", announced=True)
        more = again._replace(most=message.attempts + 1)
        yield "retry", "person", message.id, message.task, _committed(world, more)
        return
    if message.lease == "held":
        over = message._replace(lease="none")
        yield "lease_ends", "time", message.id, message.task, _put(world, over)
    elif rules.sweep and not message.announced:
        # With one column for both, publishing looks like a turn of somebody.
        lease = message.lease if rules.columns == 2 else "held"
        swept = message._replace(announced=True, lease=lease)
        yield "sweep", "time", message.id, message.task, _committed(world, swept)


def _worker(world: World, rules: Rules, scope: Scope, number: int, turn: Turn) -> Next:
    rest = _employ(world, number, None)
    yield "worker_dies", "fault", number, turn.task, rest
    outside = {"send_email": "sent", "check_aggregator": "" if rules.check_at_once else "asked"}
    if outside.get(turn.task) and not turn.done:
        found = outside[turn.task]
        if found == "asked":
            found = "approves" if world.db.approves else "refuses"
        yield (
            "work",
            "platform",
            number,
            turn.task,
            _employ(world, number, turn._replace(done=found)),
        )
    else:
        yield "finish", "platform", number, turn.task, finish(rest, rules, scope, turn)
    yield "task_fails", "fault", number, turn.task, _failed(rest, turn)


def _failed(world: World, turn: Turn) -> World:
    """It comes back later, or becomes an incident; a late report changes nothing."""
    message = message_of(world.db, turn.message)
    if message is None or is_late(world.db, turn):
        return world
    over = turn.attempt >= message.most
    return _committed(world, message._replace(lease="none", failed=over))


def is_late(db: Database, turn: Turn) -> bool:
    message = message_of(db, turn.message)
    return message is None or message.attempts != turn.attempt


def _employ(world: World, number: int, turn: Turn | None) -> World:
    workers = (*world.workers[:number], turn, *world.workers[number + 1 :])
    return world._replace(workers=workers)


def _put(world: World, message: Message) -> World:
    """What happens to a message without a commit of ours: in the broker, or by time."""
    return world._replace(db=events.put(world.db, message))


def _committed(world: World, message: Message) -> World:
    return committed(world, events.put(world.db, message))


WORDS = {
    "deliver": "the broker delivers {about}; a worker claims it, if it is nobody's turn",
    "deliver_copy": "the broker delivers {about} to a worker and keeps a copy",
    "lose": "the broker loses {about}",
    "sweep": "a sweep publishes {about} again",
    "lease_ends": "the lease on {about} ends",
    "retry": "an operator retries {about}",
    "work": "worker {who} does its part of {about} outside of the database",
    "finish": "worker {who} finishes {about}",
    "task_fails": "{about} raises in worker {who}, which says so",
    "worker_dies": "worker {who} dies with its turn at {about}",
}
