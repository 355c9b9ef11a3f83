"""Steps, sleeps, waits and events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec import Raw, Struct
from msgspec.structs import replace

from taskflow_hub.domain import moves
from taskflow_hub.domain.audit import Action, By, of_task
from taskflow_hub.domain.errors import LeaseLost, TaskflowError
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.limits import EVENTS_MAX, PAGE_OCTETS, READ_AHEAD, STEPS_MAX
from taskflow_hub.domain.messages import Asleep, Awake, KeepStep, LoadSteps, Sleep, StepKept, Steps, WaitEvent
from taskflow_hub.domain.steps import Decision, Event, Sleeping, StepKind, decide
from taskflow_hub.store import refusals
from taskflow_hub.store.documents import decoder, json_text, to_json
from taskflow_hub.store.sqlite.audit import record
from taskflow_hub.store.sqlite.part import Part, read_tasks
from taskflow_hub.store.sqlite.statements import statement
from taskflow_hub.store.sqlite.transaction import SECOND, Snapshot, Transaction, from_us
from taskflow_hub.store.steps import (
    Asked,
    Found,
    StepRow,
    WaitAnswer,
    decided,
    kind_of,
    lasts_s,
    of_keep,
    of_load,
    of_page,
    of_sleep,
    of_wait,
    raw,
    refused,
)
from taskflow_hub.store.values import StepPage

STEP_LOOK: Final = statement("only/step_look")
KEEP_STEP: Final = statement("keep_step")
WAIT_EVENT: Final = statement("wait_event")
EVENT: Final = statement("event")
EVENTS_SENT: Final = statement("events_sent")
SEND_EVENT: Final = statement("send_event")
AWAITED: Final = statement("awaited")
PROMOTE: Final = statement("promote")
EVENTS_THERE: Final = statement("only/events_there")
LIE_DOWN: Final = statement("lie_down")
STEPS: Final = statement("steps")
OWNS: Final = statement("owns")
SLEEPING: Final = statement("sleeping")
STATES: Final = statement("states")

_Row = tuple[int, StepKind, str, int, int, float | None, int | None, int | None, str | None]


class Look(Struct, array_like=True):
    """What only/step_look.sql says of an item."""

    place: int
    owns: bool | int
    count: int
    kept_at: int | None
    wakes_at: int | None
    decided_at: int | None
    result: str | None


class StepPart(Part):
    async def load_steps(self, asked: LoadSteps) -> Steps | TaskflowError:
        return await self._readers.read(_load, asked, self._clock())

    async def keep_step(self, items: Sequence[KeepStep]) -> list[StepKept | TaskflowError]:
        return await self._writer.write_many(_keep, items)

    async def sleep(self, items: Sequence[Sleep]) -> list[Asleep | Awake | TaskflowError]:
        return await self._writer.write_many(_sleep, items)

    async def wait_event(self, items: Sequence[WaitEvent]) -> list[WaitAnswer]:
        return await self._writer.write_many(_wait, items)

    async def send_event(
        self, account: str, task_id: str, name: str, payload: Raw, *, by: By | None = None
    ) -> tuple[Event, bool] | TaskflowError:
        return await self._writer.write(_send, account, task_id, name, payload, by)

    async def steps(self, account: str, task_id: str, *, after: int = 0, limit: int) -> StepPage | None:
        return await self._readers.read_long(_steps, account, task_id, after, limit, self._clock())

    async def sleeping(self, task_id: str) -> Sleeping | None:
        return await self._readers.read(_sleeping, task_id)


# --- by attempts -----------------------------------------------------------------------------------------------------


def _keep(tx: Transaction, items: Sequence[KeepStep]) -> list[StepKept | TaskflowError]:
    return [of_keep(item, found) for item, found in zip(items, _first_wins(tx, items), strict=True)]


def _sleep(tx: Transaction, items: Sequence[Sleep]) -> list[Asleep | Awake | TaskflowError]:
    return [of_sleep(item, found) for item, found in zip(items, _first_wins(tx, items), strict=True)]


def _wait(tx: Transaction, items: Sequence[WaitEvent]) -> list[WaitAnswer]:
    return [_decide(tx, item, found) for item, found in zip(items, _first_wins(tx, items), strict=True)]


def _decide(tx: Transaction, item: WaitEvent, found: Found) -> WaitAnswer:
    if (error := refused(item, found)) is not None:
        return error
    if found.decided_at is not None:
        return of_wait(item, found, decided(found), found.result)
    event = _event(tx, item.id, item.event)
    sent_at = None if event is None else from_us(event[1])
    decision = decide(found.wakes_at, sent_at, tx.at)
    payload = event[0] if event is not None and decision is Decision.CAME else None
    if decision is not Decision.WAITING:
        tx.run(WAIT_EVENT, tx.now, _octets(payload), payload, item.id, item.name)
    return of_wait(item, found, decision, payload)


def _first_wins(tx: Transaction, items: Sequence[Asked]) -> list[Found]:
    """Write what is the first of its name, and say of each item what stands there then."""
    keys = [(place, item.id, item.attempt, kind_of(item), item.name) for place, item in enumerate(items)]
    rows: list[tuple[object, ...]] = []
    found: list[Found] = []
    made: dict[tuple[str, str], Found] = {}  # by task and name; in one call all are of one kind
    many: dict[str, int] = {}
    for look in sorted(tx.collect(Look, STEP_LOOK, keys), key=lambda look: look.place):
        item = items[look.place]
        key = (item.id, item.name)
        if not look.owns or look.kept_at is not None:
            found.append(_there(tx, look))
        elif key in made:
            found.append(replace(made[key], first=False))
        elif many.setdefault(item.id, look.count) >= STEPS_MAX:
            found.append(Found(owns=True, full=True, at=tx.at))
        else:
            many[item.id] += 1
            rows.append(_row(tx, item))
            made[key] = _new(tx, item)
            found.append(made[key])
    tx.run_items(KEEP_STEP, rows)
    return found


def _there(tx: Transaction, look: Look) -> Found:
    return Found(
        owns=bool(look.owns),
        wakes_at=_moment(look.wakes_at),
        decided_at=_moment(look.decided_at),
        result=look.result,
        at=tx.at,
    )


def _new(tx: Transaction, item: Asked) -> Found:
    return Found(owns=True, first=True, wakes_at=_moment(_ends_at(tx, item)), result=_result(item), at=tx.at)


def _row(tx: Transaction, item: Asked) -> tuple[object, ...]:
    result = _result(item)
    ran_s = item.ran_s if isinstance(item, KeepStep) else None
    key = (item.id, kind_of(item), item.name, item.attempt)
    return (*key, tx.now, ran_s, _ends_at(tx, item), _octets(result), result)


def _ends_at(tx: Transaction, item: Asked) -> int | None:
    seconds = lasts_s(item)
    return None if seconds is None else tx.now + round(seconds * SECOND)


def _result(item: Asked) -> str | None:
    return json_text(item.result, "/result") if isinstance(item, KeepStep) else None


def _octets(text: str | None) -> int:
    return 0 if text is None else len(text.encode())


def _moment(us: int | None) -> datetime | None:
    return None if us is None else from_us(us)


def _event(tx: Transaction, task_id: str, name: str) -> tuple[str, int] | None:
    found = tx.value(EVENT, task_id, name)
    return None if found is None else decoder(tuple[str, int]).decode(found)


# --- going to sleep, and being woken -----------------------------------------------------------------------------------


def lie_down(tx: Transaction, items: Sequence[moves.Snooze]) -> Sequence[moves.Snooze]:
    """Write down what these wait for; one whose event has come is due now. They are about to move."""
    events = [(item.id, event, item.attempt) for item in items for event in dict.fromkeys(item.events)]
    if not events:
        return items
    tx.run_items(LIE_DOWN, events)
    awake = set(tx.collect(str, EVENTS_THERE, [event[:2] for event in events]))
    return [replace(item, delay_s=0.0, until=None) if item.id in awake else item for item in items]


def _send(
    tx: Transaction, account: str, task_id: str, name: str, payload: Raw, by: By | None
) -> tuple[Event, bool] | TaskflowError:
    states = dict(tx.document(list[tuple[str, State]], STATES, to_json([task_id]), account))
    if (refusal := refusals.of_event(task_id, states.get(task_id))) is not None:
        return refusal
    if (before := _event(tx, task_id, name)) is not None:
        text, sent_at = before
        return Event(
            task_id=task_id, name=name, payload=raw(text), sent_at=from_us(sent_at), accepted=False
        ), False
    if tx.value(EVENTS_SENT, task_id) >= EVENTS_MAX:
        return refusals.too_many_events(task_id)
    tx.run(SEND_EVENT, task_id, name, json_text(payload, ""), tx.now)
    woken = tx.value(AWAITED, task_id, name) is not None
    if woken:
        tx.run(PROMOTE, tx.next_seq(1), to_json([task_id]))
    if by is not None:
        task = read_tasks(tx, [task_id])[task_id]
        record(tx, by, [of_task(Action.TASK_EVENT, account, task, None, {"event": name})])
    return Event(task_id=task_id, name=name, payload=payload, sent_at=tx.at, accepted=True), woken


# --- reading ---------------------------------------------------------------------------------------------------------


def _load(snapshot: Snapshot, asked: LoadSteps, now: datetime) -> Steps | TaskflowError:
    rows, total = _page(snapshot, asked.id, asked.after, STEPS_MAX, READ_AHEAD)
    if snapshot.value(OWNS, asked.id, asked.attempt) is None:
        return LeaseLost()
    return of_load(rows, total, now)


def _steps(
    snapshot: Snapshot, account: str, task_id: str, after: int, limit: int, now: datetime
) -> StepPage | None:
    if not snapshot.document(list[tuple[str, State]], STATES, to_json([task_id]), account):
        return None
    rows, total = _page(snapshot, task_id, after, limit, PAGE_OCTETS)
    return of_page(rows, total, now)


def _page(snapshot: Snapshot, task_id: str, after: int, limit: int, octets: int) -> tuple[list[StepRow], int]:
    total, found = snapshot.document(tuple[int, list[_Row]], STEPS, task_id, after, limit, octets)
    return [_step_row(*row) for row in found], total


def _step_row(
    n: int,
    kind: StepKind,
    name: str,
    attempt: int,
    kept_at: int,
    ran_s: float | None,
    wakes_at: int | None,
    decided_at: int | None,
    result: str | None,
) -> StepRow:
    return StepRow(
        n=n,
        kind=kind,
        name=name,
        attempt=attempt,
        kept_at=from_us(kept_at),
        ran_s=ran_s,
        wakes_at=_moment(wakes_at),
        decided_at=_moment(decided_at),
        result=result,
    )


def _sleeping(snapshot: Snapshot, task_id: str) -> Sleeping | None:
    found = snapshot.value(SLEEPING, task_id)
    if found is None:
        return None
    until, events = decoder(tuple[int | None, tuple[str, ...]]).decode(found)
    if until is None and not events:
        return None
    return Sleeping(until=_moment(until), events=events)
