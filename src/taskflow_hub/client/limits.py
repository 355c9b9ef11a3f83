"""What operators ask and say of limits."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from taskflow_hub.client.conversation import Conversation
from taskflow_hub.client.plan import Emit, Flow, Plan
from taskflow_hub.domain.model import LimitRow, LimitUse


class _Page(Struct, frozen=True):
    items: list[LimitUse]
    next_cursor: str | None = None


class LimitPlans(Conversation):
    def limits(self) -> Flow[LimitUse]:
        """Iterate over the account's limits, for an admin all, by account and key; with how many tasks run under each, and how
        many it holds back."""
        after: str | None = None
        while True:
            page = yield from self.ask(_Page, "GET", "limits", params={"after": after})
            for limit in page.items:
                yield Emit(limit)
            after = page.next_cursor
            if after is None:
                return

    def set_limit(
        self,
        key: str,
        *,
        running: int | UnsetType | None = UNSET,
        per_second: float | UnsetType | None = UNSET,
        pinned: bool = True,
    ) -> Plan[LimitRow]:
        """Say how many tasks that name `key` may run at a time, and start per second (None: any number; not given: as it is).

        Pinned numbers are not changed by what tasks state. What waits starts at once if it may now. Raises Invalid.
        """
        numbers: dict[str, Any] = {"running": running, "per_second": per_second}
        given = {name: number for name, number in numbers.items() if number is not UNSET}
        return self.ask(LimitRow, "POST", "limits", body={"key": key, **given, "pinned": pinned})
