"""How far one worker's reports are stored."""

from taskflow_hub.broker.bell import Bell


class Acknowledged:
    """All reports numbered up to `number` are stored. Batches are stored in any order, by any server, so this adds them up."""

    def __init__(self) -> None:
        self.number = 0
        self._beyond: set[int] = set()  # stored, while an earlier one is not yet
        self._bell = Bell()

    def stored(self, first: int, last: int) -> None:
        """All from `first` to `last` are stored."""
        if first > self.number + 1:
            self._beyond.update(range(first, last + 1))
            return
        if last <= self.number:
            return
        number = last
        if self._beyond:
            self._beyond.difference_update(range(first, last + 1))
            while number + 1 in self._beyond:
                number += 1
                self._beyond.discard(number)
        self.number = number
        self._bell.ring()

    async def until(self, n: int) -> None:
        """Wait until `number` is at least n, on any event loop."""
        while self.number < n:
            await self._bell.wait(lambda: self.number >= n)
