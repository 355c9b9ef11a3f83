"""How an attempt ends that sleeps or waits: AttemptSuspended goes through the handler, and becomes a snooze."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from taskflow_hub.domain.messages import Asleep
from taskflow_hub.worker.outcome import Obeyed, Outcome, Postponed, Raised

if TYPE_CHECKING:
    from taskflow_hub.worker.context import Sink

_CAUGHT: Final = (
    "the handler caught AttemptSuspended, with which a sleep or a wait ends an attempt, and went on: what it returned is "
    "dropped, and it runs again when it wakes. Let it through, as `except Exception` does"
)


class AttemptSuspended(BaseException):
    """Raised by `ctx.sleep` and `ctx.wait_event` where the attempt ends, to go on in another one.

    Not an Exception, so that `except Exception` lets it through. Clean up and raise it again if you must catch it.
    """


class EventTimeout(TimeoutError):
    """The event did not come in time. `name` is the event's."""

    def __init__(self, name: str) -> None:
        super().__init__(f"the event {name!r} did not come in time")
        self.name = name

    def __reduce__(self) -> tuple[type["EventTimeout"], tuple[str]]:
        return type(self), (self.name,)


def suspended(rests: Sequence[Asleep], error: BaseException) -> Postponed | None:
    """What an exception that left the handler means, if it is ours; a group of nothing else is, too."""
    if not rests:
        return None
    if isinstance(error, BaseExceptionGroup):
        ours = error.split(AttemptSuspended)[1] is None
    else:
        ours = isinstance(error, AttemptSuspended)
    return _snooze(rests) if ours else None


def caught(sink: "Sink", outcome: Outcome) -> Postponed | None:
    """What it means that a handler which is suspended returned all the same: it has caught what should have ended it.

    What it returned is not its task's result, for it has gone on before its time. So it is suspended, and its log says why. An
    exception of its own is told as always.
    """
    if not sink.rests or isinstance(outcome, Raised | Obeyed):
        return None
    sink.log("warning", _CAUGHT, {})
    return _snooze(sink.rests)


def _snooze(rests: Sequence[Asleep]) -> Postponed:
    """Until the first of what it sleeps for."""
    ends = [rest.until for rest in rests if rest.until is not None]
    events = tuple(dict.fromkeys(rest.event for rest in rests if rest.event is not None))
    return Postponed(None, min(ends, default=None), events)
