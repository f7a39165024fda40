"""What must hold in every world, by the numbers of the invariants that the product promises."""

from collections.abc import Callable
from typing import Final

from onboarding.chart import ON_ENTRY, OPEN
from tests.expected_moves import MOVES
from tests.model.world import Database, World

_LEGAL: Final = {(move.event, move.source, move.target) for move in MOVES}
_UNDONE: Final = frozenset({"started", "cancelled", "expired", "redirected_to_soap"})


def one_secret(world: World) -> bool:
    """I1: at most one version of the secret is alive, and none without its client."""
    alive = sum(not v.ended for v in world.db.versions)
    return alive <= (1 if world.db.client else 0)


def sent_once(world: World) -> bool:
    """I2: a secret's text leaves the process at most once."""
    return all(fate.sent <= 1 for fate in world.fates)


def work_is_promised(world: World) -> bool:
    """I3, I5: a state that waits for us has the message that will move it, or an incident."""
    db = world.db
    promised = {m.task for m in db.messages if m.sequence == db.sequence}
    return promised.issuperset(ON_ENTRY.get(db.state, ()))


def nobody_is_forgotten(world: World) -> bool:
    """I5: who is parked although the registry would approve is about to be looked at again."""
    db = world.db
    parked = db.state == "awaiting_aggregator" and db.approves
    return not parked or any(m.task == "recheck_parked" for m in db.messages)


def history_is_whole(world: World) -> bool:
    """I4: no gap, each step starts where the one before has ended, and the last leads to here."""
    rows = world.db.history
    follows = len(rows) == 1 or rows[-1].source == rows[-2].target
    return follows and len(rows) == world.db.sequence and rows[-1].target == world.db.state


def facts_fit_the_state(world: World) -> bool:
    """I4: what there is of client, secret and link is what the history says there is."""
    db = world.db
    alive = [v for v in db.versions if not v.ended]
    if db.state == "secret_ready":
        return len(db.versions) == 1 and db.versions[0].sealed and not db.versions[0].revealed
    if db.state == "secret_revealed":
        return len(alive) == 1 and alive[0].revealed and not alive[0].acknowledged
    return not any(v.sealed for v in db.versions) and _fits_the_rest(db, saved=bool(alive))


def moves_are_legal(world: World) -> bool:
    """I6: every row of the history is a move that was agreed on."""
    last = world.db.history[-1]
    return last.source is None or (last.event, last.source, last.target) in _LEGAL


def late_results_write_nothing(world: World) -> bool:
    """I8: a worker whose turn has been taken over changes nothing any more."""
    return not world.late_write


def saved_was_received(world: World) -> bool:
    """I15: a secret that counts as saved is one that somebody has received."""
    return all(world.fates[v.text].received for v in world.db.versions if v.acknowledged)


Promise = Callable[[World], bool]
ALL: Final[tuple[Promise, ...]] = (
    one_secret,
    sent_once,
    work_is_promised,
    nobody_is_forgotten,
    history_is_whole,
    facts_fit_the_state,
    moves_are_legal,
    late_results_write_nothing,
    saved_was_received,
)


def broken(world: World, promises: tuple[Promise, ...] = ALL) -> Promise | None:
    """The first promise that does not hold."""
    return next((promise for promise in promises if not promise(world)), None)


def is_settled(world: World) -> bool:
    """An end, with nothing left to do."""
    return world.db.state not in OPEN and not world.db.messages


def _fits_the_rest(db: Database, *, saved: bool) -> bool:
    if db.state in _UNDONE:
        return not db.client and not saved and db.link == "none"
    linked = {"seller_linked": "made", "verifying": "made", "confirmed": "confirmed"}
    own_client = db.mode != "delegated"
    has_saved = own_client and db.state in (*linked, "credentials_issued", "awaiting_seller")
    return db.link == linked.get(db.state, "none") and saved == has_saved
