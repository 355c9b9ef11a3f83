"""Durable steps: what a task has kept, and the events that its handler waits for."""

from typing import Any, Final

import msgspec
from fastapi import APIRouter
from msgspec import Raw
from starlette.requests import Request
from starlette.responses import Response

from taskflow_hub.domain.access import Scope
from taskflow_hub.domain.steps import Event
from taskflow_hub.http.answers import Json
from taskflow_hub.http.api import api_of
from taskflow_hub.http.bodies import Body, decode
from taskflow_hub.http.described import gives, problems
from taskflow_hub.http.identify import account_of, by_of
from taskflow_hub.http.params import AfterStep, EventName, Limit, TaskId
from taskflow_hub.http.schemas import StepList

_ANYTHING: Final = msgspec.json.Decoder(Raw)
_PAYLOAD: Final[dict[str, Any]] = {
    "requestBody": {
        "required": False,
        "content": {"application/json": {"schema": {}, "examples": {"who": {"value": {"by": "ada"}}}}},
        "description": "The payload: anything that JSON has, at most 64 KiB. None is null.",
    }
}

router = APIRouter(tags=["tasks"])


@router.post(
    "/tasks/{id}/events/{name}",
    responses={200: gives(Event, "The first event of this name."), **problems(404, 409, 413)},
    openapi_extra=_PAYLOAD,
)
async def send_event(request: Request, id: TaskId, name: EventName, body: Body) -> Response:
    """Send a task an event, for which its handler waits or will. The first of a name wins: a later one changes nothing, and is
    answered with the first (`accepted` false). 409 when the task has ended."""
    account = await account_of(request, Scope.SUBMIT, id)
    if body:
        await decode(_ANYTHING, body)
    return Json(await api_of(request).engine.steps.send_event(account, id, name, body, by=by_of(request)))


@router.get("/tasks/{id}/steps", responses={200: gives(StepList, "In order."), **problems(404)})
async def list_steps(request: Request, id: TaskId, after: AfterStep = None, limit: Limit = 100) -> Response:
    """Where a handler is that goes on by steps: what is done, with its results, and which times and events it waits for.
    A page with large results ends before its `limit`, at 8 MiB: only `next_cursor` null says that it was the last."""
    account = await account_of(request, Scope.READ, id)
    page = await api_of(request).engine.steps.of_task(account, id, after=int(after or 0), limit=limit)
    return Json(StepList(page.items, None if page.next is None else str(page.next)))
