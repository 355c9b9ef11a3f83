"""What is asked of the audit."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from msgspec import Struct

from taskflow_hub.client.conversation import Conversation, Param
from taskflow_hub.client.plan import Emit, Flow
from taskflow_hub.domain.audit import AuditEntry

PAGE: Final = 100


class _Page(Struct, frozen=True):
    items: list[AuditEntry]
    next_cursor: str | None = None


class AuditPlans(Conversation):
    def audit(
        self,
        *,
        account: str | None = None,
        entity: str | None = None,
        entity_id: str | None = None,
        action: str | Iterable[str] | None = None,
        actor: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> Flow[AuditEntry]:
        """Iterate over who did what to what, from where, newest first: everything for an admin, for others what was done to
        what is their account's. Several `action`s: any of them.

        `limit` bounds how many in all (None: every one). Raises Invalid for a condition that cannot be, Forbidden.
        """
        conditions: dict[str, Param] = {
            "account": account,
            "entity": entity,
            "entity_id": entity_id,
            "action": [action] if isinstance(action, str) else None if action is None else list(action),
            "actor": actor,
            "since": since,
            "until": until,
        }
        cursor: str | None = None
        left = limit
        while left is None or left > 0:
            size = PAGE if left is None else min(left, PAGE)
            page = yield from self.ask(
                _Page, "GET", "audit", params={**conditions, "limit": size, "cursor": cursor}
            )
            for entry in page.items[:left]:
                yield Emit(entry)
            left = None if left is None else left - len(page.items)
            cursor = page.next_cursor
            if cursor is None:
                return
