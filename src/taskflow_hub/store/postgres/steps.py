"""Steps, sleeps, waits and events."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import asyncpg
from msgspec import Raw
from msgspec.structs import replace

from taskflow_hub.domain import moves
from taskflow_hub.domain.audit import Action, By, of_task
from taskflow_hub.domain.errors import LeaseLost, TaskflowError
from taskflow_hub.domain.lifecycle import FINAL, State
from taskflow_hub.domain.limits import EVENTS_MAX, PAGE_OCTETS, READ_AHEAD, STEPS_MAX
from taskflow_hub.domain.messages import Asleep, Awake, KeepStep, LoadSteps, Sleep, StepKept, Steps, WaitEvent
from taskflow_hub.domain.steps import Decision, Event, Sleeping, StepKind, decide
from taskflow_hub.domain.submission import EARLIEST
from taskflow_hub.store import refusals
from taskflow_hub.store.documents import json_text
from taskflow_hub.store.postgres.audit import record
from taskflow_hub.store.postgres.faults import Collision
from taskflow_hub.store.postgres.part import Part, read_tasks
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.states import states
from taskflow_hub.store.postgres.transaction import Snapshot, Transaction, columns
from taskflow_hub.store.postgres.writer import Verb, always
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

KEEP_STEP: Final = statement("keep_step")
STEP_AGAIN: Final = statement("only/step_again")
WAIT_EVENT: Final = statement("wait_event")
EVENT: Final = statement("event")
EVENTS_SENT: Final = statement("events_sent")
SEND_EVENT: Final = statement("send_event")
AWAITED: Final = statement("awaited")
PROMOTE: Final = statement("promote")
LOCK_TASKS: Final = statement("only/lock_tasks")
LIE_DOWN: Final = statement("lie_down")
STEPS: Final = statement("steps")
OWNS: Final = statement("owns")
SLEEPING: Final = statement("sleeping")


class StepPart(Part):
    async def load_steps(self, asked: LoadSteps) -> Steps | TaskflowError:
        return await self._readers.read(_load, asked)

    async def keep_step(self, items: Sequence[KeepStep]) -> list[StepKept | TaskflowError]:
        return await self._writer.write_many(_KEEP, items)

    async def sleep(self, items: Sequence[Sleep]) -> list[Asleep | Awake | TaskflowError]:
        return await self._writer.write_many(_SLEEP, items)

    async def wait_event(self, items: Sequence[WaitEvent]) -> list[WaitAnswer]:
        return await self._writer.write_many(_WAIT, items)

    async def send_event(
        self, account: str, task_id: str, name: str, payload: Raw, *, by: By | None = None
    ) -> tuple[Event, bool] | TaskflowError:
        return await self._writer.write(_send, account, task_id, name, payload, by)

    async def steps(self, account: str, task_id: str, *, after: int = 0, limit: int) -> StepPage | None:
        return await self._readers.read_long(_steps, account, task_id, after, limit)

    async def sleeping(self, task_id: str) -> Sleeping | None:
        return await self._readers.read(_sleeping, task_id)


# --- by attempts -----------------------------------------------------------------------------------------------------


async def _keep(tx: Transaction, items: Sequence[KeepStep]) -> list[StepKept | TaskflowError]:
    return [of_keep(item, found) for item, found in zip(items, await _first_wins(tx, items), strict=True)]


async def _sleep(tx: Transaction, items: Sequence[Sleep]) -> list[Asleep | Awake | TaskflowError]:
    return [of_sleep(item, found) for item, found in zip(items, await _first_wins(tx, items), strict=True)]


async def _wait(tx: Transaction, items: Sequence[WaitEvent]) -> list[WaitAnswer]:
    """The tasks are locked by the first statement, so the second sees every event whose delivery came before."""
    found = await _first_wins(tx, items)
    rows = await tx.fetch(EVENT, [item.id for item in items], [item.event for item in items])
    sent = {row["n"] - 1: (row["payload"], row["sent_at"]) for row in rows}
    answers: list[WaitAnswer] = []
    new: dict[tuple[str, str], str | None] = {}
    for place, (item, there) in enumerate(zip(items, found, strict=True)):
        if (error := refused(item, there)) is not None:
            answers.append(error)
        elif there.decided_at is not None:
            answers.append(of_wait(item, there, decided(there), there.result))
        else:
            payload, sent_at = sent.get(place, (None, None))
            decision = decide(there.wakes_at, sent_at, there.at)
            answers.append(of_wait(item, there, decision, payload))
            if decision is not Decision.WAITING:
                new[item.id, item.name] = payload if decision is Decision.CAME else None
    if new:
        await tx.run(WAIT_EVENT, tx.now, *columns([(*key, payload) for key, payload in new.items()]))
    return answers


_KEEP: Final = Verb(_keep, single=always)
_SLEEP: Final = Verb(_sleep, single=always)
_WAIT: Final = Verb(_wait)


async def _first_wins(tx: Transaction, items: Sequence[Asked]) -> list[Found]:
    """Write what is the first of its name, and say of each item what stands there then."""
    rows = await tx.fetch(
        KEEP_STEP,
        tx.now,
        [item.id for item in items],
        [item.attempt for item in items],
        [kind_of(item) for item in items],
        [item.name for item in items],
        [_ran_s(item) for item in items],
        [lasts_s(item) for item in items],
        [_result(item) for item in items],
        STEPS_MAX,
    )
    there = {row["n"] - 1: row for row in rows}
    return [await _found(tx, item, there.get(place)) for place, item in enumerate(items)]


async def _found(tx: Transaction, item: Asked, row: asyncpg.Record | None) -> Found:
    if row is None:
        return Found(owns=False, at=EARLIEST)
    first, at = row["first"], row["now"]
    if not first and not row["there"]:
        if row["many"] > STEPS_MAX:
            return Found(owns=True, full=True, at=at)
        row = await tx.row(STEP_AGAIN, tx.now, item.id, kind_of(item), item.name)
        if row is None:
            raise Collision("a step that was there is gone")
    return Found(
        owns=True,
        first=first,
        wakes_at=row["wakes_at"],
        decided_at=row["decided_at"],
        result=row["result"],
        at=at,
    )


def _ran_s(item: Asked) -> float | None:
    return item.ran_s if isinstance(item, KeepStep) else None


def _result(item: Asked) -> str | None:
    return json_text(item.result, "/result") if isinstance(item, KeepStep) else None


# --- going to sleep, and being woken -----------------------------------------------------------------------------------


def nobody_waits(items: Sequence[moves.Snooze]) -> bool:
    return not any(item.events for item in items)


async def lie_down(tx: Transaction, items: Sequence[moves.Snooze]) -> Sequence[moves.Snooze]:
    """Write down what these wait for; one whose event has come is due now. They are about to move.

    All of them are locked, in the order in which the move itself locks, before events are looked for: one that comes later
    finds the task asleep.
    """
    waits = [(item.id, item.attempt, event) for item in items for event in dict.fromkeys(item.events)]
    if not waits:
        return items
    await tx.fetch(LOCK_TASKS, [item.id for item in items])
    awake = {row["id"] for row in await tx.fetch(LIE_DOWN, *columns(waits))}
    return [replace(item, delay_s=0.0, until=None) if item.id in awake else item for item in items]


async def _send(
    tx: Transaction, account: str, task_id: str, name: str, payload: Raw, by: By | None
) -> tuple[Event, bool] | TaskflowError:
    locked = [row for row in await tx.fetch(LOCK_TASKS, [task_id]) if row["account_id"] == account]
    if not locked:
        state = (await states(tx, account, [task_id])).get(task_id)
        if state is not None and state not in FINAL:
            raise Collision("the task has come back between two statements")
        return refusals.of_event(task_id, state) or refusals.no_task(task_id)
    if (before := await tx.row(EVENT, [task_id], [name])) is not None:
        kept, sent_at = raw(before["payload"]), before["sent_at"]
        return Event(task_id=task_id, name=name, payload=kept, sent_at=sent_at, accepted=False), False
    if await tx.value(EVENTS_SENT, task_id) >= EVENTS_MAX:
        return refusals.too_many_events(task_id)
    sent_at = await tx.value(SEND_EVENT, tx.now, task_id, name, json_text(payload, ""))
    woken = None
    if locked[0]["status"] == State.SCHEDULED and await tx.value(AWAITED, task_id, name):
        woken = await tx.row(PROMOTE, task_id, account)
    if woken is not None:
        tx.note_ready([tuple(woken)])
    if by is not None:
        task = (await read_tasks(tx, [task_id]))[task_id]
        await record(tx, by, [of_task(Action.TASK_EVENT, account, task, None, {"event": name})])
    event = Event(task_id=task_id, name=name, payload=payload, sent_at=sent_at, accepted=True)
    return event, woken is not None


# --- reading ---------------------------------------------------------------------------------------------------------


async def _load(snapshot: Snapshot, asked: LoadSteps) -> Steps | TaskflowError:
    page = await _page(snapshot, asked.id, asked.after, STEPS_MAX, READ_AHEAD)
    return of_load(*page) if await snapshot.value(OWNS, asked.id, asked.attempt) else LeaseLost()


async def _steps(snapshot: Snapshot, account: str, task_id: str, after: int, limit: int) -> StepPage | None:
    if not await states(snapshot, account, [task_id]):
        return None
    return of_page(*await _page(snapshot, task_id, after, limit, PAGE_OCTETS))


async def _page(
    snapshot: Snapshot, task_id: str, after: int, limit: int, octets: int
) -> tuple[list[StepRow], int, datetime]:
    """The rows, how many there are in all, and the time (of no rows none is needed)."""
    rows = await snapshot.fetch(STEPS, snapshot.now, task_id, after, limit, octets)
    if not rows:
        return [], 0, EARLIEST
    return [_step_row(row) for row in rows], rows[0]["total"], rows[0]["now"]


def _step_row(row: asyncpg.Record) -> StepRow:
    return StepRow(
        n=row["n"],
        kind=StepKind(row["kind"]),
        name=row["name"],
        attempt=row["attempt"],
        kept_at=row["kept_at"],
        ran_s=row["ran_s"],
        wakes_at=row["wakes_at"],
        decided_at=row["decided_at"],
        result=row["result"],
    )


async def _sleeping(snapshot: Snapshot, task_id: str) -> Sleeping | None:
    row = await snapshot.row(SLEEPING, task_id)
    if row is None or (row["until"] is None and not row["events"]):
        return None
    return Sleeping(until=row["until"], events=tuple(row["events"]))
