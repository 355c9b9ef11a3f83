"""Batches without timers: one call in flight, and whatever gathers meanwhile is the next batch.

Alone, an item goes at once; under load, batches grow by themselves to what one commit takes. Seen in PostgreSQL's group commit.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from taskflow_hub.domain.errors import Unavailable

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")
Operation = Callable[[Sequence[Item]], Awaitable[Sequence[Outcome]]]


class Batcher(Generic[Item, Outcome]):
    """Gives many callers of `add` one call of `operation`, which answers an outcome per item, in order.

    A call that raises is bisected, so a bad item fails alone; Unavailable fails them all, since it is nobody's fault.
    """

    def __init__(self, operation: Operation[Item, Outcome], *, limit: int) -> None:
        self._operation, self._limit = operation, limit
        self._waiting: list[tuple[Item, asyncio.Future[Outcome]]] = []
        self._flusher: asyncio.Task[None] | None = None

    async def add(self, item: Item) -> Outcome:
        """The item's outcome, once its batch is committed. A caller that is cancelled does not take its item back."""
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._flusher is None:
            self._flusher = asyncio.create_task(self._flush(), name="Batcher")
        return await future

    async def close(self) -> None:
        """Wait until everything added has its outcome."""
        while self._flusher is not None:
            await asyncio.wait({self._flusher})

    async def _flush(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._limit], self._waiting[self._limit :]
                outcomes = await bisect(self._operation, [item for item, _ in batch])
                for (_, future), outcome in zip(batch, outcomes, strict=True):
                    if future.done():
                        continue  # its caller has gone
                    if isinstance(outcome, Raised):
                        future.set_exception(outcome.error)
                    else:
                        future.set_result(outcome)
        finally:
            self._flusher = None


class Raised:
    def __init__(self, error: Exception) -> None:
        self.error = error


async def bisect(operation: Operation[Item, Outcome], items: Sequence[Item]) -> Sequence[Outcome | Raised]:
    """Run `operation` over all items; where it raises, over halves, down to the item that is at fault."""
    try:
        return await operation(items)
    except Unavailable as error:
        return [Raised(error)] * len(items)
    except Exception as error:
        if len(items) == 1:
            return [Raised(error)]
        middle = len(items) // 2
        return [*await bisect(operation, items[:middle]), *await bisect(operation, items[middle:])]
