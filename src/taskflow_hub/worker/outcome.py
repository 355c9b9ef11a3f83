"""How a handler's run ended, as a value: the same from the event loop, a thread and a child process."""

import math
import os
import traceback
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final

from msgspec import Raw, Struct

from taskflow_hub.domain.messages import How
from taskflow_hub.domain.model import NULL, TaskError
from taskflow_hub.domain.outcomes import Fail, Retry, Snooze
from taskflow_hub.worker.encoding import NotEncodable, encode
from taskflow_hub.worker.hidden import NOTHING_HIDDEN, Hidden
from taskflow_hub.worker.text import MAX_TRACEBACK


class Returned(Struct, frozen=True, tag="returned", gc=False):
    result: Raw


class Raised(Struct, frozen=True, tag="raised"):
    how: How
    error: TaskError
    after: float | None = None


class Postponed(Struct, frozen=True, tag="postponed"):
    """At most one of `seconds` and `until` is set; neither: until one of `events` comes."""

    seconds: float | None
    until: datetime | None
    events: tuple[str, ...] = ()


class Obeyed(Struct, frozen=True, tag="obeyed"):
    """It ended because it was asked to stop; `where` it stood then, if that is known."""

    where: str | None = None


Outcome = Returned | Raised | Postponed | Obeyed

NOTHING: Final = Returned(NULL)
OURS: Final = str(Path(__file__).parent) + os.sep  # frames of this room are cut from tracebacks


def answered(answer: object, secrets: Hidden = NOTHING_HIDDEN) -> Returned | Raised | Postponed:
    """What the handler's return value means; an error is told without `secrets`."""
    match answer:
        case None:
            return NOTHING
        case Retry(after=after, reason=reason):
            if after is not None and not _is_duration(after):
                return _nonsense(f"Retry(after={after!r})", secrets)
            words = reason or "the handler asked to be tried again"
            return Raised(How.RETRY, TaskError("Retry", secrets.clean(words)), after)
        case Snooze(seconds=seconds, until=until):
            if seconds is not None and not _is_duration(seconds):
                return _nonsense(f"Snooze(seconds={seconds!r})", secrets)
            return Postponed(seconds, until)
        case Fail(reason=reason):
            return Raised(How.FAIL, TaskError("Fail", secrets.clean(str(reason))))
    try:
        return Returned(Raw(encode(answer)))
    except NotEncodable as error:
        words = f"the handler's result, a {type(answer).__name__}, cannot be written as JSON: {error}"
        return Raised(How.FAIL, TaskError("ResultNotEncodable", secrets.clean(words)))


def raised(error: BaseException, secrets: Hidden = NOTHING_HIDDEN) -> Raised:
    """What an exception that left the handler means; it is told without `secrets`."""
    name = secrets.clean(type(error).__name__)
    return Raised(How.RAISED, TaskError(name, _message(error, secrets), _trace(error, secrets)))


def _trace(error: BaseException, secrets: Hidden) -> str:
    """The traceback from the handler's own first frame on, bounded."""
    try:
        lines = traceback.format_exception(type(error), error, _theirs(error.__traceback__))
    except Exception as broken:  # the exception's own code runs here
        lines = [f"{type(error).__name__} (its traceback cannot be formatted: {type(broken).__name__})"]
    return secrets.clean("".join(lines), MAX_TRACEBACK)


def _theirs(step: TracebackType | None) -> TracebackType | None:
    while step is not None and step.tb_frame.f_code.co_filename.startswith(OURS):
        step = step.tb_next
    return step


def _message(error: BaseException, secrets: Hidden) -> str:
    try:
        return secrets.clean(str(error))
    except Exception as broken:  # the exception's own code runs here
        return secrets.clean(f"(its message cannot be read: {type(broken).__name__})")


def _is_duration(value: object) -> bool:
    return (
        isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0
    )


def _nonsense(what: str, secrets: Hidden) -> Raised:
    words = f"the handler answered {what}: not a number of seconds"
    return Raised(How.RAISED, TaskError("InvalidAnswer", secrets.clean(words)))
