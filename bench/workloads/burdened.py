"""W8: W1 while others use the same database: somebody holds a transaction open, or four read again and again."""

from abc import abstractmethod
from contextlib import AbstractContextManager

from bench.burdens import READERS, held, readers
from bench.trial import Trial
from bench.workloads.beside import Beside, compared, filled_and_drained


class Burdened(Beside):
    def run(self, trial: Trial) -> dict[str, float]:
        plain = filled_and_drained(trial, trial.tasks)
        with self.burden(trial):
            return compared(filled_and_drained(trial, trial.tasks), plain)

    @abstractmethod
    def burden(self, trial: Trial) -> AbstractContextManager[None]: ...


class Held(Burdened):
    name = "held"
    title = "W8: W1 while a transaction is held open"

    def burden(self, trial: Trial) -> AbstractContextManager[None]:
        return held(trial.server)


class Read(Burdened):
    name = "read"
    title = f"W8: W1 beside {READERS} readers that hold a snapshot and scan it"

    def burden(self, trial: Trial) -> AbstractContextManager[None]:
        return readers(trial.server, trial.system.about.pending)
