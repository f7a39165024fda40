"""Structured logs: IDs are bound, people and secrets are not, and each line has its declared fields."""

import logging
import sys
from collections.abc import Mapping, MutableMapping
from contextvars import ContextVar, Token
from types import MappingProxyType
from typing import Any, Final

import structlog

from onboarding import log_lines, tracing
from onboarding.settings import Settings

_refuses = False

# The IDs of what is being done: one mapping, which costs a worker a fifth of what a variable for each does.
_bound: Final[ContextVar[Mapping[str, object]]] = ContextVar("bound", default=MappingProxyType({}))


def configure(settings: Settings) -> None:
    """Send everything, ours and the libraries', to stderr as one line an event."""
    structlog.configure(
        processors=_STEPS,
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(settings.log_format),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(settings.log_level.upper())
    for noisy in ("alembic", "httpx", "httpcore", "statemachine", "uvicorn"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def refuse_undeclared() -> None:
    """From now on in this process, a field that is not declared for its line is an error: in tests."""
    global _refuses  # noqa: PLW0603 - as logging itself, it belongs to the process
    _refuses = True


class Undeclared(Exception):
    """A line with a field that `log_lines` does not name for it."""


def _about(logger: object, method: str, event: MutableMapping[str, Any]) -> Any:
    """What is bound is written out here: most of what is done logs nothing."""
    return {name: str(value) for name, value in _bound.get().items()} | dict(event)


def _traced(logger: object, method: str, event: MutableMapping[str, Any]) -> Any:
    """A line that is written within a trace says which."""
    if traceparent := tracing.current():
        event["trace_id"] = tracing.trace_id(traceparent)
    return event


def _declared(logger: object, method: str, event: MutableMapping[str, Any]) -> Any:
    """A log that may be lost is no reason to fail: elsewhere such a field is only left out."""
    undeclared = log_lines.undeclared(event)
    if undeclared and _refuses:
        raise Undeclared(f"{event['event']}: {', '.join(sorted(undeclared))}")
    for field in undeclared:
        del event[field]
    return {**event, "left_out": sorted(undeclared)} if undeclared else event


_SHARED: Final[list[structlog.typing.Processor]] = [
    _about,
    _traced,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
# One list for ever: a logger keeps the one that it used first, whatever is configured later.
_STEPS: Final = [*_SHARED, _declared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter]


def _renderers(log_format: str) -> list[structlog.typing.Processor]:
    """JSON escapes control characters by itself; the console form is for people's terminals.

    Neither prints local variables of a traceback, which is where a secret would be.
    """
    if log_format == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    plain = structlog.dev.plain_traceback
    return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]


class bound:  # noqa: N801 - a function, to whoever uses it
    """Put these IDs on every line that is logged inside the block."""

    __slots__ = ("_before", "_values")

    def __init__(self, **values: object) -> None:
        self._values = values

    def __enter__(self) -> None:
        self._before: Token[Mapping[str, object]] = _bound.set({**_bound.get(), **self._values})

    def __exit__(self, *_: object) -> None:
        _bound.reset(self._before)


def request_id() -> str | None:
    """The ID of the request that is being answered, if one is."""
    found = _bound.get().get("request_id")
    return str(found) if found else None


def get(name: str) -> structlog.stdlib.BoundLogger:
    """A logger for one module."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger
