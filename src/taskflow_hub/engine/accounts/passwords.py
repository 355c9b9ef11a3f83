"""Passwords: argon2id (RFC 9106), as the library recommends it: some 50 ms and 64 MiB for each."""

import asyncio
import functools
from collections.abc import Callable
from typing import Final, TypeVar

from pwdlib import PasswordHash

from taskflow_hub.domain.errors import Throttled

AT_ONCE: Final = 2  # more would take memory and processors from the tasks
WAITING: Final = 50  # those who come later are sent away, for their wait would be longer than they do
RETRY_S: Final = 2.0
T = TypeVar("T")
_hasher: Final = PasswordHash.recommended()


class Passwords:
    """Slow on purpose, so never on the event loop, and few at a time."""

    def __init__(self) -> None:
        self._few, self._waiting = asyncio.Semaphore(AT_ONCE), 0

    async def hash(self, password: str) -> str:
        """Raises Throttled."""
        return await self._in_turn(lambda: _hasher.hash(password))

    async def matches(self, password: str, hash: str | None) -> bool:
        """Takes as long for a user who does not exist (`hash` None), so that nobody can ask who does. Raises Throttled."""
        matches = await self._in_turn(lambda: _hasher.verify(password, hash or _nobodys()))
        return matches and hash is not None

    async def _in_turn(self, work: Callable[[], T]) -> T:
        if self._waiting >= WAITING:
            raise Throttled("Too many are logging in at the moment.", retry_after_s=RETRY_S)
        self._waiting += 1
        try:
            async with self._few:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1


@functools.cache
def _nobodys() -> str:
    return _hasher.hash("nobody")
