"""What the API knows of its own end, and of the answers that take long: event streams and waiting submits."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

from starlette.types import Receive

from taskflow_hub.domain.errors import Unavailable

SHARE: Final = 4  # one account may have so much less than there is, so that it cannot shut out the others


class Lifetime:
    """From `close` on the API refuses what is new, and every long answer ends early."""

    def __init__(self, *, max_long: int) -> None:
        self.closing = False
        self._max_long, self._share = max_long, max(1, max_long // SHARE)
        self._long: dict[asyncio.Timeout, str | None] = {}  # and of which account

    def close(self) -> None:
        """Twice is harmless."""
        self.closing = True
        for scope in self._long:
            _end(scope)

    def has_room(self, account: str | None) -> bool:
        """May another long answer begin? `account` is who asks; None: a hub without accounts, where all are one."""
        return self._refusal(account) is None

    @contextlib.asynccontextmanager
    async def long(self, receive: Receive, account: str | None) -> AsyncIterator[None]:
        """A block that may take long. It is ended early, without an error, when the client goes or the API closes.

        Raises Unavailable when too many are under way, or too many of this account.
        """
        if (refusal := self._refusal(account)) is not None:
            raise Unavailable(refusal, retry_after_s=5)
        scope = asyncio.timeout(None)
        watcher = asyncio.create_task(_watch(receive, scope), name="Disconnect")
        try:
            async with scope:
                self._long[scope] = account
                if self.closing:
                    _end(scope)
                yield
        except TimeoutError:
            if not scope.expired():
                raise
        finally:
            self._long.pop(scope, None)
            watcher.cancel()
            await asyncio.wait({watcher})

    def _refusal(self, account: str | None) -> str | None:
        if len(self._long) >= self._max_long:
            return "Too many event streams and waiting requests are open."
        if account is not None and [*self._long.values()].count(account) >= self._share:
            return f"Your account has {self._share} event streams and waiting requests open, and may have no more at a time."
        return None


def _end(scope: asyncio.Timeout) -> None:
    if not scope.expired():
        scope.reschedule(asyncio.get_running_loop().time())


async def _watch(receive: Receive, scope: asyncio.Timeout) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    _end(scope)
