"""W6: so many tasks wait that a queue which looks at all of them, or keeps something of each, shows it."""

from bench.trial import Trial
from bench.workloads.base import Figure
from bench.workloads.beside import Beside, compared, filled_and_drained

PLAIN = 25  # W1 has so many times fewer


class Queued(Beside):
    name = "queued"
    title = "W6: a million no-op tasks wait, and are drained"
    figures = (
        *Beside.figures,
        Figure("rss_growth", "RSS at most, of that in the first tenth", "×", digits=2),
    )

    def run(self, trial: Trial) -> dict[str, float]:
        plain = filled_and_drained(trial, max(trial.tasks // PLAIN, 1))
        return compared(filled_and_drained(trial, trial.tasks), plain)
