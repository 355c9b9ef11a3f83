"""W1: tasks that do nothing wait in a queue; workers start and work them off."""

from bench.trial import Trial
from bench.workloads.base import Figure, Workload
from bench.workloads.draining import COSTS, drained


class Drain(Workload):
    name = "drain"
    title = "W1: a queue of no-op tasks is drained"
    figures = (Figure("rate", "tasks/s", "tasks/s"), *COSTS)

    def run(self, trial: Trial) -> dict[str, float]:
        trial.call("prefill", "noop", trial.tasks)
        return drained(trial)
