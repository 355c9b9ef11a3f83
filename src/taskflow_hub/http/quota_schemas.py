"""Bodies of requests and answers about quotas."""

from typing import Any

from msgspec import UNSET, Struct, UnsetType

from taskflow_hub.domain.errors import Invalid
from taskflow_hub.domain.quota import Most, Quota, Waiting, Weight
from taskflow_hub.domain.submission import AtOnce


class QuotaChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What an account may have; what is left out stays, null lifts it."""

    per_minute: Most | UnsetType | None = UNSET
    per_day: Most | UnsetType | None = UNSET
    queued: Waiting | UnsetType | None = UNSET
    running: AtOnce | UnsetType | None = UNSET
    weight: Weight | UnsetType | None = UNSET

    def given(self) -> dict[str, Any]:
        """Raises Invalid when nothing is given."""
        given = {
            name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not UNSET
        }
        if not given:
            raise Invalid.field("", "names nothing to set: per_minute, per_day, queued, running or weight")
        return given


class QuotaPage(Struct, frozen=True):
    """By account."""

    items: list[Quota]
    next_cursor: str | None
