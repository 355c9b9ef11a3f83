"""POST /tasks and POST /tasks/batch: the way in, and the hot path.

These two routes parse their own headers (`Plain`): FastAPI's handling of parameters costs several times what the hub itself
spends on a submit. The OpenAPI document knows them like any other.
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final, cast

import msgspec
from fastapi import APIRouter
from fastapi.routing import APIRoute
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response

from taskflow_hub.domain.access import Scope, Who
from taskflow_hub.domain.errors import Forbidden
from taskflow_hub.domain.lifecycle import FINAL
from taskflow_hub.domain.limits import BATCH_MAX
from taskflow_hub.domain.model import Task
from taskflow_hub.domain.submission import OnConflict, Submission
from taskflow_hub.engine.idempotency import fingerprint
from taskflow_hub.http import headers
from taskflow_hub.http.answers import Json
from taskflow_hub.http.api import Api, api_of
from taskflow_hub.http.bodies import canonical, canonical_batch, decode, decode_batch, read
from taskflow_hub.http.described import REPLAYED, gives, header, problems, takes
from taskflow_hub.http.identify import allow
from taskflow_hub.http.params import refuse_query
from taskflow_hub.http.schemas import Batch, Ids
from taskflow_hub.http.waiting import final_within
from taskflow_hub.store.values import Idempotency, Submitted

_SUBMISSION: Final = msgspec.json.Decoder(Submission)
_POINTERS: Final = tuple(f"/tasks/{index}" for index in range(BATCH_MAX))


class Plain(APIRoute):
    """A route whose endpoint is given the request as it came."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        return cast(Callable[[Request], Coroutine[Any, Any, Response]], self.endpoint)


router = APIRouter(tags=["tasks"], route_class=Plain)

_KEY = header(
    "Idempotency-Key",
    "The same key and body again, within 24 hours, answers the first request's task and submits nothing.",
    pattern=headers.IDEMPOTENCY_KEY,
)
_WAIT = header("Prefer", "`wait=N`: answer when the task has ended, or after N seconds, at most 60.")
_TRACE = header("traceparent", "W3C trace context, kept with the task. Ignored unless well-formed.")


@router.post(
    "/tasks",
    status_code=202,
    responses={
        202: gives(Task, "Committed.", headers={"Location": "Where the task is."}),
        200: gives(
            Task,
            "The task as it is: it has ended in time (`Prefer`), or it was there before (`Idempotency-Key`, `unique`).",
            headers={
                "Location": "Where the task is.",
                "Idempotency-Replayed": REPLAYED,
                "Preference-Applied": "`wait`, when the task has ended in time.",
            },
        ),
        **problems(409, 410, 413, 429),
    },
    openapi_extra=takes(Submission, parameters=[_KEY, _WAIT, _TRACE]),
)
async def submit_task(request: Request) -> Response:
    """Submit a task. A 2xx answer means that it is committed, as durably as the database commits."""
    api, who = api_of(request), allow(request, Scope.SUBMIT)
    refuse_query(request)
    key = headers.idempotency_key(request)
    body = await read(request, api.settings.max_body)
    wanted = await decode(_SUBMISSION, body)
    submitted = await api.engine.tasks.submit(
        await _within_queues(api, who, [wanted]),
        account=who.account_id,
        user=who.user_id,
        idempotency=_idempotency(who, "POST /tasks", key, await canonical(body)) if key else None,
        traceparent=headers.traceparent(request),
    )
    _require_seen(who, submitted)
    task, asked_s = submitted.tasks[0], headers.wait_s(request)
    if asked_s and task.status not in FINAL:
        task = await final_within(request, who.account_id, task, asked_s)
    in_time = asked_s > 0 and task.status in FINAL
    pending = not in_time if asked_s else submitted.created[0]
    told = {"Location": f"/tasks/{task.id}"} | ({"Preference-Applied": "wait"} if in_time else {})
    return Json(await api.engine.queries.present(task), 202 if pending else 200, told | _replay(submitted))


@router.post(
    "/tasks/batch",
    status_code=202,
    responses={
        202: gives(Ids, "Committed, all of them."),
        200: gives(
            Ids,
            "Nothing new: the key was used before, or every task was there before (`unique`).",
            headers={"Idempotency-Replayed": REPLAYED},
        ),
        **problems(409, 410, 413, 429),
    },
    openapi_extra=takes(Batch, parameters=[_KEY, _TRACE]),
)
async def submit_batch(request: Request) -> Response:
    """Submit up to 10 000 tasks in one transaction: all or none. What is wrong is named by its index, `/tasks/3/priority`."""
    api, who = api_of(request), allow(request, Scope.SUBMIT)
    refuse_query(request)
    key = headers.idempotency_key(request)
    body = await read(request, api.settings.max_batch_body)
    tasks = await _within_queues(api, who, await decode_batch(_SUBMISSION, body))
    submitted = await api.engine.tasks.submit(
        tasks,
        account=who.account_id,
        user=who.user_id,
        idempotency=_idempotency(who, "POST /tasks/batch", key, await canonical_batch(body)) if key else None,
        traceparent=headers.traceparent(request),
        pointers=_POINTERS[: len(tasks)],
    )
    _require_seen(who, submitted)
    status = 202 if any(submitted.created) else 200
    return Json(Ids(tuple(task.id for task in submitted.tasks)), status, _replay(submitted))


async def _within_queues(api: Api, who: Who, tasks: Sequence[Submission]) -> Sequence[Submission]:
    """The tasks, for a key that is for some queues only each bound to the queue it would go to, and to no other later on.

    Raises Forbidden for another queue; for `unique`, whose holder may be in any queue of the account; and for `limits`, which
    hold for all of them. To replace another task needs the scope `manage`, as to cancel it does.
    """
    if Scope.MANAGE not in who.scopes:
        for task in tasks:
            if task.unique is not None and task.unique.on_conflict is OnConflict.REPLACE:
                who.require(Scope.MANAGE)
    if not who.queues:
        return tasks
    await api.engine.types.refresh()
    bound = []
    for task in tasks:
        queue = api.engine.types.queue_of(task)
        who.require_queue(queue)
        if task.unique is not None:
            raise Forbidden("A unique key belongs to the whole account; this key is for some queues only.")
        if task.limits:
            raise Forbidden("Limits hold for the whole account; this key is for some queues only.")
        bound.append(replace(task, queue=queue))
    return bound


def _require_seen(who: Who, submitted: Submitted) -> None:
    """A replay answers what was submitted before, by whatever key, and wherever it is now."""
    if who.queues and any(task.queue not in who.queues for task in submitted.tasks):
        raise Forbidden("This Idempotency-Key belongs to a task in a queue that this key is not for.")


def _replay(submitted: Submitted) -> dict[str, str]:
    return {"Idempotency-Replayed": "true"} if submitted.replayed else {}


def _idempotency(who: Who, route: str, key: str, canonical: bytes) -> Idempotency:
    return fingerprint(route, key, msgspec.Raw(canonical), account=who.account_id)
