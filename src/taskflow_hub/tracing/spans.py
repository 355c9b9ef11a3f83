"""The spans of a hub, by OpenTelemetry's conventions for messaging and HTTP.

    POST /tasks (SERVER) → submit (PRODUCER) → publish (PRODUCER) → receive (CLIENT)
                                                                  → process (CONSUMER) → GET (CLIENT)

A publish that need not follow soon is no child: it begins a trace of its own, which links to the submit. So no trace lasts for
days, and one that began in a request tells what belongs to that request.

No attribute holds anything of a payload, a result, an error's words, or a URL but its scheme, host and port.
"""

import contextvars
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from msgspec.structs import replace
from opentelemetry import trace
from opentelemetry.context import Context, attach
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Status, StatusCode, TracerProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from taskflow_hub.domain.messages import Assignment, Ending, Failed
from taskflow_hub.domain.model import Task
from taskflow_hub.domain.submission import Submission

SYSTEM: Final = "taskflow"
NO_TRACE: Final = Context()
_propagator: Final = TraceContextTextMapPropagator()


class Tracer:
    def __init__(self, provider: TracerProvider, version: str) -> None:
        self._tracer = provider.get_tracer("taskflow_hub", version)

    def trace_id(self) -> str | None:
        span = trace.get_current_span().get_span_context()
        return f"{span.trace_id:032x}" if span.is_valid else None

    @contextmanager
    def serving(self, method: str, traceparent: str | None) -> Iterator["Exchange"]:
        """A request that is answered here; what happens meanwhile is part of it."""
        with self._current(method, _context(traceparent), SpanKind.SERVER) as span:
            yield Exchange(span, method)

    @contextmanager
    def calling(self, method: str, attributes: dict[str, Any]) -> Iterator["Exchange"]:
        """A request that is made here."""
        with self._current(method, None, SpanKind.CLIENT) as span:
            span.set_attributes(attributes)
            try:
                yield Exchange(span, method)
            except BaseException as error:
                _failed(span, type(error).__name__)
                raise

    def submitting(self, wanted: Sequence[Submission], traceparent: str | None) -> "Submitting":
        """Within what is under way here, else within `traceparent`. The tasks of a batch get a trace each, linked to that."""
        here = trace.get_current_span().get_span_context()
        origin = here if here.is_valid else _origin(traceparent)
        context, links = _apart(origin) if len(wanted) > 1 else _within(origin)
        return Submitting(
            [
                self._span("create", "submit", one.type, context, SpanKind.PRODUCER, links, queue=one.queue)
                for one in wanted
            ]
        )

    def submitting_workflow(self, traceparent: str | None) -> "Submitting":
        here = trace.get_current_span().get_span_context()
        context, links = _within(here if here.is_valid else _origin(traceparent))
        return Submitting(
            [self._span("create", "submit", "workflow", context, SpanKind.PRODUCER, links, queue=None)]
        )

    def publishing(self, assignments: Sequence[Assignment], late: Collection[str]) -> "Publishing":
        """`late`: the ids of tasks that were to wait. They, and every attempt after the first, begin a trace of their own."""
        spans = []
        for one in assignments:
            origin = _origin(one.traceparent)
            context, links = _apart(origin) if one.attempt > 1 or one.id in late else _within(origin)
            span = self._span("send", "publish", one.type, context, SpanKind.PRODUCER, links, queue=one.queue)
            span.set_attributes(_of(one))
            spans.append(span)
        return Publishing(
            [replace(one, traceparent=_written(span)) for one, span in zip(assignments, spans, strict=True)],
            spans,
        )

    def received(self, assignment: Assignment) -> "Received":
        """An attempt has reached its worker."""
        return Received(self._span, assignment)

    def _span(
        self,
        operation: str,
        name: str,
        type: str,
        context: Context,
        kind: SpanKind,
        links: Sequence[Link] = (),
        *,
        queue: str | None,
    ) -> Span:
        attributes: dict[str, Any] = {
            "messaging.system": SYSTEM,
            "messaging.operation.type": operation,
            "messaging.operation.name": name,
            "taskflow.type": type,
        }
        if queue is not None:
            attributes["messaging.destination.name"] = queue
        return self._tracer.start_span(f"{name} {type}", context, kind, attributes, links)

    @contextmanager
    def _current(self, name: str, context: Context | None, kind: SpanKind) -> Iterator[Span]:
        with self._tracer.start_as_current_span(
            name, context, kind, record_exception=False, set_status_on_exception=False
        ) as span:
            yield span


