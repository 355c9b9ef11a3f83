"""W2: how fast tasks are accepted: one after another, many at once, by many callers at once. Nothing works meanwhile."""

from bench.lib.commands import WARM
from bench.trial import Trial
from bench.workloads.base import Figure, Workload

CALLERS = 64


class Submit(Workload):
    figures = (
        Figure("rate", "tasks/s", "tasks/s"),
        Figure("program_cpu_us", "CPU of program", "µs/task"),
        Figure("server_cpu_us", "CPU of servers", "µs/task"),
        Figure("transactions", "transactions", "/task", digits=2),
        Figure("wal_octets", "WAL", "octets/task"),
    )

    def run(self, trial: Trial) -> dict[str, float]:
        before, server_cpu_s = trial.server.counters(), trial.server_cpu_s()
        found = trial.submit(*self._command(trial.tasks))
        server_cpu_s = trial.server_cpu_s() - server_cpu_s
        tasks = trial.tasks + WARM  # the program warms up, which the servers cannot tell apart
        return {
            "rate": found["n"] / found["secs"],
            "program_cpu_us": 1e6 * found["cpu_s"] / found["n"],
            "server_cpu_us": 1e6 * server_cpu_s / tasks,
            **trial.counted(before, tasks),
        }

    def _command(self, tasks: int) -> tuple[object, ...]:
        return self.name, tasks


class Single(Submit):
    name = "single"
    title = "W2: tasks are submitted one after another"


class Bulk(Submit):
    name = "bulk"
    title = "W2: tasks are submitted many at once"


class Concurrent(Submit):
    name = "concurrent"
    title = f"W2: tasks are submitted by {CALLERS} callers at once"

    def _command(self, tasks: int) -> tuple[object, ...]:
        return self.name, tasks, CALLERS
