"""The moves, as the engine calls them."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Final

from taskflow_hub.domain import moves
from taskflow_hub.domain.audit import Action, By, of_task
from taskflow_hub.domain.errors import TaskflowError
from taskflow_hub.domain.lifecycle import UNSTARTED, State
from taskflow_hub.domain.limits import LINES_MAX
from taskflow_hub.domain.messages import Logged, Progressed
from taskflow_hub.domain.model import Task, TaskError
from taskflow_hub.domain.moves import Verdict
from taskflow_hub.store import refusals
from taskflow_hub.store.audit import of_cancel, of_update
from taskflow_hub.store.documents import decoder, to_json
from taskflow_hub.store.sqlite import moves as verbs
from taskflow_hub.store.sqlite.audit import record
from taskflow_hub.store.sqlite.ends import finish
from taskflow_hub.store.sqlite.lease import Dispatch
from taskflow_hub.store.sqlite.part import Part, move_over, read_tasks, revive
from taskflow_hub.store.sqlite.statements import Statement, statement
from taskflow_hub.store.sqlite.submit import UNIQUE_FIND, submit
from taskflow_hub.store.sqlite.transaction import SECOND, Snapshot, Transaction, to_us
from taskflow_hub.store.values import Due, Leased, Submit, Submitted
from taskflow_hub.store.verdicts import EXPIRED_SIGNATURE, REFERENCE_SIGNATURE, first_times

NEXT_DUE: Final = statement("next_due")
DUE: Final = statement("only/due")
PROMOTE: Final = statement("promote")
NEXT_EXPIRY: Final = statement("next_expiry")
EXPIRED: Final = statement("only/expired")
EXPIRE: Final = statement("expire")
CANCEL_UNSTARTED: Final = statement("cancel_unstarted")
CANCEL_RUNNING: Final = statement("only/cancel_running")
REDRIVE_LOOK: Final = statement("redrive_look")
REDRIVE: Final = statement("redrive")
UNIQUE_KEEP: Final = statement("unique_keep")
STATES: Final = statement("states")
IN_WORKFLOWS: Final = statement("in_workflows")
UPDATE: Final = statement("update")
DELETE: Final = statement("delete")
DELETE_REST: Final = (
    statement("only/unfail"),
    statement("delete_tags"),
    statement("only/delete_payloads"),
    statement("delete_attempts"),
    statement("delete_logs"),
    statement("delete_calls"),
    statement("delete_steps"),
    statement("delete_events"),
    statement("delete_waits"),
)
UNBLOCK: Final = statement("unblock")
SKIP: Final = statement("skip")
REJECT: Final = statement("reject")
RESET: Final = statement("reset")
LOG: Final = statement("log")


class Tasks(Part):
    _dispatch: Dispatch

    async def submit(self, submits: Sequence[Submit]) -> list[Submitted | TaskflowError]:
        weight = sum(max(1, len(request.tasks)) for request in submits)
        return await self._writer.write_many(submit, submits, weight)

    async def lease(self, workers: Collection[str] | None, limit: int) -> Leased:
        return await self._writer.write(self._dispatch.lease, workers, limit)

    async def succeed(self, items: Sequence[moves.Succeed]) -> list[Verdict]:
        return await self._writer.write_many(verbs.succeed, items)

    async def retry(self, items: Sequence[moves.Retry]) -> list[Verdict]:
        return await self._writer.write_many(verbs.retry, items)

    async def snooze(self, items: Sequence[moves.Snooze]) -> list[Verdict]:
        return await self._writer.write_many(verbs.snooze, items)

    async def fail(self, items: Sequence[moves.Fail]) -> list[Verdict]:
        return await self._writer.write_many(verbs.fail, items)

    async def release(self, items: Sequence[moves.Release]) -> list[Verdict]:
        return await self._writer.write_many(verbs.release, items)

    async def lose(self, items: Sequence[moves.Lose]) -> list[Verdict]:
        return await self._writer.write_many(verbs.lose, items)

    async def abort(self, items: Sequence[moves.Abort]) -> list[Verdict]:
        return await self._writer.write_many(verbs.abort, items)

    async def progress(self, items: Sequence[Progressed]) -> list[Verdict]:
        return await self._writer.write_many(verbs.progress, items)

    async def log(self, items: Sequence[Logged]) -> None:
        rows = [
            (item.id, item.attempt, line.n, to_us(line.at), line.level, line.message, to_json(line.fields))
            for item in items
            for line in item.lines
            if 1 <= line.n <= LINES_MAX
        ]
        await self._writer.write_many(_log, rows)

    async def promote_due(self, limit: int) -> Due:
        return await self._due(NEXT_DUE, _promote_due, limit)

    async def expire_due(self, limit: int) -> Due:
        return await self._due(NEXT_EXPIRY, _expire_due, limit)

    async def cancel(self, account: str, ids: Sequence[str], *, by: By | None = None) -> list[Task | None]:
        return await self._writer.write(_cancel, account, ids, by)

    async def redrive(
        self, account: str, ids: Sequence[str], *, by: By | None = None
    ) -> list[Task | TaskflowError]:
        return await self._writer.write(_redrive, account, ids, by)

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
        return await self._writer.write(_update, account, task_id, priority, run_at, queue, by)

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

    async def _due(self, next_at: Statement, move: Callable[[Transaction, int], Due], limit: int) -> Due:
        """Ask a reader first: nearly always nothing is due, and then nothing need be written."""
        at = await self._readers.read(_value, next_at)
        now = to_us(self._clock())
        if at is None or at > now:
            return Due((), None if at is None else (at - now) / SECOND)
        return await self._writer.write(move, limit)


# --- by time ---------------------------------------------------------------------------------------------------------


def _value(snapshot: Snapshot, sql: Statement) -> int | None:
    found: int | None = snapshot.value(sql)
    return found


def _promote_due(tx: Transaction, limit: int) -> Due:
    ids = tx.document(list[str], DUE, tx.now, limit)
    if ids:
        tx.run(PROMOTE, tx.next_seq(len(ids)), to_json(ids))
    return _due(tx, ids, limit, NEXT_DUE)


def _expire_due(tx: Transaction, limit: int) -> Due:
    ids = tx.document(list[str], EXPIRED, tx.now, limit)
    if ids:
        tx.run(EXPIRE, tx.now, EXPIRED_SIGNATURE, to_json(ids))
        finish(tx, failed=True)
    return _due(tx, ids, limit, NEXT_EXPIRY)


def _due(tx: Transaction, ids: list[str], limit: int, next_at: Statement) -> Due:
    at = tx.value(next_at)
    if len(ids) >= limit:
        return Due(tuple(ids), 0.0)
    return Due(tuple(ids), None if at is None else max(0.0, (at - tx.now) / SECOND))


# --- by people -------------------------------------------------------------------------------------------------------


def _states(tx: Transaction, account: str, ids: Sequence[str]) -> dict[str, State]:
    return dict(tx.document(list[tuple[str, State]], STATES, to_json(list(set(ids))), account))


def _in_workflows(tx: Transaction, ids: Sequence[str]) -> dict[str, str]:
    """Of which workflow those are part that are part of one that is there."""
    return dict(tx.document(list[tuple[str, str]], IN_WORKFLOWS, to_json(list(set(ids)))))


def _cancel(tx: Transaction, account: str, ids: Sequence[str], by: By | None) -> list[Task | None]:
    states = _states(tx, account, ids)
    unstarted = [id for id, state in states.items() if state in UNSTARTED]
    running = [id for id, state in states.items() if state is State.RUNNING]
    if unstarted:
        ended = tx.run(CANCEL_UNSTARTED, tx.now, to_json(unstarted))
        tx.followed.ended[State.CANCELLED, None] += ended
        finish(tx)
    asked: list[str] = []
    if running:
        rows = tx.connection.execute(CANCEL_RUNNING.text, (tx.now, to_json(running))).fetchall()
        asked = [id for id, *_ in rows]
    found = read_tasks(tx, list(states))
    record(tx, by, (of_cancel(account, found[id], states[id]) for id in (*unstarted, *asked)))
    return [found.get(id) for id in ids]


def _redrive(tx: Transaction, account: str, ids: Sequence[str], by: By | None) -> list[Task | TaskflowError]:
    rows = tx.document(
        list[tuple[str, State, str, str | None]], REDRIVE_LOOK, to_json(list(set(ids))), account
    )
    known = {id: (state, type, key) for id, state, type, key in rows}
    owned = _in_workflows(tx, ids)
    errors: dict[int, TaskflowError] = {}
    moving: list[str] = []
    keys: dict[tuple[str, str], str] = {}  # taken in this call
    for place, id in enumerate(ids):
        state, type, key = known.get(id, (None, "", None))
        refusal = refusals.of_redrive(id, State.QUEUED if id in moving else state, owned.get(id))
        if refusal is not None:
            errors[place] = refusal
            continue
        if key is not None:
            holder = keys.get((type, key)) or _holder(tx, account, type, key)
            if holder is not None and holder != id:
                errors[place] = refusals.key_held_meanwhile(key, holder, id)
                continue
            tx.run(UNIQUE_KEEP, account, type, key, id)
            keys[type, key] = id
        moving.append(id)
    if moving:
        revive(tx, moving, REDRIVE, tx.next_seq(len(moving)), tx.now)
    found = read_tasks(tx, moving)
    queued = {"status": State.QUEUED}
    record(
        tx,
        by,
        (of_task(Action.TASK_REDRIVE, account, found[id], {"status": known[id][0]}, queued) for id in moving),
    )
    return [errors[place] if place in errors else found[id] for place, id in enumerate(ids)]


def _holder(tx: Transaction, account: str, type: str, key: str) -> str | None:
    found = tx.value(UNIQUE_FIND, account, type, key, tx.now)
    if found is None:
        return None
    holder: str = decoder(tuple[str, State]).decode(found)[0]
    return holder


def _promote(tx: Transaction, account: str, task_id: str, by: By | None) -> Task | TaskflowError:
    refusal = refusals.of_promote(task_id, _states(tx, account, [task_id]).get(task_id))
    if refusal is not None:
        return refusal
    tx.run(PROMOTE, tx.next_seq(1), to_json([task_id]))
    task = read_tasks(tx, [task_id])[task_id]
    was, is_now = {"status": State.SCHEDULED}, {"status": task.status}
    record(tx, by, [of_task(Action.TASK_PROMOTE, account, task, was, is_now)])
    return task


def _update(
    tx: Transaction,
    account: str,
    task_id: str,
    priority: int | None,
    run_at: datetime | None,
    queue: str | None,
    by: By | None,
) -> Task | TaskflowError:
    refusal = refusals.of_update(task_id, _states(tx, account, [task_id]).get(task_id), run_at)
    if refusal is not None:
        return refusal
    before = read_tasks(tx, [task_id])[task_id]
    if (priority, run_at, queue) == (None, None, None):
        return before
    tx.run(UPDATE, priority, None if run_at is None else to_us(run_at), queue, task_id)
    task = read_tasks(tx, [task_id])[task_id]
    was = {"priority": before.priority, "run_at": before.run_at, "queue": before.queue}
    record(tx, by, of_update(account, task, was))
    return task


def _delete(tx: Transaction, account: str, ids: Sequence[str], by: By | None) -> list[TaskflowError | None]:
    states = _states(tx, account, ids)
    owned = _in_workflows(tx, ids)
    outcomes: list[TaskflowError | None] = []
    gone: set[str] = set()
    for id in ids:
        refusal = refusals.of_delete(id, None if id in gone else states.get(id), owned.get(id))
        outcomes.append(refusal)
        if refusal is None:
            gone.add(id)
    if gone:
        known = {} if by is None else read_tasks(tx, list(gone))
        delete_finished(tx, list(gone))
        record(
            tx,
            by,
            (
                of_task(Action.TASK_DELETE, account, one, {"status": one.status}, None)
                for one in known.values()
            ),
        )
    return outcomes


def delete_finished(tx: Transaction, ids: Sequence[str]) -> None:
    """Remove finished tasks with all that belongs to them. Key rows stay: they say that a task was there."""
    these = to_json(ids)
    for sql in DELETE_REST:
        tx.run(sql, these)
    tx.run(DELETE, these)


# --- by workflows ----------------------------------------------------------------------------------------------------


def _unblock(tx: Transaction, ids: Sequence[str]) -> list[bool]:
    moving = _in_state(tx, ids, State.BLOCKED)
    if moving:
        tx.run(UNBLOCK, tx.next_seq(len(moving)), to_json(moving))
    return first_times(ids, moving)


def _skip(tx: Transaction, ids: Sequence[str]) -> list[bool]:
    moving = _in_state(tx, ids, State.BLOCKED)
    if moving:
        tx.run(SKIP, tx.now, to_json(moving))
        move_over(tx)
    return first_times(ids, moving)


def _reject(tx: Transaction, items: Sequence[tuple[str, TaskError]]) -> list[bool]:
    ids = [id for id, _ in items]
    moving = _in_state(tx, ids, State.BLOCKED)
    errors = dict(reversed(items))  # of two for one task the first counts
    tx.run_items(REJECT, [(id, to_json(errors[id])) for id in moving], tx.now, REFERENCE_SIGNATURE)
    move_over(tx, failed=True)
    return first_times(ids, moving)


def _reset(tx: Transaction, ids: Sequence[str]) -> list[bool]:
    moving = _in_state(tx, ids, State.FAILED, State.CANCELLED, State.SKIPPED)
    revive(tx, moving, RESET)
    return first_times(ids, moving)


def _in_state(tx: Transaction, ids: Sequence[str], *states: State) -> list[str]:
    """Those in one of these states, in the order given, each once."""
    found = read_tasks(tx, ids)
    return [id for id in dict.fromkeys(ids) if id in found and found[id].status in states]


def _log(tx: Transaction, rows: Sequence[tuple[object, ...]]) -> list[None]:
    tx.run_items(LOG, rows)
    return [None] * len(rows)
