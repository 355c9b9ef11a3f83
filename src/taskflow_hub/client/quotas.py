"""What accounts ask of their quotas, and admins say about them."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from taskflow_hub.client.conversation import Conversation, segment
from taskflow_hub.client.plan import Emit, Flow, Plan
from taskflow_hub.domain.quota import Quota, QuotaUse


class _Page(Struct, frozen=True):
    items: list[Quota]
    next_cursor: str | None = None


class QuotaPlans(Conversation):
    def quota(self, account: str | None = None) -> Plan[QuotaUse]:
        """What an account may have (None: one's own; another needs an admin), and what it uses now. Raises NotFound."""
        path = "quota" if account is None else f"accounts/{segment(account)}/quota"
        return self.ask(QuotaUse, "GET", path)

    def quotas(self) -> Flow[Quota]:
        """Iterate over the accounts to which a quota was given, by id; for admins."""
        after: str | None = None
        while True:
            page = yield from self.ask(_Page, "GET", "quotas", params={"after": after})
            for quota in page.items:
                yield Emit(quota)
            after = page.next_cursor
            if after is None:
                return

    def set_quota(
        self,
        account: str,
        *,
        per_minute: int | UnsetType | None = UNSET,
        per_day: int | UnsetType | None = UNSET,
        queued: int | UnsetType | None = UNSET,
        running: int | UnsetType | None = UNSET,
        weight: float | UnsetType | None = UNSET,
    ) -> Plan[QuotaUse]:
        """Say what an account may have (None: as much as it likes; not given: as it is). Raises Invalid, NotFound."""
        numbers: dict[str, Any] = {
            "per_minute": per_minute,
            "per_day": per_day,
            "queued": queued,
            "running": running,
            "weight": weight,
        }
        given = {name: number for name, number in numbers.items() if number is not UNSET}
        return self.ask(QuotaUse, "PATCH", f"accounts/{segment(account)}/quota", body=given)
