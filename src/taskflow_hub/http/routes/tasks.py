"""Tasks: look, change, end, run again."""

from typing import Final

import msgspec
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from taskflow_hub.domain.access import Scope
from taskflow_hub.domain.lifecycle import FINAL, State
from taskflow_hub.domain.model import Task
from taskflow_hub.domain.why import Why
from taskflow_hub.http.answers import Json
from taskflow_hub.http.api import api_of
from taskflow_hub.http.bodies import Body, decode
from taskflow_hub.http.described import gives, problems, takes
from taskflow_hub.http.identify import account_of, allow, by_of, who_of
from taskflow_hub.http.outcomes import cancelled, done, task_of
from taskflow_hub.http.params import (
    AfterLine,
    CreatedAfter,
    CreatedBefore,
    Cursor,
    Limit,
    OfQueue,
    OfType,
    OfUser,
    Statuses,
    TaskId,
    WithError,
    WithFingerprint,
    WithTag,
)
from taskflow_hub.http.results import result_answer
from taskflow_hub.http.schemas import (
    Attempts,
    LogPage,
    Outcome,
    Removed,
    TaskChange,
    TaskCounts,
    TaskPage,
    Unfinished,
)
from taskflow_hub.store.values import TaskFilter

_CHANGE: Final = msgspec.json.Decoder(TaskChange)
_FIRST_LINE: Final = "0.0"

router = APIRouter(tags=["tasks"])


