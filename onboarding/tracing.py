"""Traces: a few spans of our own, in OpenTelemetry's form. Nothing is imported where they are off.

A request, a transition, a publication and a task each have one. What is told of them is a list of
names: IDs that open nothing, states, codes and numbers. No path, no text, nobody's name.
"""
# ruff: noqa: PLC0415 - the packages are an extra; without traces nobody pays for them

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
    from opentelemetry.trace import Link

# All that a span may tell; whatever else it is given is dropped.
ATTRIBUTES: Final = frozenset(
    {
        "http.request.method",
        "http.response.status_code",
        "http.route",
        "onboarding.id",
        "onboarding.type",
        "onboarding.from",
        "onboarding.to",
        "onboarding.event",
        "actor.type",
        "message.id",
        "message.task",
        "attempt",
        "outcome",
        "cause",
        "error.type",
    }
)
# Seconds that the end of a process waits for whoever collects traces.
PATIENCE: Final = 2.0

_NEEDED: Final = ("opentelemetry.sdk.trace", "opentelemetry.exporter.otlp.proto.http")
_OFF: Final = nullcontext()
_provider: list["TracerProvider"] = []


def check(endpoint: str) -> str:
    """An address is of use only to who has the packages. Raises ValueError with what to install."""
    if endpoint and not all(map(_is_there, _NEEDED)):
        raise ValueError("nothing, until the extra is installed: pip install 'onboarding[traces]'")
    return endpoint


def start(endpoint: str, role: str) -> None:
    """Send the spans of this process there, in batches; nothing where it is empty. After a fork."""
    if not endpoint:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    exporter = OTLPSpanExporter(f"{endpoint}/v1/traces", timeout=PATIENCE)
    hand_to(BatchSpanProcessor(exporter), role)


def hand_to(processor: "SpanProcessor", role: str) -> None:
    """Hand the spans of this process to whoever wants them, instead of those before."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    stop()
    resource = Resource.create({"service.name": f"onboarding-{role}"})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(processor)
    _provider.append(provider)


@contextmanager
def sent_to(endpoint: str, role: str) -> Iterator[None]:
    """The same until the end of the block; then what is left is sent."""
    start(endpoint, role)
    try:
        yield
    finally:
        stop()


def stop() -> None:
    """Hand over what is left, and make no more spans."""
    while _provider:
        _provider.pop().shutdown()


def are_on() -> bool:
    """Whether anybody wants spans of this process."""
    return bool(_provider)


def span(
    name: str,
    attributes: Mapping[str, object],
    *,
    follows: str | None = None,
    root: bool = False,
) -> AbstractContextManager[object]:
    """One step, under the one that is under way; a `root` begins a trace of its own.

    `follows` is the `traceparent` of the step that called for this one, here or elsewhere, now or
    days ago: a link, so that no trace stays open for as long as an onboarding.
    """
    return _recorded(name, attributes, follows, root=root) if _provider else _OFF


def transition(
    onboarding_id: UUID, event: str, source: str | None, target: str | None, actor_kind: str
) -> AbstractContextManager[object]:
    """One move of an onboarding; what it promises follows from it. Where it leads may be told later."""
    if not _provider:
        return _OFF
    moved = {"onboarding.from": source, "onboarding.to": target, "onboarding.event": event}
    told = {"onboarding.id": onboarding_id, "actor.type": actor_kind, **moved}
    return span("onboarding.transition", told)


def tell(attributes: Mapping[str, object]) -> None:
    """What has come out, for the step that is under way."""
    if _provider:
        _tell(attributes)


def current() -> str | None:
    """The `traceparent` (W3C Trace Context) of the step that is under way, if traces are on."""
    if not _provider:
        return None
    from opentelemetry.trace import get_current_span

    of = get_current_span().get_span_context()
    return f"00-{of.trace_id:032x}-{of.span_id:016x}-{of.trace_flags:02x}" if of.is_valid else None


def trace_id(traceparent: str | None) -> str | None:
    """Which trace a `traceparent` belongs to."""
    return traceparent.split("-")[1] if traceparent else None


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


@contextmanager
def _recorded(
    name: str, attributes: Mapping[str, object], follows: str | None, *, root: bool
) -> Iterator[None]:
    """An error's text may hold anything, so a span has its type only."""
    from opentelemetry.context import Context

    with (
        _provider[0]
        .get_tracer("onboarding")
        .start_as_current_span(
            name,
            Context() if root else None,
            attributes=_kept(attributes),
            links=_links(follows),
            record_exception=False,
            set_status_on_exception=False,
        )
    ):
        try:
            yield
        except Exception as error:
            _tell({"error.type": type(error).__name__})
            raise


def _links(traceparent: str | None) -> "list[Link]":
    from opentelemetry.trace import Link, SpanContext, TraceFlags

    if not traceparent:
        return []
    _, trace, parent, flags = traceparent.split("-")
    followed = SpanContext(int(trace, 16), int(parent, 16), True, TraceFlags(int(flags, 16)))
    return [Link(followed)]


def _tell(attributes: Mapping[str, object]) -> None:
    from opentelemetry.trace import Status, StatusCode, get_current_span

    step = get_current_span()
    step.set_attributes(_kept(attributes))
    if {"cause", "error.type"} & {name for name, value in attributes.items() if value}:
        step.set_status(Status(StatusCode.ERROR))


def _kept(attributes: Mapping[str, object]) -> dict[str, Any]:
    """None says nothing."""
    return {
        name: value if isinstance(value, int) else str(value)
        for name, value in attributes.items()
        if name in ATTRIBUTES and value is not None
    }
