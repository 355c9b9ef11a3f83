"""Batches without timers: one call in flight, and whatever gathers meanwhile is the next batch.

Alone, an item goes at once; under load, batches grow by themselves to what one commit takes. Seen in PostgreSQL's group commit.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from typing import Generic, TypeVar

from taskflow_hub.domain.errors import Unavailable

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")
Operation = Callable[[Sequence[Item]], Awaitable[Sequence[Outcome]]]


class Raised:
    """An item's outcome when the operation raised for it alone."""

    def __init__(self, error: Exception) -> None:
        self.error = error


class Batcher(Generic[Item, Outcome]):
    """Gives many callers of `add` one call of `operation`, which answers an outcome per item, in order.

    A call that raises is bisected, so a bad item fails alone; Unavailable fails them all, since it is nobody's fault.
    `limit` bounds the weight of a batch, each item's being `weigh(item)`; a heavier item goes alone.
    Belongs to the event loop it is bound to, or else of its first caller; whoever calls from another goes by itself.
    """

    def __init__(
        self,
        operation: Operation[Item, Outcome],
        *,
        limit: int,
        weigh: Callable[[Item], int] = lambda _: 1,
    ) -> None:
        self._operation, self._limit, self._weigh = operation, limit, weigh
        self._waiting: list[tuple[Item, asyncio.Future[Outcome]]] = []
        self._flusher: asyncio.Task[None] | None = None
        self._home: asyncio.AbstractEventLoop | None = None

    def bind(self) -> None:
        """Gather on the running loop."""
        self._home = asyncio.get_running_loop()

    async def add(self, item: Item) -> Outcome:
        """The item's outcome, once its batch is committed. A caller that is cancelled does not take its item back."""
        here = asyncio.get_running_loop()
        self._home = self._home or here
        if here is not self._home:
            return await self._operate_alone(item)
        future: asyncio.Future[Outcome] = here.create_future()
        self._waiting.append((item, future))
        if self._flusher is None:
            self._flusher = asyncio.create_task(self._flush(), name="Batcher", context=Context())
        return await future

    async def close(self) -> None:
        """Wait until everything added has its outcome."""
        while self._flusher is not None:
            await asyncio.wait({self._flusher})

    async def _flush(self) -> None:
        try:
            while self._waiting:
                batch = self._next_batch()
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

    def _next_batch(self) -> list[tuple[Item, asyncio.Future[Outcome]]]:
        size, weight = 1, self._weigh(self._waiting[0][0])
        for item, _ in self._waiting[1:]:
            weight += self._weigh(item)
            if weight > self._limit:
                break
            size += 1
        batch, self._waiting = self._waiting[:size], self._waiting[size:]
        return batch

    async def _operate_alone(self, item: Item) -> Outcome:
        [outcome] = await self._operation([item])
        return outcome


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


def refused(items: Sequence[Item], outcomes: Sequence[object]) -> list[tuple[Item, Exception]]:
    """The items that were refused for their own sake. Raises Unavailable if any outcome is that: then try all again."""
    raised = [
        (item, outcome.error)
        for item, outcome in zip(items, outcomes, strict=True)
        if isinstance(outcome, Raised)
    ]
    for _, error in raised:
        if isinstance(error, Unavailable):
            raise error
    return raised
