"""Durable steps: what a handler has done and need not do again, and what it sleeps or waits for (docs/adr/0102).

Steps, sleeps and waits have names of their own each, numbered where one comes again: "charge", "charge#2".
"""

import re
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

from taskflow_hub.domain.limits import STEP_NAME_MAX

EVENT_PATTERN: Final = r"^[a-zA-Z0-9_.-]{1,100}$(?!\n)"
_EVENT: Final = re.compile(EVENT_PATTERN)
_NUMBERED: Final = re.compile(r".*#[0-9]+", re.DOTALL)


class StepKind(StrEnum):
    STEP = "step"
    SLEEP = "sleep"
    EVENT = "event"  # a wait for one


class StepState(StrEnum):
    DONE = "done"  # a step; a sleep that is over; a wait whose event came
    ASLEEP = "asleep"  # a sleep that is not over
    WAITING = "waiting"  # for an event
    TIMED_OUT = "timed_out"  # the event did not come in time


class Step(Struct, frozen=True, kw_only=True):
    """One thing that a task has kept, as people see it."""

    name: str
    kind: StepKind
    state: StepState
    attempt: int  # that kept it, or began to sleep or wait
    kept_at: datetime
    ran_s: float | None = None  # of a step, as its worker says
    wakes_at: datetime | None = None  # of a sleep: its end; of a wait: when it times out, if it does
    decided_at: datetime | None = None  # of a wait
    result: Any = (
        None  # of a step; of a wait the event's payload. In the hub Raw, read from outside JSON values
    )


class Event(Struct, frozen=True, kw_only=True):
    """The first event of a name that a task was sent. `accepted` False: this one came later, and changes nothing."""

    task_id: str
    name: str
    payload: Any  # in the hub Raw, read from outside JSON values
    sent_at: datetime
    accepted: bool


class Sleeping(Struct, frozen=True, kw_only=True):
    """Why a scheduled task sleeps, if its handler said so: until a time, or for any of some events."""

    until: datetime | None  # None: without end
    events: tuple[str, ...] = ()


def numbered(name: str, nth: int) -> str:
    """What the nth of a name is kept under, counted from one."""
    return name if nth == 1 else f"{name}#{nth}"


def wrong_name(name: object) -> str | None:
    """What is wrong with a step's name; None: nothing."""
    if not isinstance(name, str):
        return f"is a {type(name).__name__}, not a text"
    if not 1 <= len(name) <= STEP_NAME_MAX:
        return f"has {len(name)} characters; a step's name has 1 to {STEP_NAME_MAX}"
    if "\0" in name or any("\ud800" <= char <= "\udfff" for char in name):
        return "has a character that cannot be stored (NUL, or a lone surrogate)"
    if _NUMBERED.fullmatch(name):
        return f"ends like the number of a name that comes again ({name.rpartition('#')[2]}): use another sign than #"
    return None


def wrong_event(name: object) -> str | None:
    """What is wrong with an event's name; None: nothing."""
    if isinstance(name, str) and _EVENT.match(name):
        return None
    return "is not an event's name: one has 1 to 100 characters of a-z, A-Z, 0-9, '_', '.' and '-'"


def base_name(kept: str) -> str:
    """The name without its number."""
    name, mark, number = kept.rpartition("#")
    return name if mark and number.isdigit() else kept


class Decision(StrEnum):
    """What becomes of a wait that nobody has decided yet."""

    CAME = "came"
    MISSED = "missed"
    WAITING = "waiting"


def decide(wakes_at: datetime | None, sent_at: datetime | None, now: datetime) -> Decision:
    """In time is what was sent before the wait's end, however late the handler looks.

    `wakes_at` None: it waits without end. `sent_at` None: the event has not come.
    """
    if sent_at is not None and (wakes_at is None or sent_at <= wakes_at):
        return Decision.CAME
    return Decision.WAITING if wakes_at is None or now < wakes_at else Decision.MISSED


def state_of(
    kind: StepKind, *, wakes_at: datetime | None, decided: bool, came: bool, now: datetime
) -> StepState:
    match kind:
        case StepKind.STEP:
            return StepState.DONE
        case StepKind.SLEEP:
            return StepState.DONE if wakes_at is None or wakes_at <= now else StepState.ASLEEP
        case StepKind.EVENT if not decided:
            return StepState.WAITING
    return StepState.DONE if came else StepState.TIMED_OUT
