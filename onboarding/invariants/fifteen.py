"""The fifteen invariants: what each one says, which rules ask the database for it, and what no database can tell."""

from dataclasses import dataclass
from types import ModuleType
from typing import Final

from onboarding.invariants import (
    effects,
    further,
    history,
    identity,
    legality,
    letters,
    promises,
    secrecy,
    truth,
    waiting,
)
from onboarding.invariants.rules import Rule

_SUBJECTS: Final[tuple[ModuleType, ...]] = (
    identity,
    secrecy,
    promises,
    letters,
    effects,
    further,
    history,
    legality,
    waiting,
    truth,
)


@dataclass(frozen=True, slots=True)
class Invariant:
    """One of the fifteen; `elsewhere` says what the database cannot show, and what does."""

    number: str
    name: str
    sentence: str
    elsewhere: str = ""


FIFTEEN: Final = (
    Invariant(
        "I1",
        "one identity",
        "An onboarding has at most one live client ID, secret and link.",
    ),
    Invariant(
        "I2",
        "at most once",
        "A secret is shown at most once, and is nowhere in the clear.",
        "Which bytes left the process only clients know: the races on the reveal and the fault tests"
        " count what they were shown. Logs, the broker and letters are searched by tests.",
    ),
    Invariant(
        "I3",
        "effects",
        "What a committed transition promises takes effect, once, and nothing else does.",
        "That it does so in time is for fault tests, which wait for it with a deadline.",
    ),
    Invariant(
        "I4",
        "history",
        "History has no gap and adds up to the row.",
        "Transitions are not chained by a keyed hash yet: who may write to the database can still"
        " write a history that adds up.",
    ),
    Invariant(
        "I5",
        "nobody in limbo",
        "Whoever is on the way is moved by a message, a deadline or an operator.",
    ),
    Invariant("I6", "legal", "Every step is one of the chart, by somebody who may."),
    Invariant(
        "I7",
        "idempotent commands",
        "A command that is sent again is carried out once.",
        "That the second answer is the first one's, and that another body is refused, the tests of"
        " the API show: no answer is stored.",
    ),
    Invariant(
        "I8",
        "no lost update",
        "Nothing late or doubled is written.",
        "That a number never goes back no single look can tell; a gap or a fork in history, I4.",
    ),
    Invariant(
        "I9",
        "order",
        "Whoever sorts the events of an onboarding by number has its history.",
        "An event's number is its transition's, so the rules of I4 are the check.",
    ),
    Invariant(
        "I10",
        "isolation",
        "Nothing of one onboarding is in reach of another's owner.",
        "What answers and letters show, the tests of strangers look at.",
    ),
    Invariant("I11", "time", "No deadline is fired early, and none is left out."),
    Invariant(
        "I12",
        "bounded",
        "Attempts and turns are bounded, and nothing is passed over.",
        "Memory and the length of queues are for benchmarks.",
    ),
    Invariant(
        "I13",
        "fail closed",
        "Without a key, a proof or a record nothing is issued or shown.",
        "That every reveal has its record is I2, that its actor may is I6; that nothing happens while"
        " the keyring is away, the tests of credentials show.",
    ),
    Invariant(
        "I14",
        "erasure",
        "What was erased is nowhere in the clear.",
        "There is no erasure yet, so there is nothing to check.",
    ),
    Invariant(
        "I15",
        "truthfulness",
        "A state claims what there is.",
        "What pages say of a state, their tests show.",
    ),
)

RULES: Final[tuple[Rule, ...]] = tuple(
    found for subject in _SUBJECTS for found in vars(subject).values() if isinstance(found, Rule)
)
