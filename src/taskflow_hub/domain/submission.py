"""A task as somebody asks for it: the one shape that HTTP, CLI, Python and `ctx.submit` share, with every limit stated.

What is left out (UNSET) takes the task type's default; None says "none" where the field allows it. The JSON Schema in the
OpenAPI document is made from this class.
"""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from taskflow_hub.domain.retry import RetryPolicy

TYPE_PATTERN: Final = r"^[a-z0-9_.-]{1,100}$"
QUEUE_PATTERN: Final = r"^[a-z0-9_-]{1,64}$"
TEN_YEARS_S: Final = 10 * 366 * 86_400.0
MAX_TIMEOUT_S: Final = 30 * 86_400.0
MAX_TAGS: Final = 20

TypeName = Annotated[
    str, Meta(pattern=TYPE_PATTERN, description="The name of a kind of work, such as web.title.")
]
QueueName = Annotated[str, Meta(pattern=QUEUE_PATTERN)]
Priority = Annotated[int, Meta(ge=0, le=9, description="Higher runs first.")]
Seconds = Annotated[float, Meta(ge=0, le=TEN_YEARS_S)]
Moment = Annotated[datetime, Meta(tz=True)]
Tag = Annotated[str, Meta(min_length=1, max_length=64)]
Key = Annotated[str, Meta(min_length=1, max_length=255)]
MaxRetries = Annotated[int, Meta(ge=0, le=100)]
Timeout = Annotated[float, Meta(gt=0, le=MAX_TIMEOUT_S)]


class OnConflict(StrEnum):
    RETURN = "return"  # answer with the holder
    REJECT = "reject"  # 409
    REPLACE = "replace"  # cancel an unstarted holder; 409 if it runs


class Unique(Struct, frozen=True, forbid_unknown_fields=True):
    """At most one task per account, type and key: while it is unfinished, or `window` seconds from submit if longer."""

    key: Key
    window: Seconds = 0.0
    on_conflict: OnConflict = OnConflict.RETURN


class Submission(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    type: TypeName
    payload: Raw = Raw(b"{}")  # a JSON object; its members are the handler's parameters
    queue: QueueName | None = None  # None: the type's home queue
    priority: Priority = 5
    run_at: Moment | None = None  # run_at or delay, not both
    delay: Seconds | None = None
    max_retries: MaxRetries | None | UnsetType = UNSET  # None: retry without end
    retry: RetryPolicy | UnsetType = UNSET
    timeout: Timeout | None | UnsetType = UNSET  # seconds an attempt may run; None: no limit
    expires_at: Moment | None = None  # failed with reason `expired` if no attempt has started by then
    tags: Annotated[tuple[Tag, ...], Meta(max_length=MAX_TAGS)] = ()
    unique: Unique | None = None
