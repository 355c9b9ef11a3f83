"""What operators do with limits."""

from msgspec import UnsetType

from taskflow_hub.domain.access import Who
from taskflow_hub.domain.audit import By
from taskflow_hub.domain.model import LimitRow, LimitUse
from taskflow_hub.engine.hints import Hints, Topic
from taskflow_hub.store.base import LimitStore


class Limits:
    """A limit is shared by all queues of an account, so a key that is for some of them has nothing to say about it."""

    def __init__(self, store: LimitStore, hints: Hints) -> None:
        self._store, self._hints = store, hints

    async def all(self, who: Who, *, after: tuple[str, str], limit: int) -> list[LimitUse]:
        """Those of the account, for an admin of all, after (account, key). Raises Forbidden."""
        who.require_every_queue()
        return await self._store.limits(who.looks_into, after=after, limit=limit)

    async def set(
        self,
        who: Who,
        key: str,
        running: int | UnsetType | None,
        per_second: float | UnsetType | None,
        *,
        pinned: bool,
        by: By | None = None,
    ) -> LimitRow:
        """Of the asker's own account; see the store. Raises Forbidden, Unavailable."""
        who.require_every_queue()
        row = await self._store.set_limit(who.account_id, key, running, per_second, pinned=pinned, by=by)
        self._hints.tell(Topic.WORK)
        return row
