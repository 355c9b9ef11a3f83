"""When a task that failed runs again. Pure; chance is passed in."""

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

MAX_DELAY_S = 30 * 86_400.0  # no policy, and no handler, may ask for a longer pause than 30 days


class RetryKind(StrEnum):
    EXPONENTIAL = "exponential"
    FIXED = "fixed"


class RetryPolicy(Struct, frozen=True, forbid_unknown_fields=True):
    """The pause before each retry, in seconds.

    exponential: `base * factor ** n` for the n-th retry (counted from 0); fixed: `base`. Both are capped by `max`.
    With `jitter` the pause is drawn evenly between 0 and that value ("full jitter",
    https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/), so that a herd spreads out.
    """

    kind: RetryKind = RetryKind.EXPONENTIAL
    base: Annotated[float, Meta(ge=0, le=MAX_DELAY_S)] = 1.0
    factor: Annotated[float, Meta(ge=1, le=100)] = 2.0
    max: Annotated[float, Meta(ge=0, le=MAX_DELAY_S)] = 300.0
    jitter: bool = True


def pause_s(policy: RetryPolicy, retry_count: int, chance: Callable[[], float]) -> float:
    """Seconds to wait before retry number `retry_count` (0 for the first). `chance` gives numbers in [0, 1)."""
    ceiling = min(_ceiling_s(policy, retry_count), policy.max)
    return ceiling * chance() if policy.jitter else ceiling


def _ceiling_s(policy: RetryPolicy, retry_count: int) -> float:
    if policy.kind is RetryKind.FIXED:
        return policy.base
    try:
        return float(policy.base * policy.factor**retry_count)
    except OverflowError:  # after a thousand retries the power no longer fits a float; the cap applies anyway
        return policy.max if policy.base else 0.0
