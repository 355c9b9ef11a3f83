"""The SDK, set up: a bounded queue, and a thread that sends. What cannot be sent is dropped, and that is said once."""

import logging
from collections.abc import Sequence
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

CHATTY: Final = "opentelemetry.exporter"  # it tells of every try

log = logging.getLogger("taskflow.tracing")


def make_provider(service: str, version: str) -> TracerProvider:
    logging.getLogger(CHATTY).setLevel(logging.CRITICAL)
    named = {SERVICE_NAME: service, SERVICE_VERSION: version} | dict(
        OTELResourceDetector().detect().attributes
    )
    provider = TracerProvider(resource=Resource.create(named), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(Once(OTLPSpanExporter())))
    return provider


class Once(SpanExporter):
    """Another exporter, that says once when nothing arrives any more, and once when it does again."""

    def __init__(self, exporter: SpanExporter) -> None:
        self._exporter, self._fails = exporter, False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        why = "it did not answer, or refused"
        try:
            result = self._exporter.export(spans)
        except Exception as error:  # a URL that is none, say
            result, why = SpanExportResult.FAILURE, type(error).__name__
        fails = result is not SpanExportResult.SUCCESS
        if fails and not self._fails:
            log.warning("the collector takes no spans (%s): they are dropped, nothing else is touched", why)
        elif self._fails and not fails:
            log.info("the collector takes spans again")
        self._fails = fails
        return result

    def shutdown(self) -> None:
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._exporter.force_flush(timeout_millis)
