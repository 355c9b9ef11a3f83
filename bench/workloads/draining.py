"""Working off what waits: shared by the workloads that fill a queue first."""

import time
from typing import NamedTuple

from bench.trial import LOOK_S, Trial
from bench.workers import Workers
from bench.workloads.base import Figure

ACKNOWLEDGED_WITHIN_S = 30.0

COSTS = (
    Figure("worker_cpu_us", "CPU of workers", "µs/task"),
    Figure("server_cpu_us", "CPU of servers", "µs/task"),
    Figure("transactions", "transactions", "/task", digits=2),
    Figure("wal_octets", "WAL", "octets/task"),
    Figure("dead_rows", "dead rows", "/task", digits=2),
    Figure("workers_rss_mb", "RSS of workers", "MB"),
    Figure("processes", "processes", ""),
    Figure("server_rss_mb", "RSS of servers", "MB"),
)


def drained(trial: Trial) -> dict[str, float]:
    """Start the workers on what waits there; until all of it has been acknowledged.

    CPU time is counted from the first task on, so that starting does not count; database counters from before the workers
    started until they have ended, because sessions tell what they did when they end.
    """
    trial.server.settle()
    before = trial.server.counters()
    with trial.workers() as workers:
        worker_cpu_s, server_cpu_s = trial.cpu_before_first(workers)
        trial.wait_for(trial.tasks, workers)
        end = _acknowledged(trial, workers)
        workers.look()
        server_rss_mb = trial.server_rss_mb()
    tasks, first_s, last_s = trial.tasks, trial.ticks.first_s(), trial.ticks.last_s()
    return {
        "tasks": tasks,
        "rate": tasks / (end.at_s - first_s),
        "secs": last_s - first_s,
        "acknowledged_after_s": end.at_s - last_s,
        "started": trial.ticks.count(),
        "workers_rss_mb": sum(workers.most_rss_mb),
        "rss_growth": workers.rss_growth(),
        "processes": len(workers.most_rss_mb),
        "server_rss_mb": server_rss_mb,
        "worker_cpu_us": 1e6 * (end.worker_cpu_s - worker_cpu_s) / tasks,
        "server_cpu_us": 1e6 * (end.server_cpu_s - server_cpu_s) / tasks,
        **trial.counted(before, tasks),
    }


class _Moment(NamedTuple):
    at_s: float
    worker_cpu_s: float
    server_cpu_s: float


def _acknowledged(trial: Trial, workers: Workers) -> _Moment:
    """Wait until nothing is pending any more, and each task has its result.

    The moment just before the look that found it so: to count millions of results takes a while, which is no task's.
    """
    give_up = time.monotonic() + ACKNOWLEDGED_WITHIN_S
    while True:
        moment = _Moment(time.time(), workers.cpu_s(), trial.server_cpu_s())
        pending = trial.pending()
        missing = 0 if pending else trial.missing()
        if not pending and not missing:
            return moment
        if time.monotonic() > give_up:
            what = f"{pending} are not acknowledged" if pending else f"{missing} have no result"
            raise RuntimeError(f"all {trial.tasks} tasks have run, and {what}")
        time.sleep(LOOK_S)
