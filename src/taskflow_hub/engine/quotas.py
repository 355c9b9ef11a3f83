"""What accounts may have: shown to them, and said by admins."""

from typing import Protocol

from msgspec import UNSET, UnsetType

from taskflow_hub.domain.access import Who
from taskflow_hub.domain.audit import By
from taskflow_hub.domain.errors import NotFound
from taskflow_hub.domain.model import DEFAULT_ACCOUNT
from taskflow_hub.domain.quota import Quota, QuotaUse
from taskflow_hub.engine.hints import Hints, Topic
from taskflow_hub.store.base import AccessStore, QuotaStore


class _Store(QuotaStore, AccessStore, Protocol): ...


class Quotas:
    """An account has a quota as a whole, so a key that is for some queues only has nothing to do with it."""

    def __init__(self, store: _Store, hints: Hints) -> None:
        self._store, self._hints = store, hints

    async def own(self, who: Who) -> QuotaUse:
        """Of the asker's account. Raises Forbidden."""
        who.require_every_queue()
        return await self._store.quota(who.account_id)

    async def all(self, *, after: str, limit: int) -> list[Quota]:
        """Of the accounts that have any, after one of them, by id."""
        return await self._store.quotas(after=after, limit=limit)

    async def of(self, account: str) -> QuotaUse:
        """Raises NotFound."""
        await self._require_known(account)
        return await self._store.quota(account)

    async def set(
        self,
        account: str,
        *,
        per_minute: int | UnsetType | None = UNSET,
        per_day: int | UnsetType | None = UNSET,
        queued: int | UnsetType | None = UNSET,
        running: int | UnsetType | None = UNSET,
        weight: float | UnsetType | None = UNSET,
        by: By | None = None,
    ) -> QuotaUse:
        """See the store. Raises NotFound, Unavailable."""
        await self._require_known(account)
        await self._store.set_quota(
            account,
            per_minute=per_minute,
            per_day=per_day,
            queued=queued,
            running=running,
            weight=weight,
            by=by,
        )
        self._hints.tell(Topic.WORK)
        return await self._store.quota(account)

    async def _require_known(self, account: str) -> None:
        """An account is there as soon as somebody belongs to it."""
        if account != DEFAULT_ACCOUNT and not await self._store.users(account, limit=1):
            raise NotFound(f"There is no account {account}.")
