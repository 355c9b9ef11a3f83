"""W3: from submit to start, of tasks that come one by one to workers with nothing else to do."""

import time

from bench.measure import percentile
from bench.trial import Trial
from bench.workloads.base import Figure, Workload

INTERVAL_S = 0.02
WARM, WARM_INTERVAL_S = 10, 0.05
IDLE_S = 1.0


class Latency(Workload):
    name = "latency"
    title = "W3: from submit to start, when idle"
    more_is_better = False
    figures = (
        Figure("p50", "median", "ms", digits=1),
        Figure("p95", "95th percentile", "ms", digits=1),
        Figure("p99", "99th percentile", "ms", digits=1),
        Figure("most", "most", "ms", digits=1),
        Figure("worker_cpu_us", "CPU of workers", "µs/task"),
        Figure("server_cpu_us", "CPU of servers", "µs/task"),
    )

    def run(self, trial: Trial) -> dict[str, float]:
        with trial.workers() as workers:
            trial.call("latency", WARM, WARM_INTERVAL_S)
            trial.wait_for(WARM, workers)
            time.sleep(IDLE_S)  # what is measured is what comes after a time in which nothing came
            trial.ticks.forget_latencies()
            worker_cpu_s, server_cpu_s = workers.cpu_s(), trial.server_cpu_s()
            trial.call("latency", trial.tasks, INTERVAL_S)
            trial.wait_for(WARM + trial.tasks, workers)
            worker_cpu_s, server_cpu_s = workers.cpu_s() - worker_cpu_s, trial.server_cpu_s() - server_cpu_s
            found = trial.ticks.latencies_ms()
        return {
            "p50": percentile(found, 0.50),
            "p95": percentile(found, 0.95),
            "p99": percentile(found, 0.99),
            "most": max(found),
            "worker_cpu_us": 1e6 * worker_cpu_s / trial.tasks,
            "server_cpu_us": 1e6 * server_cpu_s / trial.tasks,
        }
