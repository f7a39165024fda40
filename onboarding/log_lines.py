"""Every line that we log: its name, how much it matters, what it tells and may tell.

A field that is not named here for its line is not written. So nobody has to read all of the code to
know that no person and no secret is in a log, nor to write a rule for whoever collects them.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

# What any line may have; the last three while a task runs, `request_id` while a request is answered.
ALWAYS: Final[dict[str, str]] = {
    "event": "The line's name. Libraries have none: theirs is a sentence.",
    "level": "`debug`, `info`, `warning`, `error` or `critical`.",
    "logger": "The module, ours or a library's.",
    "timestamp": "When, in UTC.",
    "trace_id": "The [trace](monitoring.md#traces) within which it was written.",
    "request_id": "The request that was being answered: its `X-Request-ID`.",
    "exception": "The traceback, without the values of variables.",
    "left_out": "Names of fields that were not written, because no line of that name may have them.",
    "task": "The task that runs.",
    "message": "The ID of its message in the outbox.",
    "onboarding": "The ID of the onboarding that it is about.",
}
FIELDS: Final[dict[str, str]] = {
    "advice": "What to do, as a sentence.",
    "attempt": "Which attempt it was, from 1.",
    "call": "The function that is called again.",
    "cause": "A code of [causes](monitoring.md#what-is-told).",
    "check": "The check of `/readyz` that failed.",
    "code": "The stable code of the refusal.",
    "count": "How many messages.",
    "deaths": "How many processes this one has replaced.",
    "error": "The error's type, never its text.",
    "examples": "References and states of some onboardings.",
    "host": "The address that is listened at.",
    "incident": "Whether it is tried no more.",
    "instance": "The ID that the answer named, for whoever asks about it.",
    "key": "The ID of a key of the keyring.",
    "killed_by": "The signal that ended the process.",
    "length": "How many characters came.",
    "messages": "How many messages came due by that.",
    "port": "The port that is listened at.",
    "position": "Which item of the run, from 1.",
    "processes": "How many died.",
    "reason": "A code for what was wrong with the sign-in, or with the assertion of a client.",
    "run": "The ID of the run.",
    "status": "The HTTP status of the answer.",
    "webhook": "The ID of the endpoint.",
    "why": "Which event the chart did not allow any more, and in which state.",
}


_INTRODUCTION: Final = (
    "Everything is written to stderr, a line each; with `ONBOARDING_LOG_FORMAT=json` as JSON. No line"
    " of ours names a person, an e-mail address or a Seller ID, and none holds a secret. A field that"
    " is not named here for its line is not written: `left_out` names it. In tests it is an error."
)


class Line(NamedTuple):
    """One line: what it tells, and the fields that it may have."""

    level: str
    tells: str
    fields: frozenset[str] = frozenset()
    has_traceback: bool = False


def _line(level: str, tells: str, *fields: str, has_traceback: bool = False) -> Line:
    return Line(level, tells, frozenset(fields), has_traceback)


LINES: Final[dict[str, Line]] = {
    "after_commit_failed": _line(
        "warning", "What follows a commit failed; the commit stands.", has_traceback=True
    ),
    "api_key_in_url": _line("warning", "A system sent its API key in an address. Make a new one."),
    "assertion_refused": _line(
        "info", "A client assertion proved nothing; the caller is not told why.", "reason"
    ),
    "client_secret_in_url": _line(
        "warning", "A client sent its secret in an address. It needs a new one."
    ),
    "crashed": _line(
        "error", "An answer failed for a mistake of ours.", "code", "status", "instance",
        has_traceback=True,
    ),
    "deadline_failed": _line(
        "warning", "A deadline could not be kept now; it is tried again.", has_traceback=True
    ),
    "flush_failed": _line(
        "error", "The disk did not keep what was written: nothing more is, until the program starts again.",
        "error", "advice",
    ),
    "garbage_on_the_queue": _line(
        "warning", "The broker held something that is no message; it was thrown away.", "error"
    ),
    "lease_lost": _line("info", "Another worker had taken the message over.", "attempt"),
    "listening": _line("info", "Pages are served.", "host", "port"),
    "not_a_message": _line("warning", "A task was sent without a message's ID.", "length"),
    "not_listening": _line(
        "info", "The broker did not tell a worker of more: it is sent for the next time.", "error"
    ),
    "not_ready": _line("warning", "`/readyz` answers 503.", "check", "error"),
    "not_together": _line(
        "info", "Something was wrong with one of several messages: each comes alone.", "count", "error"
    ),
    "obsolete": _line("info", "What was promised is not needed any more.", "why"),
    "operator_sign_in_failed": _line(
        "warning", "An operator could not sign in.", "code", "reason"
    ),
    "process_replaced": _line(
        "error", "A process was killed; the one that waited goes on.", "killed_by", "deaths"
    ),
    "publish_failed": _line(
        "warning", "The broker takes nothing; a sweep will send it.", "error", "count"
    ),
    "publisher_backlog_full": _line("warning", "Too much waits for the broker; a sweep will send it."),
    "refused": _line(
        "info", "A request was refused.", "code", "status", "instance", "error"
    ),
    "relay_failed": _line("warning", "A sweep failed; the next follows.", "error", has_traceback=True),
    "run_item_failed": _line(
        "warning", "An item of a run failed; the run goes on.", "run", "position", has_traceback=True
    ),
    "seal_key_destroyed": _line("info", "A pair of seal keys that nothing needs is gone.", "key"),
    "seal_key_made": _line("info", "A new pair of seal keys is the newest.", "key"),
    "seal_keys_left": _line(
        "warning", "The keyring takes no change, or is another one: seal keys get older.",
        "error", "advice",
    ),
    "sign_in_failed": _line("info", "A seller could not sign in.", "code", "reason"),
    "states_unknown": _line(
        "error", "Onboardings are in a state that this version does not have.", "examples", "advice"
    ),
    "task_crashed": _line("error", "A task failed before it could say so.", has_traceback=True),
    "task_failed": _line(
        "warning", "An attempt failed.", "attempt", "cause", "incident", has_traceback=True
    ),
    "takes_no_work": _line(
        "error", "A worker took no work although its broker answers; it is replaced."
    ),
    "task_hangs": _line("error", "A task took too long; its thread is given up.", "incident"),
    "tried_again": _line(
        "info", "The database rolled a transaction back; it is run again.", "call", "error"
    ),
    "token_refused": _line(
        "info", "The authorization server refused a request.", "code", "status"
    ),
    "turns_of_the_dead_ended": _line(
        "info", "What dead processes had in hand came due at once.", "processes", "messages"
    ),
    "use_not_noted": _line(
        "info", "That an API key or a client secret was used could not be noted.", "error"
    ),
    "webhook_disabled": _line(
        "warning", "An endpoint of another system is sent nothing any more.", "webhook", "cause"
    ),
}  # fmt: skip


def undeclared(written: Mapping[str, Any]) -> set[str]:
    """Fields that a line of this name may not have; all but a few where nobody declared the line."""
    line = LINES.get(written["event"])
    of_it = line.fields if line else frozenset[str]()
    return written.keys() - ALWAYS.keys() - of_it - {"exc_info"}


def markdown() -> str:
    """The page about them: `python -m tools.logs > docs/logs.md`."""
    return "\n".join([*_page(), ""])


def _page() -> Iterator[str]:
    yield from (
        "# Logs",
        "",
        "Made from `onboarding/log_lines.py`: `python -m tools.logs > docs/logs.md`.",
        "",
        _INTRODUCTION,
        "",
        "## Lines",
        "",
        "| event | level | tells | fields |",
        "|---|---|---|---|",
    )
    for name, line in LINES.items():
        fields = [*sorted(line.fields), *(["exception"] if line.has_traceback else [])]
        told = ", ".join(f"`{field}`" for field in fields)
        yield f"| `{name}` | {line.level} | {line.tells} | {told} |"
    for title, described in (("Fields", FIELDS), ("Fields of any line", ALWAYS)):
        yield from ("", f"## {title}", "", "| field | holds |", "|---|---|")
        yield from (f"| `{name}` | {holds} |" for name, holds in described.items())
