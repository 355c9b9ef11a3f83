"""What every way of running handlers offers to the attempts."""

from collections.abc import Callable
from typing import Protocol

from taskflow_hub.worker.held import HeldAttempt
from taskflow_hub.worker.outcome import Outcome

Ended = Callable[[HeldAttempt, Outcome], None]


class Executor(Protocol):
    """Lives on one event loop. Each `start` leads to exactly one call of `ended`, on that loop and never inside `start`.

    `ended` means that none of the handler's code runs any more and its slot is free.
    """

    def start(self, held: HeldAttempt) -> None: ...

    def stop(self, held: HeldAttempt) -> None:
        """Make it end, by what means there are. `held.stopping` is set. After it has ended this does nothing."""
        ...

    def where(self, held: HeldAttempt) -> str | None:
        """The handler's stack now, if it can be seen."""
        ...

    async def close(self) -> None:
        """Let go of threads and processes; what still runs is left to itself (threads) or killed (processes)."""
        ...
