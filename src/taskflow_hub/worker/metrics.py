"""What Prometheus is told of a worker, on the port of its health. What became of its tasks the servers tell, who decide it."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from taskflow_hub.domain.messages import Aborted, Ending, Failed, How, Released, Snoozed, Succeeded
from taskflow_hub.domain.model import AttemptOutcome
from taskflow_hub.worker.health import Health

OUTCOMES: Final[Mapping[type[Ending], AttemptOutcome]] = {
    Succeeded: AttemptOutcome.SUCCEEDED,
    Failed: AttemptOutcome.FAILED,
    Snoozed: AttemptOutcome.SNOOZED,
    Released: AttemptOutcome.RELEASED,
    Aborted: AttemptOutcome.ABORTED,
}


class Numbers(Struct, frozen=True, kw_only=True):
    slots: int
    running: int  # attempts with a slot, those too whose code runs on after their end
    waiting: int  # attempts that wait for a slot
    unacknowledged: int  # attempts that have ended, and whose report no server has stored yet
    ended: Mapping[AttemptOutcome, int]


def outcome_of(report: Ending) -> AttemptOutcome:
    if type(report) is Failed and report.how is How.TIMEOUT:
        return AttemptOutcome.TIMEOUT
    return OUTCOMES[type(report)]


def exposition(version: str, numbers: Numbers, health: Health) -> bytes:
    """Any thread."""
    # Only for those who ask: most workers are asked for nothing, and start sooner without it.
    from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector
    from prometheus_client.exposition import generate_latest

    registry = CollectorRegistry()

    def gauge(name: str, about: str, values: Mapping[str, float], label: str = "state") -> None:
        made = Gauge(name, about, [label], registry=registry)
        for key, value in values.items():
            made.labels(key).set(value)

    running = min(numbers.running, numbers.slots)
    gauge(
        "taskflow_worker_process_slots",
        "Slots of this worker.",
        {"busy": running, "free": numbers.slots - running},
    )
    gauge(
        "taskflow_worker_held",
        "Attempts that it holds: they run, wait for a slot, or have ended and are not acknowledged by a server.",
        {
            "running": numbers.running,
            "waiting": numbers.waiting,
            "unacknowledged": numbers.unacknowledged,
        },
    )
    ended = Counter(
        "taskflow_worker_attempts",
        "Attempts it has ended, by how it reports them; a server may refuse the report.",
        ["outcome"],
        registry=registry,
    )
    for outcome, count in numbers.ended.items():
        ended.labels(outcome).inc(count)
    well = Gauge(
        "taskflow_worker_healthy", "1 when probes are answered that it is well, else 0.", registry=registry
    )
    well.set(health.status == "ok")
    if health.beat_age_s is not None:
        age = Gauge(
            "taskflow_worker_beat_age_seconds",
            "Since the last heartbeat that a server accepted; absent while it is not registered.",
            registry=registry,
        )
        age.set(health.beat_age_s)
    lag = Gauge(
        "taskflow_worker_loop_lag_seconds",
        "For how long its event loop stands still by now; handlers that block it make it grow.",
        registry=registry,
    )
    lag.set(health.loop_lag_s)
    gauge("taskflow_build_info", "Always 1.", {version: 1}, "version")
    ProcessCollector(registry=registry)
    return generate_latest(registry)
