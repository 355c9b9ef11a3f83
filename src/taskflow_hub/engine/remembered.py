"""Something read often that changes seldom."""

import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from taskflow_hub.domain.clock import Monotonic

T = TypeVar("T")


class Remembered(Generic[T]):
    """What `read` gave, no older than `fresh_s`; after `forget`, nothing that was read before it. From any event loop.

    While one caller reads anew because of age, others are given what is there: no crowd runs to the store at once.
    """

    def __init__(
        self, read: Callable[[], Awaitable[T]], *, fresh_s: float, monotonic: Monotonic = time.monotonic
    ) -> None:
        self._read, self._fresh_s, self._monotonic = read, fresh_s, monotonic
        self._known: tuple[float, T] | None = None  # and when its reading began
        self._forgotten_at = float("-inf")
        self._renewing = False

    def forget(self) -> None:
        self._forgotten_at = self._monotonic()

    async def get(self) -> T:
        """Raises what `read` raises."""
        known = self._known
        if known is None or known[0] <= self._forgotten_at:
            return await self._renew()
        if self._monotonic() - known[0] < self._fresh_s or self._renewing:
            return known[1]
        self._renewing = True
        try:
            return await self._renew()
        finally:
            self._renewing = False

    async def _renew(self) -> T:
        began = self._monotonic()
        value = await self._read()
        if self._known is None or self._known[0] < began:
            self._known = began, value
        return self._known[1]
