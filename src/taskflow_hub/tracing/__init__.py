"""Traces by OpenTelemetry: off until an OTLP endpoint is set, and then on for the whole process.

`tracer` is None while they are off: that one look is all that a hot path pays. Whoever looks reads `tracing.tracer` each time.
What speaks OpenTelemetry's language is imported when they are on.
"""

import re
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from taskflow_hub.tracing.spans import Tracer

tracer: "Tracer | None" = None

_TRACEPARENT: Final = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def well_formed(traceparent: str | None) -> str | None:
    """A trace context as W3C Trace Context writes it; None for anything else."""
    return traceparent if traceparent is not None and _TRACEPARENT.fullmatch(traceparent) else None


def current_trace_id() -> str | None:
    """Of the span that is under way here, in 32 hexadecimal digits; None where there is none, or traces are off. For logs."""
    return None if tracer is None else tracer.trace_id()


def carried() -> str | None:
    """The trace context of whoever calls, to go along with what is submitted: of a traced handler, or of a program that traces
    itself by OpenTelemetry. None where nobody does.
    """
    api = sys.modules.get("opentelemetry.trace")  # not imported for it: who traces has done so
    if api is None:
        return None
    span = api.get_current_span().get_span_context()
    return f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}" if span.is_valid else None
