"""Logins that failed, as the audit is told of them: not so often that anybody could fill the disk by failing."""

from typing import Final, Protocol

from taskflow_hub.domain.access import User
from taskflow_hub.domain.audit import Act, Action, By, masked
from taskflow_hub.store.base import AccessStore, AuditStore
from taskflow_hub.store.values import Bucket

# From all over the world, in all processes together: 1 000 at once, and then one in ten seconds. Tries from one network, or for
# one e-mail address, are throttled before they come here (logins.py).
WRITTEN: Final = Bucket("failed-logins-written", 1_000, 1 / 10)


class _Store(AccessStore, AuditStore, Protocol): ...


class Failures:
    def __init__(self, store: _Store) -> None:
        self._store = store
        self._unwritten = 0  # since the last that was written, by this process

    async def tell(self, by: By, email: str, user: User | None) -> None:
        """`user`: whom the address belongs to. Of one that belongs to nobody only a hint is kept: it may be a password."""
        if await self._store.spend([WRITTEN]):
            self._unwritten += 1
            return
        unwritten, self._unwritten = self._unwritten, 0
        about = {"unwritten_before": unwritten} if unwritten else None
        act = Act(
            action=Action.LOGIN_FAIL,
            entity_id=masked(email) if user is None else user.id,
            account_id=None if user is None else user.account_id,
            meta=about,
        )
        await self._store.append_audit(by, act)
