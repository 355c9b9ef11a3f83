"""A task as somebody asks for it: the one shape that HTTP, CLI, Python and `ctx.submit` share, with every limit stated.

What is left out (UNSET) takes the task type's default; None says "none" where the field allows it. The JSON Schema in the
OpenAPI document is made from this class.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

from taskflow_hub.domain.errors import Invalid
from taskflow_hub.domain.retry import RetryPolicy

# (?!\n): Python's `$` alone would let a line break follow. To JSON Schema's `$` it adds nothing.
TYPE_PATTERN: Final = r"^[a-z0-9_.-]{1,100}$(?!\n)"
QUEUE_PATTERN: Final = r"^[a-z0-9_-]{1,64}$(?!\n)"
MAX_LIMIT_KEY: Final = 200
LIMIT_KEY_PATTERN: Final = (
    rf"^[!-~]{{1,{MAX_LIMIT_KEY}}}$(?!\n)"  # visible ASCII: two keys that look alike are alike
)
TEN_YEARS_S: Final = 10 * 366 * 86_400.0
MAX_TIMEOUT_S: Final = 30 * 86_400.0
MIN_PER_SECOND: Final = (
    1e-6  # one in eleven days: slower is as good as never, and when would be past every calendar
)
MAX_TAGS: Final = 20
MAX_LIMITS: Final = 5
NO_PARAMETERS: Final = Raw(b"{}")
EARLIEST: Final = datetime(1970, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(9999, 1, 1, tzinfo=UTC)  # a year short of the last, so that every zone can show it

TypeName = Annotated[
    str, Meta(pattern=TYPE_PATTERN, description="The name of a kind of work, such as web.title.")
]
QueueName = Annotated[str, Meta(pattern=QUEUE_PATTERN)]
Payload = Annotated[
    Raw,
    Meta(
        extra_json_schema={"type": "object"},
        description="A JSON object; its members are the handler's parameters.",
    ),
]
Priority = Annotated[int, Meta(ge=0, le=9, description="Higher runs first.")]
Seconds = Annotated[float, Meta(ge=0, le=TEN_YEARS_S)]
Moment = Annotated[datetime, Meta(tz=True)]
Tag = Annotated[str, Meta(min_length=1, max_length=64)]
Key = Annotated[str, Meta(min_length=1, max_length=255)]
MaxRetries = Annotated[int, Meta(ge=0, le=100)]
Timeout = Annotated[float, Meta(gt=0, le=MAX_TIMEOUT_S)]
LimitKey = Annotated[
    str, Meta(pattern=LIMIT_KEY_PATTERN, description="What is shared, such as host:example.com.")
]
AtOnce = Annotated[int, Meta(ge=1, le=1_000_000)]
PerSecond = Annotated[float, Meta(ge=MIN_PER_SECOND, le=100_000)]


class OnConflict(StrEnum):
    RETURN = "return"  # answer with the holder
    REJECT = "reject"  # 409
    REPLACE = "replace"  # cancel an unstarted holder; 409 if it runs


class Unique(Struct, frozen=True, forbid_unknown_fields=True):
    """At most one task per account, type and key: while it is unfinished, or `window` seconds from submit if longer."""

    key: Key
    window: Seconds = 0.0
    on_conflict: OnConflict = OnConflict.RETURN


class Limit(Struct, frozen=True, forbid_unknown_fields=True):
    """Of all tasks of an account that name this key, at most `running` run at a time, and `per_second` start.

    The numbers belong to the key: the first task that names it must give one of the two, a later one may change them, and
    what is left out stays as it is. Where a task type states it, `{name}` in the key is that field of the
    payload.
    """

    key: LimitKey
    running: AtOnce | None = None
    per_second: PerSecond | None = None


class Submission(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, gc=False):
    type: TypeName
    payload: Payload = field(default_factory=lambda: NO_PARAMETERS)
    queue: QueueName | None = None  # None: the type's home queue
    priority: Priority = 5
    run_at: Moment | None = None  # run_at or delay, not both
    delay: Seconds | None = None
    max_retries: MaxRetries | UnsetType | None = UNSET  # None: retry without end
    retry: RetryPolicy | UnsetType = UNSET
    timeout: Timeout | UnsetType | None = UNSET  # seconds an attempt may run; None: no limit
    expires_at: Moment | None = None  # failed with reason `expired` if no attempt has started by then
    tags: Annotated[tuple[Tag, ...], Meta(max_length=MAX_TAGS)] = ()
    unique: Unique | None = None
    limits: Annotated[tuple[Limit, ...], Meta(max_length=MAX_LIMITS)] = ()


def check_limits(limits: Sequence[Limit], at: str = "") -> None:
    """What the field types cannot say about limits; `at` is the submission's pointer. Raises Invalid."""
    seen: set[str] = set()
    for place, limit in enumerate(limits):
        if limit.key in seen:
            raise Invalid.field(f"{at}/limits/{place}/key", f"{limit.key!r} stands twice; name a key once")
        seen.add(limit.key)


def check_texts(wanted: Submission, at: str = "") -> None:
    """Refuse text that not every database can store; JSON from outside was checked when it was read. Raises Invalid."""
    for place, tag in enumerate(wanted.tags):
        _check_text(tag, f"{at}/tags/{place}")
    if wanted.unique is not None:
        _check_text(wanted.unique.key, f"{at}/unique/key")


def _check_text(text: str, pointer: str) -> None:
    if "\0" in text:
        raise Invalid.field(pointer, "contains a NUL character (U+0000)")
    if not text.isascii() and not text.isprintable() and any("\ud800" <= one <= "\udfff" for one in text):
        raise Invalid.field(pointer, "contains text that is not valid Unicode (a lone surrogate)")


def check_times(wanted: Submission, at: str = "") -> None:
    """What the field types cannot say about times; `at` is the submission's pointer. Raises Invalid."""
    if wanted.run_at is not None and wanted.delay is not None:
        raise Invalid.field(f"{at}/delay", "run_at and delay exclude each other")
    check_moment(wanted.run_at, f"{at}/run_at")
    check_moment(wanted.expires_at, f"{at}/expires_at")


def check_moment(moment: datetime | None, pointer: str) -> None:
    """Refuse what could not be computed with later, in UTC. Raises Invalid."""
    if moment is not None and not EARLIEST <= moment <= LATEST:
        raise Invalid.field(pointer, f"must lie between the years {EARLIEST.year} and {LATEST.year}")
