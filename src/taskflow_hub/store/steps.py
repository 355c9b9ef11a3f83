"""What a store answers to steps, sleeps and waits, once it knows what is there: the same on every database."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Raw, Struct

from taskflow_hub.domain.errors import LeaseLost, TaskflowError
from taskflow_hub.domain.messages import (
    Asleep,
    Awake,
    EventCame,
    EventMissed,
    KeepStep,
    Sleep,
    StepKept,
    Steps,
    StoredStep,
    WaitEvent,
)
from taskflow_hub.domain.model import NULL
from taskflow_hub.domain.steps import Decision, Step, StepKind, StepState, state_of
from taskflow_hub.store import refusals
from taskflow_hub.store.values import StepPage

Asked = KeepStep | Sleep | WaitEvent
WaitAnswer = Asleep | EventCame | EventMissed | TaskflowError


class Found(Struct, frozen=True, kw_only=True):
    """What stands under an item's name, once it had its chance to be the first. `at`: the store's now."""

    owns: bool
    full: bool = False  # the task has as many as it may, and this is not one of them
    first: bool = False
    wakes_at: datetime | None = None
    decided_at: datetime | None = None
    result: str | None = None
    at: datetime


def kind_of(item: Asked) -> StepKind:
    match item:
        case KeepStep():
            return StepKind.STEP
        case Sleep():
            return StepKind.SLEEP
        case WaitEvent():
            return StepKind.EVENT


def lasts_s(item: Asked) -> float | None:
    """How long what begins with this lasts; None: without end, or it is no such thing."""
    match item:
        case Sleep(seconds=seconds):
            return seconds
        case WaitEvent(timeout=timeout):
            return timeout
    return None


def refused(item: Asked, found: Found) -> TaskflowError | None:
    if not found.owns:
        return LeaseLost()
    return refusals.too_many_steps(item.id) if found.full else None


def of_keep(item: KeepStep, found: Found) -> StepKept | TaskflowError:
    if (error := refused(item, found)) is not None:
        return error
    return StepKept() if found.first else StepKept(first=False, result=raw(found.result))


def of_sleep(item: Sleep, found: Found) -> Asleep | Awake | TaskflowError:
    if (error := refused(item, found)) is not None:
        return error
    over = found.wakes_at is None or found.wakes_at <= found.at
    return Awake() if over else Asleep(until=found.wakes_at)


def of_wait(item: WaitEvent, found: Found, decision: Decision, payload: str | None) -> WaitAnswer:
    """`decision`: made now; of one that was made before, what it was."""
    match decision:
        case Decision.CAME:
            return EventCame(payload=raw(payload))
        case Decision.MISSED:
            return EventMissed()
        case Decision.WAITING:
            return Asleep(until=found.wakes_at, event=item.event)


def decided(found: Found) -> Decision:
    """What was decided before about a wait."""
    return Decision.MISSED if found.result is None else Decision.CAME


def raw(text: str | None) -> Raw:
    return NULL if text is None else Raw(text.encode())


# --- pages -----------------------------------------------------------------------------------------------------------


class StepRow(Struct, frozen=True, kw_only=True):
    """`n`: its place among all of its task, from one."""

    n: int
    kind: StepKind
    name: str
    attempt: int
    kept_at: datetime
    ran_s: float | None
    wakes_at: datetime | None
    decided_at: datetime | None
    result: str | None

    def state(self, now: datetime) -> StepState:
        return state_of(
            self.kind,
            wakes_at=self.wakes_at,
            decided=self.decided_at is not None,
            came=self.result is not None,
            now=now,
        )


def next_of(rows: Sequence[StepRow], total: int) -> int | None:
    """Where the page after these begins. `total`: how many there are in all."""
    return rows[-1].n if rows and rows[-1].n < total else None


def of_load(rows: Sequence[StepRow], total: int, now: datetime) -> Steps:
    """Without what is not settled, for which a worker asks by itself."""
    items = []
    for row in rows:
        state = row.state(now)
        if state in {StepState.DONE, StepState.TIMED_OUT}:
            timed_out = state is StepState.TIMED_OUT
            items.append(
                StoredStep(kind=row.kind, name=row.name, result=raw(row.result), timed_out=timed_out)
            )
    return Steps(items=tuple(items), next=next_of(rows, total))


def of_page(rows: Sequence[StepRow], total: int, now: datetime) -> StepPage:
    return StepPage(tuple(_shown(row, now) for row in rows), next_of(rows, total))


def _shown(row: StepRow, now: datetime) -> Step:
    return Step(
        name=row.name,
        kind=row.kind,
        state=row.state(now),
        attempt=row.attempt,
        kept_at=row.kept_at,
        ran_s=row.ran_s,
        wakes_at=row.wakes_at,
        decided_at=row.decided_at,
        result=None if row.result is None else raw(row.result),
    )