class Exchange:
    """A request and its answer."""

    def __init__(self, span: Span, method: str) -> None:
        self._span, self._method = span, method
        self.traceparent = _written(span)
        span.set_attribute("http.request.method", method)

    def served(self, route: str | None, status: int | None) -> None:
        if route is not None:
            self._span.update_name(f"{self._method} {route}")
            self._span.set_attribute("http.route", route)
        if status is not None:
            self._answered(status, 500)

    def answered(self, status: int) -> None:
        self._answered(status, 400)

    def _answered(self, status: int, wrong_from: int) -> None:
        self._span.set_attribute("http.response.status_code", status)
        if status >= wrong_from:
            _failed(self._span, str(status))


class Submitting:
    """One submit: the spans of its tasks, open while it is committed."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = spans
        self.traceparents = [_written(span) for span in spans]

    def __enter__(self) -> "Submitting":
        return self

    def made(self, tasks: Sequence[Task]) -> None:
        for span, task in zip(self._spans, tasks, strict=True):
            span.set_attribute("messaging.message.id", task.id)
            span.set_attribute("messaging.destination.name", task.queue)

    def made_workflow(self, id: str) -> None:
        self._spans[0].set_attribute("taskflow.workflow.id", id)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for span in self._spans:
            if kind is not None:
                _failed(span, kind.__name__)
            span.end()


class Publishing:
    """Assignments on their way to one worker, each with the context that its worker goes on with."""

    def __init__(self, assignments: list[Assignment], spans: Sequence[Span]) -> None:
        self.assignments, self._spans = assignments, spans

    def __enter__(self) -> "Publishing":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for span in self._spans:
            if kind is not None:
                _failed(span, kind.__name__)
            span.end()


class Received:
    """One attempt in a worker's hands: it waits for a slot (receive), then its handler runs (process)."""

    def __init__(self, make: Any, assignment: Assignment) -> None:
        self._make, self._assignment = make, assignment
        self._receive: Span | None = None
        self._process: Span | None = None
        if assignment.traceparent is not None:  # else they would be two traces
            self._receive = self._span("receive", SpanKind.CLIENT)

    def started(self) -> None:
        if self._receive is not None:
            self._receive.end()
        self._process = self._span("process", SpanKind.CONSUMER)

    @property
    def traceparent(self) -> str | None:
        """Of the handler's span."""
        return None if self._process is None else _written(self._process)

    def into(self, context: contextvars.Context) -> contextvars.Context:
        """The handler is to run in that: what it does then is part of its span."""
        if self._process is not None:
            context.run(attach, trace.set_span_in_context(self._process, NO_TRACE))
        return context

    def ended(self, report: Ending | None) -> None:
        """None: its lease was lost, and nothing is said of it."""
        span = self._process or self._receive
        if span is None:
            return
        span.set_attribute("taskflow.outcome", "lost" if report is None else type(report).__name__.lower())
        if isinstance(report, Failed):
            _failed(span, report.error.type)
        span.end()

    def _span(self, operation: str, kind: SpanKind) -> Span:
        one = self._assignment
        span: Span = self._make(
            operation, operation, one.type, _context(one.traceparent), kind, queue=one.queue
        )
        span.set_attributes(_of(one))
        return span


def remote(traceparent: str) -> None:
    """From now on, what happens in this thread is part of that: for processes that make no spans of their own."""
    attach(_context(traceparent))


def _of(assignment: Assignment) -> dict[str, Any]:
    return {"messaging.message.id": assignment.id, "taskflow.attempt": assignment.attempt}


def _failed(span: Span, what: str) -> None:
    """An exception's type or a status: its words may hold what the payload held."""
    span.set_attribute("error.type", what)
    span.set_status(Status(StatusCode.ERROR, what))


def _context(traceparent: str | None) -> Context:
    return _propagator.extract({} if traceparent is None else {"traceparent": traceparent}, NO_TRACE)


def _origin(traceparent: str | None) -> SpanContext:
    return trace.get_current_span(_context(traceparent)).get_span_context()


def _within(origin: SpanContext) -> tuple[Context, Sequence[Link]]:
    if not origin.is_valid:
        return NO_TRACE, ()
    return trace.set_span_in_context(trace.NonRecordingSpan(origin), NO_TRACE), ()


def _apart(origin: SpanContext) -> tuple[Context, Sequence[Link]]:
    """A new trace that links to the old one; but what was not sampled stays so."""
    if not origin.is_valid or not origin.trace_flags.sampled:
        return _within(origin)
    return NO_TRACE, (Link(origin),)


def _written(span: Span) -> str:
    context = span.get_span_context()
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
