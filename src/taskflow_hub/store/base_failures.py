"""What a store knows of failures that are alike (docs/adr/0112). The words of store/base.py hold here, too.

A task that fails is given its fingerprint by the move that fails it, and counted in the same transaction, in its hour; what
brings it back (redrive, reset) or removes it (delete, prune) takes it away again. So `count` is exact, while the trend says
what happened. Those that failed under an older version have no fingerprint until `Upkeep.prune` has looked at them, `limit` a
call.
"""

from typing import Protocol

from taskflow_hub.store.values import FailureFilter, FailurePage


class FailureStore(Protocol):
    async def failures(
        self, account: str | None, where: FailureFilter, *, limit: int, cursor: str | None = None
    ) -> FailurePage:
        """Groups of which some tasks failed since then and are still failed; `account` None: of all accounts.

        A cursor says where a page ended in the order that was asked for: what has happened again since then is not shown
        twice in order of time, for it comes before; in order of counts it may be, or be missed. Invalid for one that is not
        ours.
        """
        ...
