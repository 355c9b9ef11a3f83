"""W5: of ten tasks one fails and is retried, one was submitted to run a second later; they have three priorities.

What a system has no word for is left out, as its program says.
"""

from bench.trial import Trial
from bench.workloads.base import Figure, Workload
from bench.workloads.draining import COSTS, drained


class Mixed(Workload):
    name = "mixed"
    title = "W5: a mixed queue: failures that are retried, delays, priorities"
    figures = (Figure("rate", "tasks/s", "tasks/s"), *COSTS)

    def run(self, trial: Trial) -> dict[str, float]:
        trial.call("prefill", "mixed", trial.tasks)
        return drained(trial)
