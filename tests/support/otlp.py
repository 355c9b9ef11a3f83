"""A collector of traces: a real HTTP server on loopback that takes OTLP as protobuf and keeps the spans."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Message

ARRIVES_WITHIN_S = 30.0


@dataclass(frozen=True)
class Span:
    service: str
    name: str
    kind: str  # "SERVER"
    trace_id: str
    id: str
    parent_id: str  # empty: a root
    links: tuple[tuple[str, str], ...]  # (trace, span)
    attributes: Mapping[str, Any]
    error: str | None  # the status's description, where the status is an error
    events: int

    @property
    def task(self) -> Any:
        return self.attributes.get("messaging.message.id")


@dataclass
class Collector:
    url: str = ""
    spans: list[Span] = field(default_factory=list)
    asked: list[dict[str, str]] = field(
        default_factory=list
    )  # headers, in lower case, of GETs: the outside world
    told: list[dict[str, str]] = field(default_factory=list)  # headers of exports
    raw: bytes = b""  # all that was ever exported
    changed: threading.Condition = field(default_factory=threading.Condition)

    def until(self, true: "Callable[[list[Span]], bool]") -> list[Span]:
        """The spans, once they are as wanted."""
        with self.changed:
            assert self.changed.wait_for(lambda: true(self.spans), ARRIVES_WITHIN_S), self.spans
            return list(self.spans)

    def of_task(self, task_id: str, *names: str) -> dict[str, Span]:
        """A task's spans by their names, once those of `names` are there."""
        found = self.until(lambda spans: set(names) <= {span.name for span in spans if span.task == task_id})
        return {span.name: span for span in found if span.task == task_id}

    def take(self, body: bytes) -> None:
        request = ExportTraceServiceRequest.FromString(body)
        with self.changed:
            self.raw += body
            for resource in request.resource_spans:
                service = _values(resource.resource.attributes)["service.name"]
                for scope in resource.scope_spans:
                    self.spans += [_span(service, one) for one in scope.spans]
            self.changed.notify_all()


@contextmanager
def collecting() -> Iterator[Collector]:
    """It also answers every GET, as a page with a title."""
    collector = Collector()

    class Talk(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            collector.told.append(_headers(self))
            collector.take(self.rfile.read(int(self.headers["content-length"])))
            self.answer(b"", "application/x-protobuf")

        def do_GET(self) -> None:
            collector.asked.append(_headers(self))
            self.answer(b"<title>Far away</title>", "text/html")

        def answer(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Not to the test's output."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Talk)
    collector.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _span(service: str, one: Message) -> Span:
    return Span(
        service=service,
        name=one.name,
        kind=Message.SpanKind.Name(one.kind).removeprefix("SPAN_KIND_"),
        trace_id=one.trace_id.hex(),
        id=one.span_id.hex(),
        parent_id=one.parent_span_id.hex(),
        links=tuple((link.trace_id.hex(), link.span_id.hex()) for link in one.links),
        attributes=_values(one.attributes),
        error=one.status.message if one.status.code == one.status.STATUS_CODE_ERROR else None,
        events=len(one.events),
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, str(one.value.WhichOneof("value"))) for one in attributes}


def _headers(request: BaseHTTPRequestHandler) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}
