"""The moves, as the engine calls them."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NoReturn

from taskflow_hub.domain import moves
from taskflow_hub.domain.audit import Action, By, of_task
from taskflow_hub.domain.errors import TaskflowError
from taskflow_hub.domain.lifecycle import State
from taskflow_hub.domain.limits import LINES_MAX
from taskflow_hub.domain.messages import Logged, Progressed
from taskflow_hub.domain.model import Task, TaskError
from taskflow_hub.domain.moves import Verdict
from taskflow_hub.store import refusals
from taskflow_hub.store.audit import of_update
from taskflow_hub.store.cursor import earliest_finish
from taskflow_hub.store.documents import to_json
from taskflow_hub.store.postgres import moves as verbs
from taskflow_hub.store.postgres.audit import record
from taskflow_hub.store.postgres.cancel import cancel
from taskflow_hub.store.postgres.dispatch import Dispatch
from taskflow_hub.store.postgres.due import Front, expire_due, promote_due
from taskflow_hub.store.postgres.ends import Endings
from taskflow_hub.store.postgres.faults import Collision
from taskflow_hub.store.postgres.part import DELETE_BESIDE, Part, read_tasks
from taskflow_hub.store.postgres.redrive import redrive
from taskflow_hub.store.postgres.shard import SHARD, shard
from taskflow_hub.store.postgres.statements import statement
from taskflow_hub.store.postgres.states import in_workflows, states
from taskflow_hub.store.postgres.submit import Intake
from taskflow_hub.store.postgres.transaction import Transaction, columns
from taskflow_hub.store.postgres.writer import Verb, always
from taskflow_hub.store.values import Due, Leased, News, Submit, Submitted
from taskflow_hub.store.verdicts import REFERENCE_SIGNATURE, first_times

PROMOTE: Final = statement("promote")
UPDATE: Final = statement("update")
DELETE: Final = statement("delete")
DELETE_ATTEMPTS: Final = statement("delete_attempts")
DELETE_LOGS: Final = statement("delete_logs")
UNBLOCK: Final = statement("unblock")
SKIP: Final = statement("skip")
REJECT: Final = statement("reject")
RESET: Final = statement("reset")
LOG: Final = statement("log")

KEPT_BEFORE: Final = timedelta(days=1)  # a worker's clock may be behind ours by so much (log.sql)


class Tasks(Part):
    _dispatch: Dispatch
    _endings: Endings
    _intake: Intake
    _front: Front

    async def submit(self, submits: Sequence[Submit]) -> list[Submitted | TaskflowError]:
        weight = sum(max(1, len(request.tasks)) for request in submits)
        return await self._writer.write_many(self._intake.verb, submits, weight)

    async def lease(self, workers: Collection[str] | None, limit: int) -> Leased:
        return await self._dispatch.lease(workers, limit)

    async def succeed(self, items: Sequence[moves.Succeed]) -> list[Verdict]:
        return await self._endings.succeed.write(self._writer, items)

    async def retry(self, items: Sequence[moves.Retry]) -> list[Verdict]:
        return await self._endings.retry.write(self._writer, items)

    async def snooze(self, items: Sequence[moves.Snooze]) -> list[Verdict]:
        return await self._endings.snooze.write(self._writer, items)

    async def fail(self, items: Sequence[moves.Fail]) -> list[Verdict]:
        return await self._endings.fail.write(self._writer, items)

    async def release(self, items: Sequence[moves.Release]) -> list[Verdict]:
        return await self._endings.release.write(self._writer, items)

    async def lose(self, items: Sequence[moves.Lose]) -> list[Verdict]:
        return await self._endings.lose.write(self._writer, items)

    async def abort(self, items: Sequence[moves.Abort]) -> list[Verdict]:
        return await self._endings.abort.write(self._writer, items)

    async def progress(self, items: Sequence[Progressed]) -> list[Verdict]:
        return await self._writer.write_many(verbs.PROGRESS, items)

    async def log(self, items: Sequence[Logged]) -> None:
        rows = [
            (item.id, item.attempt, line.n, line.at, line.level, line.message, to_json(line.fields))
            for item in items
            for line in item.lines
            if 1 <= line.n <= LINES_MAX
        ]
        await self._writer.write_many(_LOG, rows)

    async def promote_due(self, limit: int) -> Due:
        return await promote_due(self._readers, self._writer, self._front, limit)

    async def expire_due(self, limit: int) -> Due:
        return await expire_due(self._readers, self._writer, limit)

    async def cancel(self, account: str, ids: Sequence[str], *, by: By | None = None) -> list[Task | None]:
        return await self._writer.write(cancel, account, ids, by)

    async def redrive(
        self, account: str, ids: Sequence[str], *, by: By | None = None
    ) -> list[Task | TaskflowError]:
        return await self._writer.write(redrive, account, ids, by)

    async def promote(self, account: str, task_id: str, *, by: By | None = None) -> Task | TaskflowError:
        return await self._writer.write(_promote, account, task_id, by)

    async def update(
        self,
        account: str,
        task_id: str,
        *,
        priority: int | None = None,
        run_at: datetime | None = None,
        queue: str | None = None,
        by: By | None = None,
    ) -> Task | TaskflowError:
        updated = await self._writer.write(_update, account, task_id, priority, run_at, queue, by)
        if run_at is not None:
            self._front.forget()  # it may be due before all others
        return updated

    async def delete(
        self, account: str, ids: Sequence[str], *, by: By | None = None
    ) -> list[TaskflowError | None]:
        return await self._writer.write(_delete, account, ids, by)

    async def unblock(self, ids: Sequence[str]) -> list[bool]:
        return await self._writer.write(_unblock, ids)

    async def skip(self, ids: Sequence[str]) -> list[bool]:
        return await self._writer.write(_skip, ids)

    async def reject(self, items: Sequence[tuple[str, TaskError]]) -> list[bool]:
        return await self._writer.write(_reject, items)

    async def reset(self, ids: Sequence[str]) -> list[bool]:
        return await self._writer.write(_reset, ids)


# --- by people -------------------------------------------------------------------------------------------------------


async def _promote(tx: Transaction, account: str, task_id: str, by: By | None) -> Task | TaskflowError:
    row = await tx.row(PROMOTE, task_id, account)
    if row is None:
        refusal = refusals.of_promote(task_id, (await states(tx, account, [task_id])).get(task_id))
        return refusal or _collision()
    tx.note_ready([tuple(row)])
    task = (await read_tasks(tx, [task_id]))[task_id]
    was, is_now = {"status": State.SCHEDULED}, {"status": task.status}
    await record(tx, by, [of_task(Action.TASK_PROMOTE, account, task, was, is_now)])
    return task


async def _update(
    tx: Transaction,
    account: str,
    task_id: str,
    priority: int | None,
    run_at: datetime | None,
    queue: str | None,
    by: By | None,
) -> Task | TaskflowError:
    changes = (priority, run_at, queue)
    asked = changes != (None, None, None)
    row = await tx.row(UPDATE, task_id, account, *changes) if asked else None
    if row is None:
        refusal = refusals.of_update(task_id, (await states(tx, account, [task_id])).get(task_id), run_at)
        if refusal is not None or asked:
            return refusal or _collision()
        return (await read_tasks(tx, [task_id]))[task_id]
    tx.note(News.OTHER)
    if row["seq"] is not None:
        tx.note_ready([(row["queue"], row["type"], row["priority"], row["account_id"], row["seq"])])
    task = (await read_tasks(tx, [task_id]))[task_id]
    was = {"priority": row["was_priority"], "run_at": row["was_run_at"], "queue": row["was_queue"]}
    await record(tx, by, of_update(account, task, was))
    return task


async def _delete(
    tx: Transaction, account: str, ids: Sequence[str], by: By | None
) -> list[TaskflowError | None]:
    owned = await in_workflows(tx, ids)
    free = [id for id in ids if id not in owned]
    before = {} if by is None else await read_tasks(tx, set(free))
    gone = await delete_finished(tx, account, free)
    await record(
        tx,
        by,
        (
            of_task(Action.TASK_DELETE, account, before[id], {"status": status}, None)
            for id, status in gone.items()
        ),
    )
    left = set(gone)
    known = await states(tx, account, set(ids) - left)
    outcomes: list[TaskflowError | None] = []
    for id in ids:
        if id in left:
            left.remove(id)  # a second mention finds it gone
            outcomes.append(None)
        else:
            outcomes.append(refusals.of_delete(id, known.get(id), owned.get(id)) or _collision())
    return outcomes


def _collision() -> NoReturn:
    """Nothing stands against it, and yet it was not done: the task has come into that state between two statements."""
    raise Collision("the task has changed meanwhile")


async def delete_finished(tx: Transaction, account: str, ids: Sequence[str]) -> dict[str, str]:
    """Remove finished tasks with all that belongs to them; those that were there, and how each had ended.

    Key rows stay: they say that a task was there.
    """
    if not ids:
        return {}
    since = earliest_finish(ids)
    rows = await tx.fetch(DELETE, list(ids), account, since, shard(long=True))
    ended = {row["id"]: row["status"] for row in rows}
    if ended:
        gone = list(ended)
        tx.note(News.TASKS)
        await tx.run(DELETE_ATTEMPTS, gone, since)
        await tx.run(DELETE_LOGS, gone, since - KEPT_BEFORE)
        for sql in DELETE_BESIDE:
            await tx.run(sql, gone)
    return ended


# --- by workflows ----------------------------------------------------------------------------------------------------


async def _unblock(tx: Transaction, ids: Sequence[str]) -> list[bool]:
    rows = await tx.fetch(UNBLOCK, list(ids), [None] * len(ids), [None] * len(ids))
    tx.note_ready(
        [(row["queue"], row["type"], row["priority"], row["account_id"], row["seq"]) for row in rows]
    )
    return first_times(ids, [row["id"] for row in rows])


async def _skip(tx: Transaction, ids: Sequence[str]) -> list[bool]:
    moved = [row["id"] for row in await tx.fetch(SKIP, tx.now, list(ids))]
    if moved:
        tx.note(News.TASKS)
    return first_times(ids, moved)


async def _reject(tx: Transaction, items: Sequence[tuple[str, TaskError]]) -> list[bool]:
    if not items:
        return []
    ids, errors = columns([(id, to_json(error)) for id, error in items])
    moved = [row["id"] for row in await tx.fetch(REJECT, tx.now, SHARD, ids, errors, REFERENCE_SIGNATURE)]
    if moved:
        tx.note(News.TASKS)
    return first_times(ids, moved)


async def _reset(tx: Transaction, ids: Sequence[str]) -> list[bool]:
    if not ids:
        return []
    moved = [row["id"] for row in await tx.fetch(RESET, list(ids), earliest_finish(ids), shard(long=True))]
    if moved:
        tx.note(News.TASKS)
    return first_times(ids, moved)


# --- by workers ------------------------------------------------------------------------------------------------------


async def _log(tx: Transaction, rows: Sequence[tuple[Any, ...]]) -> list[None]:
    """`rows`: the columns of a line. Of two with the same number the first counts."""
    first = {row[:3]: row for row in reversed(rows)}
    since = earliest_finish(id for id, *_ in first) - KEPT_BEFORE
    if await tx.run(LOG, tx.now, *columns(first.values()), since):
        tx.note(News.TASKS)
    return [None] * len(rows)


_LOG: Final = Verb(_log, single=always)
