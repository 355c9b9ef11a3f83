"""Leasing, from outside the transaction: when to ask the database at all, and when to look whether the hints missed something.

A *survey* walks from line to line along the index of ready tasks and lowers the marks. It makes sure that no task waits
for ever for a hint that got lost: a lease that leaves workers with room asks for one (at most every `survey_s`), and there is
one at least every TEN_S. It runs beside the leases, on another connection, for with a transaction held open elsewhere it takes
long; and the longer it takes, the rarer it is.

What limits hold back has no mark, and may start after any end, anywhere. So a process that knows of such a task asks for
it with every lease, and others never do: who puts tasks on hold says so, and a survey finds what was missed.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping
from typing import Final

import structlog

from taskflow_hub.domain.errors import TaskflowError
from taskflow_hub.store.allot import HELD_AT_ONCE
from taskflow_hub.store.postgres.lease import Leasing
from taskflow_hub.store.postgres.link import Link
from taskflow_hub.store.postgres.marks import Marks
from taskflow_hub.store.postgres.readers import Readers
from taskflow_hub.store.postgres.running import OfWorkflows
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.transaction import Line, Snapshot, Transaction
from taskflow_hub.store.postgres.writer import Writer
from taskflow_hub.store.values import Leased

READY_LINES: Final = statement("only/ready_lines")
HELD_LANES: Final = statement("held_lanes")
UNHOLD: Final = statement("unhold")
ROUTE_LATE: Final = statement("only/route_late")

TEN_S: Final = 10.0
SHARE: Final = 0.05  # of the time is spent on surveys at most

log = structlog.stdlib.get_logger("taskflow.store")


class Dispatch:
    """`lease` may be awaited on any event loop. `on_found` is called when a survey found what no hint had told of."""

    def __init__(
        self,
        link: Link,
        readers: Readers,
        writer: Writer,
        of_workflows: OfWorkflows,
        *,
        survey_s: float,
        on_found: Callable[[], None],
    ) -> None:
        self._marks = Marks()
        self._link, self._readers, self._writer = link, readers, writer
        self._survey_s, self._on_found = survey_s, on_found
        self._leasing = Leasing(self._marks, of_workflows)
        self._turn = asyncio.Lock()
        self._surveyed_at: float | None = None  # on the loop's clock; None: not since the connection was made
        self._survey_took_s = 0.0
        self._surveying: asyncio.Task[None] | None = None
        self._limited = False  # limits hold something back
        self._told_limited = False  # somebody said so since the last lease began

    async def lease(self, workers: Collection[str] | None, limit: int) -> Leased:
        return await self._link.run(lambda: self._lease(workers, limit))

    def lower(self, ready: Mapping[Line, int]) -> None:
        """These lines may have ready tasks from these places on."""
        self._marks.lower(ready)

    def limited(self) -> None:
        """Limits hold back some tasks, which may start at any time."""
        self._limited = self._told_limited = True

    def missed(self) -> None:
        """Hints may have been missed: the next lease looks for itself."""
        self._surveyed_at = None

    async def stop(self) -> None:
        if self._surveying is not None:
            self._surveying.cancel()
            await asyncio.wait([self._surveying])

    async def _lease(self, workers: Collection[str] | None, limit: int) -> Leased:
        async with self._turn:
            if self._surveyed_at is None or self._survey_s <= 0:
                await self._survey()
            if not self._marks and not self._limited:
                self._look_again(self._survey_s)
                return Leased(())
            self._told_limited = False
            found = await self._writer.write(self._leasing.lease, workers, limit, limited=self._limited)
            self._limited = found.limited or self._told_limited
            self._marks.end(found.reached)
            self._look_again(self._survey_s if found.short else TEN_S)
            return found.leased

    # --- surveys -------------------------------------------------------------------------------------------------------

    def _look_again(self, after_s: float) -> None:
        """Begin a survey beside the leases, unless one is under way or the last was not long ago."""
        if self._surveying is not None or self._surveyed_at is None or after_s <= 0:
            return
        ago_s = self._link.loop.time() - self._surveyed_at
        if ago_s >= max(after_s, self._survey_took_s / SHARE):
            self._surveying = self._link.loop.create_task(self._survey_beside(), name="taskflow-store-survey")

    async def _survey_beside(self) -> None:
        try:
            if await self._survey():
                self._on_found()
        except TaskflowError as error:
            log.info("the survey of ready tasks failed", error=str(error))
        finally:
            self._surveying = None

    async def _survey(self) -> bool:
        """Lower the marks to what is there. True if something was found that no mark covered."""
        begun = self._link.loop.time()
        lines, mend, limited = await self._readers.read(_look)
        if mend:
            await self._writer.write(_mend)
        self._surveyed_at, self._survey_took_s = begun, self._link.loop.time() - begun
        news = self._marks.lower(lines) or mend or (limited and not self._limited)
        if limited:
            self.limited()
        return news


async def _look(snapshot: Snapshot) -> tuple[dict[Line, int], bool, bool]:
    rows = await snapshot.fetch(READY_LINES)
    lines = {(row["queue"], row["type"], row["priority"], row["account_id"]): row["seq"] for row in rows}
    held = await snapshot.row(HELD_LANES)
    assert held is not None
    return lines, held["mend"], held["limited"]


async def _mend(tx: Transaction) -> None:
    """What was put aside, or left in the default queue, just while a worker that serves it was registering."""
    for row in await tx.fetch(UNHOLD, HELD_AT_ONCE):
        tx.note_ready([tuple(row)])
    for row in await tx.fetch(ROUTE_LATE):
        if row["seq"] is not None:
            tx.note_ready([tuple(row)])
