"""The audit, as whoever asks may see it."""

from typing import Final

from msgspec.structs import replace

from taskflow_hub.domain.access import Scope, Who
from taskflow_hub.domain.audit import Action, AuditEntry, Entity
from taskflow_hub.store.base import AuditStore
from taskflow_hub.store.values import AuditFilter, AuditPage

_NOTHING: Final = AuditPage((), None)


class Audit:
    def __init__(self, store: AuditStore) -> None:
        self._store = store

    async def entries(self, who: Who, where: AuditFilter, *, limit: int, cursor: str | None) -> AuditPage:
        """Newest first: everything for an admin; for others what was done to what is their account's.

        Raises Forbidden for a key that is for some queues only, Invalid for a foreign cursor.
        """
        who.require_every_queue()
        if Scope.ADMIN in who.scopes:
            return await self._store.audit(where, limit=limit, cursor=cursor)
        if where.account not in {None, who.account_id}:
            return _NOTHING
        # Nor may it be asked whether it was this one of another account.
        of_own = None if where.actor is None else who.account_id
        own = replace(where, account=who.account_id, actor_account=of_own)
        page = await self._store.audit(own, limit=limit, cursor=cursor)
        return AuditPage(tuple([entry.for_account(who.account_id) for entry in page.items]), page.next_cursor)

    async def pause_of(self, who: Who, queue: str) -> AuditEntry | None:
        """Who has paused a queue that is paused; None: that was not written."""
        these = (Action.QUEUE_PAUSE, Action.QUEUE_RESUME)
        where = AuditFilter(entity=Entity.QUEUE, entity_id=queue, actions=these)
        page = await self._store.audit(where, limit=1)
        if not page.items or page.items[0].action != Action.QUEUE_PAUSE:
            return None
        return page.items[0] if Scope.ADMIN in who.scopes else page.items[0].for_account(who.account_id)
