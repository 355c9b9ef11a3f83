"""W4: tasks that wait for 50 ms each, as for an answer from far away; a hundred at a time."""

from bench.trial import Trial
from bench.workloads.base import Figure, Workload
from bench.workloads.draining import COSTS, drained


class Waiting(Workload):
    name = "waiting"
    title = "W4: tasks that wait for 50 ms, a hundred at a time (2 000/s would be ideal)"
    figures = (Figure("rate", "tasks/s", "tasks/s"), Figure("secs", "all of them", "s", digits=2), *COSTS)

    def run(self, trial: Trial) -> dict[str, float]:
        trial.call("prefill", "io", trial.tasks)
        found = drained(trial)
        return found | {"rate": trial.tasks / found["secs"]}
