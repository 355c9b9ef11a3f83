"""Where spans go: to the collector that the standard OTEL_* variables name, in the background.

The SDK reads these itself: OTEL_EXPORTER_OTLP_ENDPOINT, …_HEADERS, OTEL_SERVICE_NAME, OTEL_TRACES_SAMPLER, OTEL_BSP_*.
"""

import logging
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from taskflow_hub import tracing
from taskflow_hub.domain.errors import Misconfigured

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
FLUSH_S: Final = 2.0  # how long the end of a process may wait for what is not sent yet

log = logging.getLogger("taskflow.tracing")


def start(service: str, version: str, environ: Mapping[str, str]) -> "TracerProvider | None":
    """Trace from now on, if an endpoint is set. `service` is the process's name unless OTEL_SERVICE_NAME says another.

    A provider that the program itself has set is used as it is. Raises Misconfigured when the packages are not installed, or
    the collector is to be spoken to in a protocol that we have not.
    """
    endpoint = next((name for name in ENDPOINTS if environ.get(name, "").strip()), None)
    if endpoint is None or _disabled(environ):
        return None
    protocol = next((name for name in PROTOCOLS if environ.get(name, "").strip()), None)
    if protocol is not None and environ[protocol].strip() != "http/protobuf":
        raise Misconfigured(f"{protocol}: traces are sent by http/protobuf only; unset it, or set it to that")
    try:
        from opentelemetry import trace
        from opentelemetry.sdk.trace import TracerProvider

        from taskflow_hub.tracing.provider import make_provider
        from taskflow_hub.tracing.spans import Tracer
    except ModuleNotFoundError as error:
        raise Misconfigured(
            f"{endpoint}: is set, and what sends traces is not installed ({error.name}): "
            "pip install 'taskflow-hub[otel]', or unset it"
        ) from None
    theirs = trace.get_tracer_provider()
    if isinstance(theirs, TracerProvider):
        tracing.tracer = Tracer(theirs, version)
        return None
    ours = make_provider(service, version)
    trace.set_tracer_provider(ours)
    tracing.tracer = Tracer(ours, version)
    return ours


def stop(provider: "TracerProvider | None") -> None:
    """Send what is not sent yet, within FLUSH_S. The SDK's own patience is longer, and a process that was told to end ends."""
    if provider is None:
        return
    flushing = threading.Thread(target=provider.shutdown, name="taskflow-flush", daemon=True)
    flushing.start()
    flushing.join(FLUSH_S)
    if flushing.is_alive():
        log.warning("the last spans were not sent: the collector did not take them within %g s", FLUSH_S)


def _disabled(environ: Mapping[str, str]) -> bool:
    return (
        environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
        or environ.get("OTEL_TRACES_EXPORTER", "").strip().lower() == "none"
    )
