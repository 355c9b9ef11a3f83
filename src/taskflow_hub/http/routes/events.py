"""Live: Server-Sent Events of one task, and of everything."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from taskflow_hub.domain.lifecycle import FINAL
from taskflow_hub.domain.model import DEFAULT_ACCOUNT
from taskflow_hub.http.answers import Plain
from taskflow_hub.http.api import api_of
from taskflow_hub.http.described import problems, streams
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
    api = api_of(request)
    seen = -1 if last_rev is None else int(last_rev)
    task = await api.engine.queries.task(DEFAULT_ACCOUNT, id)
    if task.status in FINAL and task.rev <= seen:
        return Plain(b"", 204)
    return EventStream(task_events(api.engine, id, seen), api.lifetime)


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
    return EventStream(nudge_events(api.nudges, resumed=last_nudge is not None), api.lifetime)
