"""Live: Server-Sent Events of one task, and of everything."""

from functools import partial

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from taskflow_hub.domain.access import Scope
from taskflow_hub.domain.errors import NotFound
from taskflow_hub.domain.lifecycle import FINAL
from taskflow_hub.http.answers import Plain
from taskflow_hub.http.api import api_of
from taskflow_hub.http.described import problems, streams
from taskflow_hub.http.identify import account_of, allow, asker_of, may_still
from taskflow_hub.http.params import LastNudge, LastRev, TaskId
from taskflow_hub.http.sse import EventStream, nudge_events, task_events

router = APIRouter(tags=["events"])


@router.get(
    "/tasks/{id}/events",
    responses={
        200: streams(
            "`id`: the task's rev; `event`: task.STATUS; `data`: the task. Ends after the task has ended."
        ),
        204: {"description": "The task has ended, and its last event was seen: do not connect again."},
        **problems(404),
    },
)
async def follow_task(request: Request, id: TaskId, last_rev: LastRev = None) -> Response:
    """A task as it is, and then every change of it. With `Last-Event-ID` only what is newer than that."""
    api, account = api_of(request), await account_of(request, Scope.READ, id)
    seen = -1 if last_rev is None else int(last_rev)
    task = await api.engine.queries.task(account, id)
    if task.status in FINAL and task.rev <= seen:
        return Plain(b"", 204)

    async def look() -> None:
        if await account_of(request, Scope.READ, id) != account:
            raise NotFound

    events = task_events(api.engine, account, id, seen)
    return EventStream(events, api.lifetime, asker_of(request), partial(may_still, request, look))


@router.get(
    "/events",
    responses={
        200: streams('Events `changed` and `reset`, with `data`: `{"topics": ["tasks", …]}`. Does not end.')
    },
)
async def follow_all(request: Request, last_nudge: LastNudge = None) -> Response:
    """Nudges: what kind of thing changed, at most five times a second. They are not kept; `reset` says to look at
    everything anew."""
    api = api_of(request)

    async def look() -> None:
        allow(request, Scope.READ)

    await look()
    events = nudge_events(api.nudges, resumed=last_nudge is not None)
    return EventStream(events, api.lifetime, asker_of(request), partial(may_still, request, look))
