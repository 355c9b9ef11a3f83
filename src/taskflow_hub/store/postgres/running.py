"""How much each worker runs, counted anew by every lease (parts/lease_running.sql).

`SELECT count(*) … WHERE worker = …` alone would do. But each lease and each finish leaves an entry in that index, and while a
transaction is held open somewhere they pile up, and the count walks over all of them. So each process remembers what it saw
running: those tasks are looked up by id, and to them come the leases made since, by any process (`lease_no` rises with every
lease, and a worker's row is locked while it is given work, so nothing can appear below a number that has been passed).
"""

from collections.abc import Iterable, Mapping
from typing import Final

import asyncpg

from taskflow_hub.domain.limits import ALONE_FROM
from taskflow_hub.store.allot import Load
from taskflow_hub.store.profiles import Profile

MOST_REMEMBERED: Final = 100_000


class OfWorkflows:
    """Which of the tasks leased here are part of workflows, and of which (its root). A hint in memory only: it saves a try that
    would pass over them."""

    def __init__(self) -> None:
        self._roots: dict[str, str] = {}

    def add(self, id: str, root: str) -> None:
        while len(self._roots) >= MOST_REMEMBERED:
            del self._roots[next(iter(self._roots))]
        self._roots[id] = root

    def __contains__(self, id: str) -> bool:
        return id in self._roots

    def root_of(self, id: str) -> str | None:
        return self._roots.get(id)

    def forget(self, ids: Iterable[str]) -> None:
        for id in ids:
            self._roots.pop(id, None)


class Seen:
    """What one worker ran when it was last looked at, and the last lease known then."""

    __slots__ = ("ids", "upto")

    def __init__(self) -> None:
        self.ids: set[str] = set()
        self.upto = 0

    def keep(self, running: Mapping[str, int]) -> None:
        """All that it runs, with the number of each lease."""
        self.ids = set(running)
        self.upto = max(self.upto, *running.values()) if running else self.upto


Question = tuple[list[str], list[int], list[str], int]


class RunningTasks:
    """A memory that only makes the count cheaper; it is the same without."""

    def __init__(self, of_workflows: OfWorkflows) -> None:
        self._seen: dict[str, Seen] = {}
        self._of_workflows = of_workflows

    def question(self, workers: Iterable[str]) -> Question:
        """What parts/lease_running.sql is to be given to know what these workers run, whose rows are locked."""
        seen = {worker: self._seen.get(worker) or Seen() for worker in workers}
        return (
            list(seen),
            [known.upto for known in seen.values()],
            [id for known in seen.values() for id in known.ids],
            ALONE_FROM,
        )

    def loads(
        self, rows: Iterable[asyncpg.Record], places: Mapping[str, int], profiles: Mapping[str, Profile]
    ) -> list[Load]:
        """The load of each of these workers, from the answer."""
        seen = {worker: self._seen.get(worker) or Seen() for worker in places}
        self._seen = {
            worker: found for worker, found in self._seen.items() if worker in profiles
        }  # the others are dead
        found = {row["worker"]: row for row in rows}
        loads = []
        for worker, most in places.items():
            row = found.get(worker)
            now = Seen()
            now.upto = max(seen[worker].upto, 0 if row is None else row["upto"])
            now.ids = set() if row is None else set(row["ids"])
            self._seen[worker] = now
            loads.append(Load(worker, most, len(now.ids), row is not None and row["alone"], profiles[worker]))
        return loads

    def leased(self, rows: Iterable[asyncpg.Record]) -> None:
        """What this lease gives, from lease.sql. Should it be rolled back, these ids are merely looked up in vain."""
        for row in rows:
            seen = self._seen[row["worker"]]
            seen.ids.add(row["id"])
            seen.upto = max(seen.upto, row["lease_no"])
            if row["workflow_id"] is not None:
                self._of_workflows.add(row["id"], row["workflow_id"])
