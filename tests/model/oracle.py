"""What must have become of an onboarding, kept by hand in a plain dict beside the product.

Nothing here is taken from the chart: what is legal stands in `expected_moves`, what follows from an
event stands below.
"""

from typing import Any, Final

from tests.expected_moves import FINAL, MAY, Case, expected_target

# What a state promises, and what ends with the time that a state lasts.
WORK: Final = {
    "checking_aggregator": "check_aggregator",
    "issuing_secret": "generate_secret",
    "verifying": "verify_connection",
}
ENDS: Final = {
    "started": "expire",
    "awaiting_aggregator": "expire",
    "type_chosen": "expire",
    "secret_ready": "lapse_secret",
    "secret_lapsed": "expire",
    "secret_revealed": "expire",
    "awaiting_seller": "expire",
    "seller_linked": "expire",
}
# The seller's next step towards an end.
ROAD: Final = {
    "started": "choose_type",
    "type_chosen": "issue_id",
    "secret_ready": "reveal_secret",
    "secret_lapsed": "reissue_secret",
    "secret_revealed": "acknowledge_secret",
    "awaiting_seller": "link_seller",
    "seller_linked": "confirm",
}
NOTHING: Final[dict[str, Any]] = {"client": False, "secret": "none", "link": "none"}
LEAVES: Final[dict[str, dict[str, Any]]] = {
    "issue_id": {"client": True},
    "secret_generated": {"secret": "sealed"},
    "reveal_secret": {"secret": "revealed"},
    "acknowledge_secret": {"secret": "saved"},
    "lapse_secret": {"secret": "none"},
    "reissue_secret": {"secret": "none"},
    "link_seller": {"link": "made"},
    "unlink_seller": {"link": "none"},
    "verification_passed": {"link": "confirmed"},
    "start_over": NOTHING | {"type": None, "mode": None},
    "cancel": NOTHING,
    "expire": NOTHING,
}
REISSUES: Final = 3

Entry = dict[str, Any]
# A connection type and, for an aggregator, a credential mode.
Choice = tuple[str | None, str | None]


def fresh() -> Entry:
    facts = {"state": "started", "sequence": 1, "type": None, "mode": None, "verified": False}
    return facts | NOTHING | {"messages": {}, "reissues": 0, "history": [("start", "seller")]}


def target(entry: Entry, event: str, kind: str, choice: Choice) -> str | None:
    """Where an event by this kind of actor leads; None: it is refused."""
    if kind not in MAY.get(event, ()):
        return None
    chosen = choice if event == "choose_type" else (entry["type"], entry["mode"])
    asks_too_often = entry["reissues"] >= REISSUES and kind != "operator"
    if event == "reissue_secret" and asks_too_often:
        return None
    connection_type, mode = chosen
    return expected_target(entry["state"], event, Case(connection_type, mode, entry["verified"]))


def move(entry: Entry, event: str, kind: str, choice: Choice = (None, None)) -> None:
    """Write down what an event that happened leaves behind."""
    to = target(entry, event, kind, choice)
    assert to is not None, (entry, event, kind)
    had_client = entry["client"]
    if event == "choose_type":
        entry |= {"type": choice[0], "mode": choice[1]}
    entry["reissues"] += event == "reissue_secret" and kind != "operator"
    entry |= LEAVES.get(event, {}) | {"state": to, "sequence": entry["sequence"] + 1}
    entry["history"].append((event, kind))
    if to in WORK:
        entry["messages"][WORK[to], entry["sequence"]] = 0
    if had_client and not entry["client"]:
        entry["messages"]["revoke_client", entry["sequence"]] = 0


def carry_out(entry: Entry, task: str, sequence: int, *, approves: bool) -> None:
    """Write down what a task that ran to its end leaves behind: nothing if it came too late."""
    del entry["messages"][task, sequence]
    if task == "revoke_client" or sequence != entry["sequence"]:
        return
    if task == "generate_secret":
        move(entry, "secret_generated", "platform")
    elif task == "check_aggregator":
        move(entry, "approve_aggregator" if approves else "refuse_aggregator", "platform")
    else:
        works = approves or entry["mode"] != "delegated"
        move(entry, "verification_passed" if works else "verification_failed", "platform")


def is_over(entry: Entry) -> bool:
    return entry["state"] in FINAL