@router.get("/tasks", responses={200: gives(TaskPage, "A page of tasks, newest first.")})
async def list_tasks(
    request: Request,
    status: Statuses = (),
    type: OfType = None,
    queue: OfQueue = None,
    user: OfUser = None,
    tag: WithTag = None,
    fingerprint: WithFingerprint = None,
    error: WithError = None,
    created_after: CreatedAfter = None,
    created_before: CreatedBefore = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List tasks, newest first; all conditions hold together. A cursor stays good while tasks come, change and go. A page of
    large tasks ends before its `limit`, at 8 MiB, and one with `error` where 5 000 errors have been read: only `next_cursor`
    null says that it was the last."""
    who = allow(request, Scope.READ)
    if queue is not None:
        who.require_queue(queue)
    where = TaskFilter(
        status=status,
        type=type,
        queue=queue,
        queues=who.queues,
        user=user,
        tag=tag,
        fingerprint=fingerprint,
        error=error,
        created_after=created_after,
        created_before=created_before,
    )
    page = await api_of(request).engine.queries.tasks(who.looks_into, where, limit=limit, cursor=cursor)
    return Json(page)


@router.get("/tasks/counts", responses={200: gives(TaskCounts, "Of every state, how many.")})
async def count_tasks(
    request: Request,
    type: OfType = None,
    queue: OfQueue = None,
    user: OfUser = None,
    tag: WithTag = None,
    fingerprint: WithFingerprint = None,
    created_after: CreatedAfter = None,
    created_before: CreatedBefore = None,
) -> Response:
    """Count tasks by state; all conditions hold together. Up to 10 000 of a state a count is exact. Beyond, `exact` is false
    and it is about so many; 10 000 then means at least so many. Where no index leads to what is asked for, PostgreSQL counts
    for half a second at most, and then all are estimates."""
    who = allow(request, Scope.READ)
    if queue is not None:
        who.require_queue(queue)
    where = TaskFilter(
        type=type,
        queue=queue,
        queues=who.queues,
        user=user,
        tag=tag,
        fingerprint=fingerprint,
        created_after=created_after,
        created_before=created_before,
    )
    return Json(TaskCounts(await api_of(request).engine.queries.counts(who.looks_into, where)))


@router.get("/tasks/{id}", responses={200: gives(Task, "The task."), **problems(404)})
async def get_task(request: Request, id: TaskId) -> Response:
    """A task as it is now."""
    account = await account_of(request, Scope.READ, id)
    return Json(await api_of(request).engine.queries.task(account, id))


@router.get("/tasks/{id}/explain", responses={200: gives(Why, "What keeps it."), **problems(404)})
async def explain_task(request: Request, id: TaskId) -> Response:
    """Why a task is not running, in words and in figures; of one that runs or has ended, that."""
    account, who = await account_of(request, Scope.READ, id), who_of(request)
    return Json(await api_of(request).engine.queries.explain(account, id, who=who))


@router.patch(
    "/tasks/{id}",
    responses={200: gives(Task, "The task as it is now."), **problems(404, 409, 413)},
    openapi_extra=takes(TaskChange),
)
async def update_task(request: Request, id: TaskId, body: Body) -> Response:
    """Change a task that has not started: `priority`, `queue`, and `run_at` while it is scheduled."""
    account = await account_of(request, Scope.MANAGE, id)
    engine, changes = api_of(request).engine, (await decode(_CHANGE, body)).given()
    if "queue" in changes:
        allow(request, Scope.MANAGE).require_queue(changes["queue"])
    task = await engine.tasks.update(account, id, **changes, by=by_of(request))
    return Json(await engine.queries.present(task))


@router.delete("/tasks/{id}", responses={200: gives(Removed, "It is gone."), **problems(404, 409)})
async def delete_task(request: Request, id: TaskId) -> Response:
    """Remove a finished task with its attempts, logs and result."""
    account = await account_of(request, Scope.MANAGE, id)
    done(await api_of(request).engine.tasks.delete(account, [id], by=by_of(request)))
    return Json(Removed(id))


@router.post(
    "/tasks/{id}/cancel",
    responses={
        200: gives(Task, "It is cancelled, now or already before."),
        202: gives(Task, "It runs, and its worker has been asked to end it: see `cancel_requested_at`."),
        **problems(404, 409),
    },
)
async def cancel_task(request: Request, id: TaskId) -> Response:
    """End a task that has not started, or ask the worker that runs it to. 409 when it had ended in another way."""
    account = await account_of(request, Scope.MANAGE, id)
    tasks = await api_of(request).engine.tasks.cancel(account, [id], by=by_of(request))
    task = cancelled(id, tasks)
    return Json(task, 200 if task.status is State.CANCELLED else 202)


@router.post("/tasks/{id}/redrive", responses={200: gives(Task, "It is queued anew."), **problems(404, 409)})
async def redrive_task(request: Request, id: TaskId) -> Response:
    """Run a failed or cancelled task again, with its retries restored. Earlier attempts stay in its history."""
    account = await account_of(request, Scope.MANAGE, id)
    engine = api_of(request).engine
    task = task_of(await engine.tasks.redrive(account, [id], by=by_of(request)))
    return Json(await engine.queries.present(task))


@router.post("/tasks/{id}/promote", responses={200: gives(Task, "It is queued."), **problems(404, 409)})
async def promote_task(request: Request, id: TaskId) -> Response:
    """Run a scheduled task now."""
    account = await account_of(request, Scope.MANAGE, id)
    engine = api_of(request).engine
    task = await engine.tasks.promote(account, id, by=by_of(request))
    return Json(await engine.queries.present(task))


@router.get(
    "/tasks/{id}/result",
    responses={
        200: gives(Outcome, "It has ended; `result` is whole, however large."),
        202: gives(
            Unfinished,
            "It has not ended yet.",
            headers={"Retry-After": "Seconds until another try is worth it."},
        ),
        **problems(404, 410),
    },
)
async def get_result(request: Request, id: TaskId) -> Response:
    """How a task ended. 410 when the task, or its large result, is not kept any more."""
    engine = api_of(request).engine
    task = await engine.queries.outcome(await account_of(request, Scope.READ, id), id)
    if task.status not in FINAL:
        return Json(Unfinished(task.status), 202, {"Retry-After": "1"})
    return await result_answer(task, engine.results)


@router.get(
    "/tasks/{id}/attempts",
    responses={200: gives(Attempts, "The attempts, in order."), **problems(404)},
)
async def list_attempts(request: Request, id: TaskId) -> Response:
    """Every attempt of a task in order, the running or last one included; of more than 200 the newest."""
    account = await account_of(request, Scope.READ, id)
    return Json(Attempts(await api_of(request).engine.queries.attempts(account, id)))


@router.get("/tasks/{id}/logs", responses={200: gives(LogPage, "Lines, in order."), **problems(404)})
async def list_logs(request: Request, id: TaskId, after: AfterLine = None, limit: Limit = 100) -> Response:
    """What the task's attempts logged, in order. `next_cursor` null: these were the last lines so far; to follow, ask again
    later with `after` made from the last line, ATTEMPT.N."""
    attempt, n = (after or _FIRST_LINE).split(".")
    account = await account_of(request, Scope.READ, id)
    lines = await api_of(request).engine.queries.logs(account, id, after=(int(attempt), int(n)), limit=limit)
    more = len(lines) == limit
    return Json(LogPage(lines, f"{lines[-1].attempt}.{lines[-1].n}" if more else None))
