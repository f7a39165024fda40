"""Which door: from the labels that a tool shows, or from a person's answers.

`route` reads labels. Names tell little, since some REST tools call their client ID "login", so
what counts is which values are asked for together. Three values always mean the full set, but
labels alone cannot say whether an aggregator, a plugin or one's own code asks for them: the verdict
is then "ask" with the credential mode "full", the question "who_runs_it" and no connection type.
Any text can be read, in time proportional to its length; none raises.

`next_question` walks a tree of questions. Answers map a field's name to an answer code; a `Door` or
an `Advice` ends the walk, and another answer to the question that an advice names goes on.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final, Literal, NamedTuple

from onboarding.errors import Invalid
from onboarding.routing_labels import read
from onboarding.routing_questions import (
    ANY,
    START,
    TREE,
    Advice,
    Answers,
    Door,
    Field,
    Question,
)
from onboarding.routing_rules import CURRENT, RULE_SETS, RuleSet, rule_set

__all__ = [
    "CURRENT",
    "RULE_SETS",
    "Advice",
    "Answers",
    "Door",
    "Field",
    "Question",
    "RuleSet",
    "Step",
    "UnknownAnswer",
    "Verdict",
    "answer",
    "asked",
    "next_question",
    "previous",
    "route",
    "rule_set",
    "trail",
]

Step = Question | Door | Advice


@dataclass(frozen=True)
class Verdict:
    """What labels tell: a door, the question that would tell, or why there is no door."""

    verdict: Literal["type", "ask", "stop", "unsupported"]
    connection_type: str | None
    credential_mode: Literal["delegated", "full"] | None
    question: str | None
    why: str
    rules: str


class UnknownAnswer(Invalid):
    """This is not one of the possible answers."""

    code = "unknown_answer"
    advice = "Choose one of the answers that are listed."

    def __init__(self, *fields: Field) -> None:
        super().__init__({field.name: _expected(field) for field in fields})
        self.allowed = {field.name: field.options for field in fields}


def route(labels: Sequence[str], *, on: date | None = None) -> Verdict:
    """The verdict on what a tool asks for, by the rules in force that day, or by the current."""
    rules = rule_set(on) if on else CURRENT
    decision = rules.decide(read(labels, rules.lexicon))
    return Verdict(
        decision.verdict,
        decision.connection_type,
        decision.credential_mode,
        decision.question,
        decision.why,
        rules.version,
    )


def next_question(answers: Answers) -> Step:
    """What to ask next, or where the answers lead. Raises UnknownAnswer."""
    return _walk(answers).step


def answer(answers: Answers, question: str, values: Answers) -> dict[str, str]:
    """The answers once a question is (re)answered, less those that no longer apply.

    Raises UnknownAnswer, also for a question that these answers do not lead to.
    """
    known = {each.code: each for each in _answerable(answers)}
    if question not in known:
        raise UnknownAnswer(Field("question", tuple(known)))
    own = {field.name for field in known[question].fields}
    others = {name: value for name, value in answers.items() if name not in own}
    return _applicable(others | _accepted(known[question], values))


def trail(answers: Answers) -> list[Question]:
    """The questions answered so far, in order. Raises UnknownAnswer."""
    return _walk(answers).answered


def asked(answers: Answers) -> list[str]:
    """The codes of the questions answered so far, in order. Raises UnknownAnswer."""
    return [question.code for question in trail(answers)]


def previous(answers: Answers, question: str | None = None) -> str | None:
    """Where "back" leads from a question; by default, from the one to be asked next."""
    codes = asked(answers)
    before = codes[: codes.index(question)] if question in codes else codes
    return before[-1] if before else None


class _Walk(NamedTuple):
    answered: list[Question]
    step: Step
    # Where the next question stands in the tree; none at the end.
    node: str | None


def _walk(answers: Answers) -> _Walk:
    _refuse_unknown(answers)
    answered: list[Question] = []
    node = START
    while True:
        question, leads_to = TREE[node]
        if not _is_answered(question, answers):
            return _Walk(answered, question, node)
        answered.append(question)
        step = leads_to[ANY] if ANY in leads_to else leads_to[answers[question.code]]
        if not isinstance(step, str):
            return _Walk(answered, _arrive(step, question, answers), None)
        node = step


def _refuse_unknown(answers: Answers) -> None:
    """A code that no question offers is refused; one of another way is only asked again."""
    unknown = [
        Field(name, options)
        for name, options in _OPTIONS.items()
        if answers.get(name) and answers[name] not in options
    ]
    if unknown:
        raise UnknownAnswer(*unknown)


def _is_answered(question: Question, answers: Answers) -> bool:
    return all(
        field.optional or field.accepts(answers.get(field.name, ""))
        for field in question.fields_for(answers)
    )


def _arrive(end: Door | Advice, question: Question, answers: Answers) -> Door | Advice:
    if isinstance(end, Advice):
        return replace(end, question=question.code)
    if end.connection_type != "aggregator":
        return end
    if answers["aggregator"] == "other":
        return replace(end, aggregator_name=answers["aggregator_name"])
    return replace(end, aggregator=answers["aggregator"])


def _answerable(answers: Answers) -> list[Question]:
    walk = _walk(answers)
    return [*walk.answered, *([walk.step] if isinstance(walk.step, Question) else [])]


def _accepted(question: Question, values: Answers) -> dict[str, str]:
    given = {field.name: " ".join(values.get(field.name, "").split()) for field in question.fields}
    filled = [
        field for field in question.fields_for(given) if given[field.name] or not field.optional
    ]
    wrong = [field for field in filled if not field.accepts(given[field.name])]
    if wrong:
        raise UnknownAnswer(*wrong)
    return {field.name: given[field.name] for field in filled}


def _applicable(answers: Answers) -> dict[str, str]:
    """What was answered on the way, and what may still be asked further on."""
    walk = _walk(answers)
    return {
        field.name: answers[field.name]
        for question in (*walk.answered, *_ahead(walk.node))
        for field in question.fields_for(answers)
        if field.accepts(answers.get(field.name, ""))
    }


def _ahead(node: str | None) -> Iterator[Question]:
    if node is not None:
        yield TREE[node].question
        for step in TREE[node].leads_to.values():
            yield from _ahead(step if isinstance(step, str) else None)


def _expected(field: Field) -> str:
    codes = ", ".join(field.options)
    return f"one of: {codes}" if codes else f"1 to {field.longest} characters"


def _every_option() -> dict[str, tuple[str, ...]]:
    fields = [field for node in TREE.values() for field in node.question.fields if field.options]
    return {
        name: tuple(
            dict.fromkeys(code for field in fields if field.name == name for code in field.options)
        )
        for name in {field.name: None for field in fields}
    }


_OPTIONS: Final = _every_option()
