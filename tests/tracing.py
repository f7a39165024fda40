"""What spans say, kept in memory or as a collector was sent them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from onboarding import tracing


@dataclass(frozen=True)
class Told:
    """One span, whoever has recorded it; IDs are numbers in hexadecimal."""

    service: str
    name: str
    trace: str
    id: str
    parent: str | None
    links: tuple[tuple[str, str], ...]
    attributes: dict[str, Any]
    failed: bool


class Kept:
    """The spans of this process, while it lasts."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        tracing.hand_to(SimpleSpanProcessor(self._exporter), "tests")

    def named(self, name: str) -> list[Told]:
        return [each for each in self.all() if each.name == name]

    def all(self) -> list[Told]:
        return [_ours(span) for span in self._exporter.get_finished_spans()]

    def text(self) -> str:
        """All that would leave the process."""
        return "\n".join(span.to_json() for span in self._exporter.get_finished_spans())

    def forget(self) -> None:
        self._exporter.clear()


@dataclass
class Collector:
    """Takes what processes send by OTLP over HTTP."""

    url: str
    bodies: list[bytes] = field(default_factory=list)
    paths: set[str] = field(default_factory=set)

    def all(self) -> list[Told]:
        return [told for body in list(self.bodies) for told in _sent(body)]


@contextmanager
def a_collector() -> Iterator[Collector]:
    """One on a port of its own."""
    taken = Collector("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.paths.add(self.path)
            taken.bodies.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            """Nobody asks."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        taken.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield taken
        finally:
            server.shutdown()
            thread.join()


def _ours(span: ReadableSpan) -> Told:
    of = span.get_span_context()
    assert of is not None
    return Told(
        str(span.resource.attributes["service.name"]),
        span.name,
        f"{of.trace_id:032x}",
        f"{of.span_id:016x}",
        f"{span.parent.span_id:016x}" if span.parent else None,
        tuple((f"{k.context.trace_id:032x}", f"{k.context.span_id:016x}") for k in span.links),
        dict(span.attributes or {}),
        not span.status.is_ok,
    )


def _sent(body: bytes) -> Iterator[Told]:
    request = ExportTraceServiceRequest()
    request.ParseFromString(body)
    for resource in request.resource_spans:
        about = {a.key: a.value.string_value for a in resource.resource.attributes}
        for span in (s for scope in resource.scope_spans for s in scope.spans):
            yield Told(
                about["service.name"],
                span.name,
                span.trace_id.hex(),
                span.span_id.hex(),
                span.parent_span_id.hex() or None,
                tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
                {a.key: a.value.string_value or a.value.int_value for a in span.attributes},
                span.status.code == span.status.STATUS_CODE_ERROR,
            )
