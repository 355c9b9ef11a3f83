"""W7: W1 beside a history that grows to millions of finished tasks, which the system's program makes."""

from itertools import pairwise
from typing import Final

from bench.trial import Trial
from bench.workloads.beside import Beside, compared, filled_and_drained

PARTS: Final = (0.0, 0.1, 0.4, 1.0)  # of the history: W1 after each
PIECE: Final = 250_000  # that many are made in one call
DRAINED: Final = 250  # W1 has so many times fewer than there are at the end
RATE_BESIDE: Final = "rate_beside_"  # and how many: the figures that show how it goes


class History(Beside):
    name = "history"
    title = "W7: W1 beside ten million finished tasks"

    def run(self, trial: Trial) -> dict[str, float]:
        tasks = max(trial.tasks // DRAINED, 1)
        plain = hard = filled_and_drained(trial, tasks)
        rates = {0: plain["rate"]}
        for first, last in pairwise(round(part * trial.tasks) for part in PARTS):
            _make(trial, first, last)
            hard = filled_and_drained(trial, tasks)
            rates[last] = hard["rate"]
        return compared(hard, plain) | {f"{RATE_BESIDE}{count}": rate for count, rate in rates.items()}


def _make(trial: Trial, first: int, last: int) -> None:
    for start in range(first, last, PIECE):
        trial.told(start)
        trial.call("history", start, min(start + PIECE, last))
