"""W9: many tasks, and one that starts when all of them have ended; the workers had nothing else to do.

The one that comes last is given when the submit of them all began, and its latency is what it took.
"""

import time

from bench.trial import Trial
from bench.workloads.base import Figure, Workload

WARM = 10
IDLE_S = 1.0


class Fan(Workload):
    name = "fan"
    title = "W9: from the submit of a fan-out to the start of its join"
    figures = (
        Figure("rate", "tasks/s", "tasks/s"),
        Figure("secs", "all of them", "s", digits=2),
        Figure("worker_cpu_us", "CPU of workers", "µs/task"),
        Figure("server_cpu_us", "CPU of servers", "µs/task"),
    )

    def run(self, trial: Trial) -> dict[str, float]:
        with trial.workers() as workers:
            trial.call("fan", WARM)
            trial.wait_for(WARM + 1, workers)
            time.sleep(IDLE_S)
            trial.ticks.forget_latencies()
            worker_cpu_s, server_cpu_s = workers.cpu_s(), trial.server_cpu_s()
            trial.call("fan", trial.tasks)
            trial.wait_for(WARM + 1 + trial.tasks + 1, workers)
            worker_cpu_s, server_cpu_s = workers.cpu_s() - worker_cpu_s, trial.server_cpu_s() - server_cpu_s
            (join_ms,) = trial.ticks.latencies_ms()
            started = trial.ticks.count() - WARM - 2
        if started != trial.tasks:
            raise RuntimeError(f"{started} tasks of {trial.tasks} have started, and their join")
        return {
            "rate": 1e3 * trial.tasks / join_ms,
            "secs": join_ms / 1e3,
            "worker_cpu_us": 1e6 * worker_cpu_s / trial.tasks,
            "server_cpu_us": 1e6 * server_cpu_s / trial.tasks,
        }
