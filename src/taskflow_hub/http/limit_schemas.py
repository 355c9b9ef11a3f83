"""Bodies of requests and answers about limits."""

from msgspec import UNSET, Struct, UnsetType

from taskflow_hub.domain.model import LimitUse
from taskflow_hub.domain.submission import AtOnce, LimitKey, PerSecond


class LimitChange(Struct, frozen=True, forbid_unknown_fields=True):
    """The numbers of a key, and whether they are pinned: then what tasks state does not change them."""

    key: LimitKey
    running: AtOnce | UnsetType | None = UNSET
    per_second: PerSecond | UnsetType | None = UNSET
    pinned: bool = True


class LimitPage(Struct, frozen=True):
    """By account and key."""

    items: list[LimitUse]
    next_cursor: str | None
